"""What a picture of the loss costs, and what a subset of the samples is worth."""

import time
from collections.abc import Sequence

import numpy as np
import torch

from landscape_cli.arrays import Array
from landscape_cli.evaluation.batches import automatic_size, rebatched
from landscape_cli.evaluation.evaluator import Evaluator, Samples
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import chosen, subset
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.runs import Run
from landscape_cli.surfaces.grid import grid
from landscape_cli.weights.arithmetic import params_of, point_of
from landscape_cli.weights.directions import random

GRID = 51 * 51  # points of the paper's planes
REPEATS = 5  # of a timing, of which the fastest counts
NORMAL = 0.9973  # the part of a normal distribution within three standard deviations
DRAWN = 10  # subsets that are drawn


def loss_evaluation_cost(lab: Lab, *, samples: list[int], subsets: int, points: int) -> Findings:
    """Measure how far the loss of a subset is from that of all samples, in its own standard errors.

    Every sample's loss is computed at every point of a filter-normalized line; subsets are then those that
    `landscape surface samples=n seed=k` evaluates, balanced over the classes, and so are the standard errors:
    sd / sqrt(n), as of samples drawn from a population, that is without a finite-population correction.

    Args:
        lab: the runs.
        samples: sizes n of subsets, ascending.
        subsets: how many of each size.
        points: of the line from -1 to 1.
    """
    x = grid(-1.0, 1.0, points)
    rows: list[Row] = []
    costs: list[Row] = []
    scores: dict[int, list[Array]] = {count: [] for count in samples}
    lines: list[Array] = []
    drawn: list[Array] = []
    name = next(iter(lab.scale.runs))
    for seed in lab.seeds:
        run = lab.run(name, seed)
        losses = _losses(lab, run, x)
        full = losses.mean(dim=1).cpu().numpy()
        lines.append(full)
        split = lab.dataset(run).train
        whole = [(split.inputs, split.targets)]
        line = lab.surface(run, "y=null", f"x=[-1,1,{points}]", "splits=[train]", f"samples={samples[0]}")
        stored = line.values["train/loss"]
        for count in samples:
            means, errors = [], []
            for number in range(subsets):
                indices = subset(whole, count, number, "train").to(losses.device)
                found = [Samples(at_point[indices], None).mean() for at_point in losses]
                means.append([evaluation.loss for evaluation in found])
                errors.append([evaluation.loss_stderr for evaluation in found])
            z = (np.array(means) - full) / np.array(errors)
            scores[count].append(z.ravel())
            if count == samples[0]:
                drawn = drawn or [np.array(mean) for mean in means[:DRAWN]]
                difference = float(np.max(np.abs(np.array(means[0]) - stored) / stored))
            rows.append(
                {
                    "seed": seed,
                    "samples": count,
                    "of": len(split),
                    "comparisons": z.size,
                    "within_3_standard_errors": float((np.abs(z) < 3).mean()),
                    "root_mean_square_z": float(np.sqrt((z**2).mean())),
                    "largest_z": float(np.abs(z).max()),
                    "mean_relative_error": float(np.mean(np.abs(np.array(means) - full) / full)),
                    "difference_from_the_command": difference,
                }
            )
        costs += [{"seed": seed, **row} for row in _timed(lab, run, [*samples, len(split)])]
    exponents = [_exponent([row for row in costs if row["seed"] == seed]) for seed in lab.seeds]
    claims = [
        *(
            Claim(
                f"On {count} samples, the part of subsets and points with |L_subset - L_all| < 3 standard"
                " errors is that of a normal error or more",
                [row["within_3_standard_errors"] for row in rows if row["samples"] == count],
                ">=",
                NORMAL,
                note="subsets are balanced over the classes and their standard error leaves out that the"
                " whole is finite, so errors are smaller than it says; but where few samples have most"
                " of the loss, small subsets miss them",
            )
            for count in samples
        ),
        Claim(
            "These are the losses that `landscape surface samples=` stores: largest relative difference",
            [row["difference_from_the_command"] for row in rows if row["samples"] == samples[0]],
            "<=",
            1e-5,
            identity=True,
        ),
        Claim(
            "Cost is points times samples: seconds per point grow like samples^k, |k - 1|",
            [abs(exponent - 1) for exponent in exponents],
            "<=",
            0.2,
            soft=True,
            note="a timing, in seconds of the processor, or of the wall on a GPU",
        ),
    ]
    return Findings(
        claims,
        {"subsets": rows, "cost": costs},
        {"cost": draw_panels(_panels(x, lines, drawn, scores, costs, samples[0], lab.seeds))},
    )


def _losses(lab: Lab, run: Run, x: Array) -> torch.Tensor:
    """Return the loss of every training sample at every point, (points, samples) float64."""
    plane = _plane(lab, run, None)
    found = []
    with plane.evaluator.enough_threads():
        for place in x:
            plane.move(float(place))
            found.append(plane.evaluator.samples("train").losses)
    return torch.stack(found)


def _plane(lab: Lab, run: Run, count: int | None) -> Plane:
    """Return the line of `landscape surface y=null` on so many training samples, or on all."""
    dataset = lab.dataset(run)
    model = lab.solution(run).network(dataset, trust=False)
    parts = [(dataset.train.inputs, dataset.train.targets)]
    if count is not None:
        parts = chosen(parts, subset(parts, count, 0, "train"))
    size = automatic_size(dataset.train.inputs)
    evaluator = Evaluator(model, {"train": rebatched(parts, size)}, objective(run.config["loss"]))
    direction = random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis="x")
    return Plane(evaluator, point_of(model), {"x": direction})


def _timed(lab: Lab, run: Run, counts: list[int]) -> list[Row]:
    """Return what a point costs on so many samples, and a plane of 51 x 51 of them."""
    # on a processor its own seconds: what other programs do meanwhile is no cost of ours
    clock = time.process_time if lab.device.type == "cpu" else time.perf_counter
    rows: list[Row] = []
    for count in counts:
        plane = _plane(lab, run, count)
        seconds = []
        with plane.evaluator.enough_threads():
            for _ in range(REPEATS + 1):  # the first one sets things up
                started = clock()
                plane.evaluate(0.5)  # its numbers are read back, so a device has finished
                seconds.append(clock() - started)
        best = min(seconds[1:])
        rows.append(
            {
                "samples": count,
                "seconds_per_point": best,
                "samples_per_second": count / best,
                "samples_of_51x51_points": GRID * count,
                "minutes_for_51x51_points": GRID * best / 60,
            }
        )
    return rows


def _exponent(costs: Sequence[Row]) -> float:
    """Return k of the least-squares fit log seconds = k log samples + c."""
    logs = [np.log([row[key] for row in costs]) for key in ("samples", "seconds_per_point")]
    return float(np.polyfit(logs[0], logs[1], 1)[0])


def _panels(
    x: Array,
    lines: list[Array],
    drawn: list[Array],
    scores: dict[int, list[Array]],
    costs: list[Row],
    smallest: int,
    seeds: list[int],
) -> list[Panel]:
    edges = np.linspace(-4, 4, 41)
    middles = (edges[1:] + edges[:-1]) / 2
    density = np.exp(-(middles**2) / 2) / np.sqrt(2 * np.pi)
    counts = sorted({row["samples"] for row in costs})
    seconds = [[row["seconds_per_point"] for row in costs if row["seed"] == seed] for seed in seeds]
    return [
        Panel(
            f"{len(drawn)} subsets of {smallest} samples",
            "step along the direction",
            "training loss",
            [
                Series("on all samples", x, lines[0], look=0),
                Series(f"subsets of {smallest}, mean and sd", x, drawn, look=1),
            ],
            log="y",
        ),
        Panel(
            "Errors in standard errors",
            "(L_subset - L_all) / s.e.",
            "density",
            [
                *(
                    Series(
                        f"{count} samples",
                        middles,
                        [np.histogram(z, edges)[0] / len(z) / (edges[1] - edges[0]) for z in found],
                        steps=True,
                        look=1 + number,
                    )
                    for number, (count, found) in enumerate(scores.items())
                ),
                Series("normal", middles, density, look=6),
            ],
            marks={"-3": -3.0, "3": 3.0},
        ),
        Panel(
            "Cost of a point",
            "samples",
            "seconds",
            [Series("seconds per point", counts, seconds, look=7)],
        ),
    ]
