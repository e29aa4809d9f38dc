"""Small and large batches, weight decay and the optimizer (Li et al. 2018, figures 2 and 3)."""

from collections.abc import Sequence
from itertools import product

import numpy as np
import torch

from landscape_cli import checkpoint
from landscape_cli.evaluation.store import Array, Surface
from landscape_cli.measures import line_radius, spearman
from landscape_cli.phenomena.claims import Claim
from landscape_cli.phenomena.findings import Findings, Row
from landscape_cli.phenomena.lab import Lab
from landscape_cli.phenomena.valleys import LOSS, centre, lines, losses, plane, radius, ratios, test_error
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.runs import Run

DECAYS = {"wd0": "weight decay 0", "wd": "weight decay 5e-4"}
SIZES = {"small": "small batch", "large": "large batch"}


def interpolation(lab: Lab, *, alpha: str, rise: float, samples: int | None) -> Findings:
    """Measure the straight line from a small-batch to a large-batch solution, with and without weight decay.

    The width of a valley is that of the interval around its end in which the loss is below L(end) + rise,
    as a share of the distance between the solutions. Runs: ``wd0_small``, ``wd0_large``, ``wd_small``,
    ``wd_large``.

    Args:
        lab: has the runs.
        alpha: ``alpha=[first,last,count]`` of `landscape interpolate`.
        rise: in nats.
        samples: of the training split; None: all.
    """
    words = [alpha, *([] if samples is None else [f"samples={samples}"])]
    rows: list[Row] = []
    drawn: dict[tuple[str, int], Surface] = {}
    for decay, seed in product(DECAYS, lab.seeds):
        small, large = lab.run(f"{decay}_small", seed), lab.run(f"{decay}_large", seed)
        line = drawn[decay, seed] = lab.interpolate(small, large, *words)
        widths = [2 * _radius_at(line, end, rise) for end in (0.0, 1.0)]
        rows.append(
            {
                "weight_decay": decay,
                "seed": seed,
                "small_batch_width": widths[0],
                "large_batch_width": widths[1],
                "small_batch_test_error": test_error(small),
                "large_batch_test_error": test_error(large),
            }
        )

    def of(decay: str, name: str) -> Array:
        return np.array([row[name] for row in rows if row["weight_decay"] == decay])

    shares = {
        decay: ratios(of(decay, "small_batch_width"), of(decay, "large_batch_width")) for decay in DECAYS
    }
    claims = [
        Claim(
            "Without weight decay the valley of the small-batch solution is the wider one on the line between"
            f" them (width at L + {rise:g}, small over large)",
            shares["wd0"],
            ">",
            1.0,
        ),
        Claim(
            "With weight decay 5e-4 the order flips, the large-batch solution looks wider (the same ratio):"
            " such widths say nothing of generalization",
            shares["wd"],
            "<",
            1.0,
            soft=True,
        ),
        *(
            Claim(
                f"With {words} the small batch generalizes better (test error, large minus small, in points)",
                (of(decay, "large_batch_test_error") - of(decay, "small_batch_test_error")).tolist(),
                ">",
                0.0,
            )
            for decay, words in DECAYS.items()
        ),
    ]
    panels = [
        Panel(
            words,
            "\N{GREEK SMALL LETTER ALPHA} (0 = small batch, 1 = large batch)",
            "loss (cross-entropy, nats)",
            series=[
                Series(
                    f"{'training' if split == 'train' else split} loss",
                    drawn[decay, lab.seeds[0]].x,
                    [drawn[decay, seed].values[f"{split}/loss"] for seed in lab.seeds],
                )
                for split in ("train", "test")
            ],
            log="y",
            marks={
                f"{of(decay, f'{size}_batch_test_error').mean():.2f} %": end
                for size, end in (("small", 0.0), ("large", 1.0))
            },
        )
        for decay, words in DECAYS.items()
    ]
    title = "From a small-batch to a large-batch solution (test errors above the ends)"
    return Findings(claims, {"widths": rows}, {"interpolation": draw_panels(panels, title=title)})


def _radius_at(line: Surface, end: float, rise: float) -> float:
    loss = line.values[LOSS]
    at = float(loss[int(np.abs(line.x - end).argmin())])
    return line_radius(line.x - end, loss, at + rise)


def weight_norms(lab: Lab, *, small_weight: float) -> Findings:
    """Measure how the weights grow without weight decay and shrink with it, for both batch sizes.

    Args:
        lab: has the runs of `interpolation`.
        small_weight: the magnitude below which a weight is called small.
    """
    rows: list[Row] = []
    norms: dict[str, list[Array]] = {}
    weights: dict[str, list[Array]] = {}
    for name, seed in product(lab.scale.runs, lab.seeds):
        run = lab.run(name, seed)
        norm = np.array([row["weight_norm"] for row in run.metrics()])
        values = _weights(run)
        norms.setdefault(name, []).append(norm)
        weights.setdefault(name, []).append(values)
        rows.append(
            {
                "run": name,
                "seed": seed,
                "norm": norm[-1],
                "growing_epochs": float((np.diff(norm) > 0).mean()),
                "sd": float(values.std()),
                "small_weights": float((np.abs(values) < small_weight).mean()),
            }
        )

    def of(run: str, name: str) -> Array:
        return np.array([row[name] for row in rows if row["run"] == run])

    growing = np.minimum(of("wd0_small", "growing_epochs"), of("wd0_large", "growing_epochs"))
    claims = [
        Claim(
            "Without weight decay the norm of the weights grows (share of epochs, the lesser of both"
            " batch sizes)",
            growing.tolist(),
            ">=",
            0.9,
        ),
        Claim(
            "Without weight decay the small batch ends with the larger norm (small over large)",
            (of("wd0_small", "norm") / of("wd0_large", "norm")).tolist(),
            ">",
            1.0,
        ),
        Claim(
            "Without weight decay the small batch has more large weights (standard deviation, small over"
            " large)",
            (of("wd0_small", "sd") / of("wd0_large", "sd")).tolist(),
            ">",
            1.0,
        ),
        Claim(
            "With weight decay 5e-4 the small batch ends with the smaller norm (small over large)",
            (of("wd_small", "norm") / of("wd_large", "norm")).tolist(),
            "<",
            1.0,
        ),
        Claim(
            f"With weight decay 5e-4 the small batch has more weights below {small_weight:g} in magnitude"
            " (share, small over large)",
            (of("wd_small", "small_weights") / of("wd_large", "small_weights")).tolist(),
            ">",
            1.0,
        ),
    ]
    panels = []
    for decay, words in DECAYS.items():
        curves = [
            Series(text, np.arange(len(norms[f"{decay}_{size}"][0])), norms[f"{decay}_{size}"])
            for size, text in SIZES.items()
        ]
        panels.append(Panel(words, "epoch", "norm of all weights", curves))
    for decay, words in DECAYS.items():
        pooled = np.concatenate([values for size in SIZES for values in weights[f"{decay}_{size}"]])
        reach = float(np.quantile(np.abs(pooled), 0.995))
        edges = np.linspace(-reach, reach, 61)
        densities = [
            Series(
                text,
                (edges[1:] + edges[:-1]) / 2,
                [
                    np.histogram(one, edges)[0] / one.size / np.diff(edges)
                    for one in weights[f"{decay}_{size}"]
                ],
                steps=True,
            )
            for size, text in SIZES.items()
        ]
        panels.append(Panel(words, "weight", "density (1 / unit weight)", densities, log="y"))
    return Findings(claims, {"weights": rows}, {"weights": draw_panels(panels)})


def _weights(run: Run) -> Array:
    """Return the last weights of a run that have more than one dimension, in one array."""
    saved = checkpoint.load(run.checkpoint_path(run.epoch("last")))["model"]
    kept = [tensor.flatten() for tensor in saved.values() if tensor.is_floating_point() and tensor.ndim > 1]
    return torch.cat(kept).double().numpy()


def grid(lab: Lab, *, rise: float, directions: int, line: Sequence[str], surface: Sequence[str]) -> Findings:
    """Measure {SGD, Adam} x {0, 5e-4} x {small, large batch}: the radius of the valley and the test error.

    Runs: ``sgd_wd0_small``, ``sgd_wd0_large``, …, ``adam_wd_large``.

    Args:
        lab: has the runs.
        rise: in nats; the radius is where the loss has risen by it.
        directions: random ones, filter-normalized.
        line: words of `landscape surface` for the lines.
        surface: words of `landscape surface` for the planes of the picture.
    """
    rows: list[Row] = []
    drawn: dict[tuple[str, int], list[Surface]] = {}
    for name, seed in product(lab.scale.runs, lab.seeds):
        run = lab.run(name, seed)
        drawn[name, seed] = lines(lab, run, directions, line)
        size = radius(drawn[name, seed], rise)
        rows.append(
            {
                "run": name,
                "seed": seed,
                "radius": size,
                "test_error": test_error(run),
                "loss": centre(drawn[name, seed][0]),
            }
        )

    def of(run: str, name: str) -> Array:
        return np.array([row[name] for row in rows if row["run"] == run])

    cells = {
        f"{optimizer}_{decay}": f"{optimizer.upper() if optimizer == 'sgd' else 'Adam'}, {words}"
        for optimizer in ("sgd", "adam")
        for decay, words in DECAYS.items()
    }
    claims = []
    for cell, words in cells.items():
        claims += [
            Claim(
                f"{words}: the filter-normalized valley of the small batch is wider (radius at L* + {rise:g},"
                " small over large)",
                ratios(of(f"{cell}_small", "radius"), of(f"{cell}_large", "radius")),
                ">",
                1.0,
            ),
            Claim(
                f"{words}: the small batch generalizes better (test error, large minus small, in points)",
                (of(f"{cell}_large", "test_error") - of(f"{cell}_small", "test_error")).tolist(),
                ">",
                0.0,
            ),
        ]
    correlations = [
        spearman(
            np.array([1 / row["radius"] for row in rows if row["seed"] == seed]),
            np.array([row["test_error"] for row in rows if row["seed"] == seed]),
        )
        for seed in lab.seeds
    ]
    claims.append(
        Claim(
            "Over the eight networks of a seed the sharper ones have the larger test error (Spearman's rho of"
            " 1 / radius and test error)",
            correlations,
            ">",
            0.0,
        )
    )
    panels = [
        Panel(
            words,
            "step along filter-normalized directions",
            "training loss (cross-entropy, nats)",
            series=[
                Series(
                    text,
                    drawn[f"{cell}_{size}", lab.seeds[0]][0].x,
                    [losses(drawn[f"{cell}_{size}", seed]).mean(axis=0) for seed in lab.seeds],
                )
                for size, text in SIZES.items()
            ],
            log="y",
        )
        for cell, words in cells.items()
    ]
    first = lab.seeds[0]
    names = [f"{cell}_{size}" for size in SIZES for cell in cells]
    planes = [plane(lab, lab.run(name, first), surface) for name in names]
    titles = [
        f"{cells[cell]}, {SIZES[size]}: {of(f'{cell}_{size}', 'test_error').mean():.2f} %"
        for size in SIZES
        for cell in cells
    ]
    pictures = {
        "lines": draw_panels(panels, title="Mean over directions; bands: one standard deviation over seeds"),
        "planes": draw(
            planes,
            kind="contour",
            title="Training loss around the trained weights, and the mean test error",
            titles=titles,
        ),
    }
    return Findings(claims, {"cells": rows}, pictures)
