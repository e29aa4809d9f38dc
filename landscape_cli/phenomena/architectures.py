"""Depth, shortcuts and width (Li et al. 2018, sections 5 and 6; figures 1, 5 and 6)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.measures import minima, nonconvex_fraction, plane_radius, spearman
from landscape_cli.phenomena.valleys import LOSS, centre, plane, ratios, test_error
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface

ALIKE = 0.3
"""By how much a ratio of radii may be off 1 for two contours to be almost identical."""


@dataclass(frozen=True)
class Planes:
    """The planes around the runs of a lab, and what was measured on them.

    Attributes:
        rows: one a run and seed: run, seed, loss at the weights, radius, nonconvex_fraction, minima,
            test_error, train_accuracy.
        surfaces: (run, seed) -> plane.
    """

    rows: list[Row]
    surfaces: Mapping[tuple[str, int], Surface]

    def of(self, run: str, name: str) -> Array:
        """Return a measured quantity of a run, one value a seed."""
        return np.array([row[name] for row in self.rows if row["run"] == run], dtype=float)

    def across(self, runs: Sequence[str], name: str) -> Array:
        """Return a measured quantity, (seeds, runs)."""
        return np.stack([self.of(run, name) for run in runs], axis=1)


def measured(lab: Lab, rise: float, surface: Sequence[str]) -> Planes:
    """Return the filter-normalized planes around all runs; the radius is at L* + rise."""
    rows: list[Row] = []
    surfaces: dict[tuple[str, int], Surface] = {}
    for seed, name in product(lab.seeds, lab.scale.runs):
        run = lab.run(name, seed)
        drawn = surfaces[name, seed] = plane(lab, run, surface)
        loss, y = drawn.values[LOSS], drawn.y
        assert y is not None
        rows.append(
            {
                "run": name,
                "seed": seed,
                "loss": centre(drawn),
                "radius": plane_radius(drawn.x, y, loss, centre(drawn) + rise),
                "nonconvex_fraction": nonconvex_fraction(drawn.x, y, loss),
                "minima": minima(drawn.x, y, loss),
                "train_accuracy": run.metrics()[-1]["train_accuracy"],
                "test_error": test_error(run),
            }
        )
    return Planes(rows, surfaces)


def _picture(
    lab: Lab, planes: Planes, names: Mapping[str, str], levels: Sequence[float], *, kind: str
) -> Figure:
    first = lab.seeds[0]
    titles = [f"{title}: {planes.of(run, 'test_error').mean():.1f} %" for run, title in names.items()]
    return draw(
        [planes.surfaces[run, first] for run in names],
        title="Training loss on a filter-normalized plane, and the mean test error",
        titles=titles,
        levels=list(levels),
        kind=kind,
    )


def shortcuts(
    lab: Lab,
    *,
    shallow: int,
    deep: int,
    rise: float,
    ratio: float,
    surface: Sequence[str],
    levels: list[float],
    note: str,
) -> Findings:
    """Measure what shortcuts do to the surface as networks grow deeper.

    Runs: ``<depth>`` and ``<depth>_noshort`` of several depths.

    Args:
        lab: has the runs.
        shallow: the depth at which shortcuts make no difference.
        deep: the depth at which they do.
        rise: in nats; the radius is where the loss has risen by it.
        ratio: by how much the deep network's radius with shortcuts must exceed that without.
        surface: words of `landscape surface`.
        levels: of the picture's contours.
        note: what is to be known of the deep networks' radii.
    """
    planes = measured(lab, rise, surface)
    with_, without = f"{deep}", f"{deep}_noshort"

    def compared(one: str, other: str) -> list[float]:
        return ratios(planes.of(one, "radius"), planes.of(other, "radius"))

    claims = [
        Claim(
            f"{deep} layers: the valley is wider with shortcuts (radius at L* + {rise:g}, with over without)",
            compared(with_, without),
            ">",
            ratio,
            note=note,
        ),
        Claim(
            f"{deep} layers: more of the plane is non-convex without shortcuts (fraction of its points,"
            " without minus with)",
            (planes.of(without, "nonconvex_fraction") - planes.of(with_, "nonconvex_fraction")).tolist(),
            ">",
            0.0,
        ),
        Claim(
            f"{deep} layers: shortcuts lower the test error (without minus with, in points)",
            (planes.of(without, "test_error") - planes.of(with_, "test_error")).tolist(),
            ">",
            0.0,
        ),
        Claim(
            f"With shortcuts {shallow} and {deep} layers have almost the same valley (relative difference of"
            " the radii)",
            [abs(value - 1) for value in compared(f"{shallow}", with_)],
            "<=",
            ALIKE,
        ),
        Claim(
            f"{shallow} layers: shortcuts make no noticeable difference (relative difference of the radii)",
            [abs(value - 1) for value in compared(f"{shallow}", f"{shallow}_noshort")],
            "<=",
            ALIKE,
            soft=True,
        ),
    ]
    depths = [name for name in lab.scale.runs if "_" not in name]
    names = {name: f"{name} layers" for name in depths}
    names |= {f"{name}_noshort": f"{name} layers, no shortcuts" for name in depths}
    pair = {with_: names[with_], without: names[without]}
    pictures = {
        "planes": _picture(lab, planes, names, levels, kind="contour"),
        "surfaces": _picture(lab, planes, pair, levels, kind="surface3d"),
        "measures": _dots(lab, planes, list(names), list(names.values())),
    }
    return Findings(claims, {"planes": planes.rows}, pictures)


def _dots(lab: Lab, planes: Planes, runs: Sequence[str], words: Sequence[str]) -> Figure:
    """Return the picture of three measures over the runs, a dot a seed."""
    quantities = {
        "radius": "radius (steps)",
        "nonconvex_fraction": "non-convex fraction",
        "test_error": "test error (%)",
    }
    ticks = [word.replace(" layers", "").replace(", no shortcuts", "\nno s.c.") for word in words]
    panels = [
        Panel(
            "",
            "",
            label,
            points={
                f"seed {seed}": (range(len(runs)), [float(planes.of(run, name)[number]) for run in runs])
                for number, seed in enumerate(lab.seeds)
            },
            ticks=ticks,
        )
        for name, label in quantities.items()
    ]
    return draw_panels(panels)


def width(
    lab: Lab,
    *,
    factors: Mapping[str, list[float]],
    rise: float,
    surface: Sequence[str],
    levels: list[float],
    note: str,
) -> Findings:
    """Measure what width does, with and without shortcuts.

    Runs: ``<row>_<factor>`` for each row of `factors`, such as ``noshort_2``.

    Args:
        lab: has the runs.
        factors: row -> the width factors k, ascending; the row ``noshort`` is the one without shortcuts.
        rise: in nats; the radius is where the loss has risen by it.
        surface: words of `landscape surface`.
        levels: of the picture's contours.
        note: what is to be known of the radii.
    """
    planes = measured(lab, rise, surface)
    claims = []
    for row, ks in factors.items():
        runs = [f"{row}_{k:g}" for k in ks]
        words = "Without shortcuts" if row == "noshort" else "With shortcuts"
        errors, radii = planes.across(runs, "test_error"), planes.across(runs, "radius")
        order = np.array(ks)
        claims.append(
            Claim(
                f"{words} the test error falls with the width (Spearman's rho of k and error)",
                [spearman(order, one) for one in errors],
                "<",
                0.0,
            )
        )
        if row == "noshort":
            claims += [
                Claim(
                    f"{words} the valley widens with every step of the width (Spearman's rho of k and the"
                    f" radius at L* + {rise:g})",
                    [spearman(order, one) for one in radii],
                    ">=",
                    1 - 1e-9,
                    note=note,
                ),
                Claim(
                    f"{words} width makes the plane more convex (non-convex fraction, k = {ks[0]:g} minus"
                    f" k = {ks[-1]:g})",
                    (
                        planes.of(runs[0], "nonconvex_fraction") - planes.of(runs[-1], "nonconvex_fraction")
                    ).tolist(),
                    ">",
                    0.0,
                ),
            ]
    names = {
        f"{row}_{k:g}": f"{'no shortcuts, ' if row == 'noshort' else ''}k = {k:g}"
        for row, ks in factors.items()
        for k in ks
    }
    pictures = {
        "planes": _picture(lab, planes, names, levels, kind="contour"),
        "measures": _dots(lab, planes, list(names), [f"k={name.rpartition('_')[2]}" for name in names]),
    }
    return Findings(claims, {"planes": planes.rows}, pictures)


def densenet(lab: Lab, *, rise: float, surface: Sequence[str], levels: list[float]) -> Findings:
    """Measure that a densely connected network's plane is no less convex than a deep one's without shortcuts.

    Runs: ``densenet`` and ``noshort``.
    """
    planes = measured(lab, rise, surface)
    claims = [
        Claim(
            "DenseNet has no more non-convexity than the deep network without shortcuts (fraction of the"
            " plane's points, DenseNet minus the other)",
            (
                planes.of("densenet", "nonconvex_fraction") - planes.of("noshort", "nonconvex_fraction")
            ).tolist(),
            "<=",
            0.0,
        )
    ]
    names = {"densenet": "DenseNet", "noshort": "deep, no shortcuts"}
    return Findings(
        claims,
        {"planes": planes.rows},
        {
            "planes": _picture(lab, planes, names, levels, kind="contour"),
            "measures": _dots(lab, planes, list(names), list(names.values())),
        },
    )


def depth_transition(lab: Lab, *, rise: float, surface: Sequence[str], levels: list[float]) -> Findings:
    """Measure how a network without shortcuts goes from nearly convex to chaotic as it grows deeper.

    Runs: their names are the depths, ascending.
    """
    planes = measured(lab, rise, surface)
    depths = list(lab.scale.runs)
    counts = planes.across(depths, "minima")
    claims = [
        Claim(
            f"The number of minima on the plane does not fall as the depth goes through {', '.join(depths)}"
            " (the least of its successive differences)",
            [float(np.diff(one).min()) for one in counts],
            ">=",
            0.0,
        ),
        Claim(
            f"The deepest network has more non-convexity than the shallowest (fraction of the plane's points,"
            f" {depths[-1]} minus {depths[0]} layers)",
            (
                planes.of(depths[-1], "nonconvex_fraction") - planes.of(depths[0], "nonconvex_fraction")
            ).tolist(),
            ">",
            0.0,
            soft=True,
        ),
    ]
    names = {depth: f"{depth} layers" for depth in depths}
    panel = Panel(
        "",
        "layers, no shortcuts",
        "minima on the plane",
        points={f"seed {seed}": ([int(d) for d in depths], counts[n]) for n, seed in enumerate(lab.seeds)},
    )
    return Findings(
        claims,
        {"planes": planes.rows},
        {"planes": _picture(lab, planes, names, levels, kind="contour"), "minima": draw_panels([panel])},
    )
