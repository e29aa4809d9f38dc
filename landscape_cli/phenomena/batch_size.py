"""Small and large batches: which valley is wider, and which generalizes (Li et al. 2018, figures 2 and 3)."""

from collections.abc import Mapping, Sequence
from itertools import product

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures import line_radius, loss_at, spearman
from landscape_cli.phenomena.valleys import LOSS, centre, lines, losses, plane, radius, ratios, test_error
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface

GRID_DECAY = "5e-4"  # of the grid of figure 3
SIZES = {"small": "small batch", "large": "large batch"}


def decays(decay: str) -> dict[str, str]:
    """Return what the two weight decays of a run's name are in words."""
    return {"wd0": "weight decay 0", "wd": f"weight decay {decay}"}


def interpolation(lab: Lab, *, decay: str, rise: float, line: Sequence[str], note: str) -> Findings:
    """Measure the straight line from a small-batch to a large-batch solution, with and without weight decay.

    The width of a valley is that of the interval around its end in which the loss is below L(end) + rise,
    as a share of the distance between the solutions. Runs: ``wd0_small``, ``wd0_large``, ``wd_small``,
    ``wd_large``.

    Args:
        lab: has the runs.
        decay: the weight decay of those that have one.
        rise: in nats.
        line: words of `landscape interpolate`.
        note: what is to be known of the order with weight decay.
    """
    both = decays(decay)
    rows: list[Row] = []
    drawn: dict[tuple[str, int], Surface] = {}
    for which, seed in product(both, lab.seeds):
        small, large = lab.run(f"{which}_small", seed), lab.run(f"{which}_large", seed)
        between = drawn[which, seed] = lab.interpolate(small, large, *line)
        widths = [2 * _radius_at(between, end, rise) for end in (0.0, 1.0)]
        rows.append(
            {
                "weight_decay": which,
                "seed": seed,
                "small_batch_width": widths[0],
                "large_batch_width": widths[1],
                "small_batch_test_error": test_error(small),
                "large_batch_test_error": test_error(large),
            }
        )

    def of(which: str, name: str) -> Array:
        return np.array([row[name] for row in rows if row["weight_decay"] == which])

    shares = {which: ratios(of(which, "small_batch_width"), of(which, "large_batch_width")) for which in both}
    claims = [
        Claim(
            "Without weight decay the valley of the small-batch solution is the wider one on the line between"
            f" them (width at L + {rise:g}, small over large)",
            shares["wd0"],
            ">",
            1.0,
        ),
        Claim(
            f"With weight decay {decay} the order flips, the large-batch solution looks wider (the same"
            " ratio): such widths say nothing of generalization",
            shares["wd"],
            "<",
            1.0,
            soft=True,
            note=note,
        ),
        *(
            Claim(
                f"With {words} the small batch generalizes better (test error, large minus small, in points)",
                (of(which, "large_batch_test_error") - of(which, "small_batch_test_error")).tolist(),
                ">",
                0.0,
            )
            for which, words in both.items()
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
                    drawn[which, lab.seeds[0]].x,
                    [drawn[which, seed].values[f"{split}/loss"] for seed in lab.seeds],
                )
                for split in ("train", "test")
            ],
            log="y",
            marks={
                f"{of(which, f'{size}_batch_test_error').mean():.2f} %": end
                for size, end in (("small", 0.0), ("large", 1.0))
            },
        )
        for which, words in both.items()
    ]
    title = "From a small-batch to a large-batch solution (test errors above the ends)"
    return Findings(claims, {"widths": rows}, {"interpolation": draw_panels(panels, title=title)})


def _radius_at(line: Surface, end: float, rise: float) -> float:
    loss = line.values[LOSS]
    return line_radius(line.x - end, loss, loss_at(line.x, loss, end) + rise)


def grid(
    lab: Lab,
    *,
    rise: float,
    directions: int,
    line: Sequence[str],
    surface: Sequence[str],
    notes: Mapping[str, str],
) -> Findings:
    """Measure {SGD, Adam} x {0, 5e-4} x {small, large batch}: the radius of the valley and the test error.

    Runs: ``sgd_wd0_small``, ``sgd_wd0_large``, …, ``adam_wd_large``.

    Args:
        lab: has the runs.
        rise: in nats; the radius is where the loss has risen by it.
        directions: random ones, filter-normalized.
        line: words of `landscape surface` for the lines.
        surface: words of `landscape surface` for the planes of the picture.
        notes: cell, such as ``adam_wd0`` -> what is to be known of its radii.
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
        for decay, words in decays(GRID_DECAY).items()
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
                note=notes.get(cell, ""),
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
            words.replace(", ", ",\n"),
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
        f"{words.replace('weight ', '')},\n{SIZES[size]}: {of(f'{cell}_{size}', 'test_error').mean():.2f} %"
        for size in SIZES
        for cell, words in cells.items()
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
