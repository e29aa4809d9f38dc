"""Error against cost of a plane that is evaluated on fewer samples, at fewer points, in bfloat16.

Each setting is a `landscape surface` of its own, on the training split; its values are compared with exact
ones (fp32, all samples) at random points of the grid. Cost is counted in forward passes of images, as a
share of the exact plane's, and in seconds.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from benchmarks import machine
from benchmarks.alternating import table
from benchmarks.whole_process import LANDSCAPE, cost
from landscape_cli import store
from landscape_cli.arrays import Index
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import classifier
from landscape_cli.progress import bar
from landscape_cli.solutions import load_dataset, locate
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import params_of

TRAINING = (
    "train",
    "architecture=cnn",
    "epochs=40",
    "optimizer.lr=0.2",
    "schedule=cosine",
    "schedule.warmup=2",
)


def exact_points(run: Path, size: int, count: int) -> tuple[int, dict[Index, float]]:
    """Return the samples of the training split, and the exact losses at random points of the plane."""
    solution = locate(str(run), "last", key="run")
    dataset = load_dataset(solution.run.config, torch.device("cpu"), trust=False)
    model = solution.network(dataset, trust=False)
    axes = {
        axis: directions.random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis=axis)
        for axis in "xy"
    }
    problem = classifier(model, dataset, solution.run.config["loss"], ["train"])
    coordinates = grid(-1, 1, size)
    field = LossField(problem, axes, coordinates, coordinates, Options())
    order = np.random.default_rng(0).permutation(size * size)[:count]
    indices = [(int(place) // size, int(place) % size) for place in order]
    losses: dict[Index, float] = {}
    with bar(len(indices), "exact", "points") as progress:
        for index in indices:
            losses[index] = float(field.evaluate(index)["train/loss"])  # type: ignore[arg-type]
            progress.update()
    return len(dataset.train), losses


def row_of(run: Path, size: int, words: Sequence[str], samples: int, exact: dict[Index, float]) -> list[str]:
    """Return the row of one setting."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "plane.h5")
        axes = [f"{axis}=[-1,1,{size}]" for axis in "xy"]
        command = [
            *LANDSCAPE,
            "surface",
            f"run={run.absolute()}",
            "splits=[train]",
            *axes,
            *words,
            f"out={out}",
        ]
        seconds = cost(command, Path(folder)).seconds
        surface = store.read(out)
    asked = surface.config["samples"] or samples
    anchors = 0 if surface.config["anchors"] is None else surface.config["anchors"] ** 2
    evaluated = int(surface.evaluated.sum())
    images = anchors * samples + (evaluated - anchors) * asked
    loss = surface.values["train/loss"]
    errors = [abs(np.log(loss[index] / value)) for index, value in exact.items()]
    return [
        " ".join(words) or "exact",
        f"{evaluated / loss.size:.1%}",
        f"{images / (loss.size * samples):.2%}",
        f"{seconds:.0f}",
        f"{np.mean(errors):.4f}",
        f"{max(errors):.4f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path, help="a finished run folder; default: one trained on the digits")
    parser.add_argument("--size", type=int, default=51, help="points an axis (%(default)s)")
    parser.add_argument("--exact", type=int, default=100, help="random points to compare at (%(default)s)")
    parser.add_argument(
        "--settings",
        nargs="+",
        help="quoted options of `landscape surface`, one setting each; default: a choice of them",
    )
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run = asked.run
        if run is None:
            run = Path(folder, "run")
            cost([*LANDSCAPE, *TRAINING, f"out={run}"], Path(folder))
        samples, exact = exact_points(run, asked.size, asked.exact)
        part = max(100, samples // 10)
        settings = asked.settings or [
            "precision=bf16",
            f"samples={part}",
            f"samples={part} anchors=3",
            f"samples={part} anchors=5",
            "tolerance=0.05",
            "tolerance=0.02",
            f"precision=bf16 samples={part} anchors=3 tolerance=0.02",
        ]
        rows = [row_of(run, asked.size, setting.split(), samples, exact) for setting in settings]
    print(f"# Error of log-loss against cost, {asked.size} x {asked.size} points, {samples:,} samples\n")
    print(f"{machine.described()}\n")
    print(table(["setting", "points", "images", "seconds", "mean error", f"largest of {len(exact)}"], rows))


if __name__ == "__main__":
    main()
