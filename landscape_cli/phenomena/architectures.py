"""Depth, shortcuts and width (Li et al. 2018, arXiv:1712.09913, sections 5 and 6; figures 1, 5 and 6)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import loss_at_centre, minima, nonconvex_fraction, plane_radius, ratio, spearman
from landscape_cli.plots.draw import draw
from landscape_cli.plots.series import Panel, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

MEASURES = {
    "radius": "radius (steps)",
    "nonconvex_fraction": "non-convex fraction",
    "test_error": "test error (%)",
}


def skip_vs_noskip_depth(lab: Lab, *, shallow: Sequence[str], deep: Sequence[str], rise: float) -> Measured:
    """Measure what shortcuts do to the surface as networks grow deeper.

    Args:
        lab: has the runs.
        shallow: the runs with and without shortcuts at the depth at which these make no difference.
        deep: likewise, at the depth at which they do.
        rise: in nats; the radius is where the loss has risen by it.
    """
    found = _planes(lab, rise)
    radius, (with_, without) = found["radius"], deep

    def gap(name: str) -> float:
        return float(found[name][without] - found[name][with_])

    return {
        "radius_ratio": ratio(radius[with_], radius[without]),
        "nonconvex_gap": gap("nonconvex_fraction"),
        "test_error_gap": gap("test_error"),
        "change_with_depth": abs(ratio(radius[shallow[0]], radius[with_]) - 1),
        "change_when_shallow": abs(ratio(*(radius[run] for run in shallow)) - 1),
        **found,
    }


def draw_skip_vs_noskip_depth(
    seeds: Sequence[Measured],
    *,
    names: Mapping[str, str],
    pair: Sequence[str],
    levels: Sequence[float] | None = None,
) -> dict[str, Figure]:
    """Draw the planes of all networks, those of a pair as surfaces, and the measures."""
    return {
        "planes": _contours(seeds, names, levels),
        "surfaces": _contours(seeds, {run: names[run] for run in pair}, levels, kind="surface3d"),
        "measures": _dots(seeds, names),
    }


def wide_resnet_56_k(lab: Lab, *, factors: Mapping[str, Mapping[str, float]], rise: float) -> Measured:
    """Measure what width does, with and without shortcuts.

    Args:
        lab: has the runs.
        factors: with or without shortcuts -> run -> width factor k, ascending.
        rise: in nats; the radius is where the loss has risen by it.
    """
    found = _planes(lab, rise)

    def order(name: str) -> dict[str, float]:
        return {
            row: spearman(np.array([*runs.values()]), np.array([found[name][run] for run in runs]))
            for row, runs in factors.items()
        }

    nonconvex = {row: [found["nonconvex_fraction"][run] for run in runs] for row, runs in factors.items()}
    return {
        "error_order": order("test_error"),
        "radius_order": order("radius"),
        "convexity_gain": {row: fractions[0] - fractions[-1] for row, fractions in nonconvex.items()},
        **found,
    }


def draw_wide_resnet_56_k(
    seeds: Sequence[Measured], *, names: Mapping[str, str], levels: Sequence[float] | None = None
) -> dict[str, Figure]:
    """Draw the planes and the measures."""
    return {"planes": _contours(seeds, names, levels), "measures": _dots(seeds, names)}


def densenet_121(lab: Lab, *, rise: float) -> Measured:
    """Measure that a densely connected network's plane is no less convex than a deep one's without shortcuts.

    Args:
        lab: has the runs ``densenet`` and ``noshort``.
        rise: in nats; the radius is where the loss has risen by it.
    """
    found = _planes(lab, rise)
    nonconvex = found["nonconvex_fraction"]
    return {"nonconvex_gap": nonconvex["densenet"] - nonconvex["noshort"], **found}


draw_densenet_121 = draw_wide_resnet_56_k


def vgg_like_depth_transition(lab: Lab, *, rise: float) -> Measured:
    """Measure how a network without shortcuts goes from nearly convex to chaotic as it grows deeper.

    Args:
        lab: has runs whose names are the depths, ascending.
        rise: in nats; the radius is where the loss has risen by it.
    """
    found = _planes(lab, rise)
    nonconvex = [*found["nonconvex_fraction"].values()]
    return {
        "least_step": np.diff([*found["minima"].values()]).min(),
        "nonconvex_gap": nonconvex[-1] - nonconvex[0],
        **found,
    }


def draw_vgg_like_depth_transition(
    seeds: Sequence[Measured], *, names: Mapping[str, str], levels: Sequence[float] | None = None
) -> dict[str, Figure]:
    """Draw the planes, and the number of minima over depth."""
    dots = {
        f"seed {seed['seed']}": ([int(depth) for depth in names], [seed["minima"][depth] for depth in names])
        for seed in seeds
    }
    panel = Panel("", "layers, no shortcuts", "minima on the plane", points=dots)
    return {"planes": _contours(seeds, names, levels), "minima": draw_panels([panel])}


def _planes(lab: Lab, rise: float) -> dict[str, dict[str, Any]]:
    """Return the filter-normalized planes and what is read off them: quantity -> run -> value.

    The radius is at L* + rise.
    """

    def measured(run: str) -> Measured:
        plane, metrics = lab.surface(run), lab.metrics(run)
        assert plane.y is not None
        on = (plane.x, plane.y, plane.values["train/loss"])
        centre = loss_at_centre(*on)
        return {
            "loss": centre,
            "radius": plane_radius(*on, centre + rise),
            "nonconvex_fraction": nonconvex_fraction(*on),
            "minima": minima(*on),
            "train_accuracy": metrics["train_accuracy"][-1],
            "test_error": 100 * (1 - metrics["test_accuracy"][-1]),
            "plane": plane,
        }

    return by_quantity({run: measured(run) for run in lab.runs})


def _contours(
    seeds: Sequence[Measured], names: Mapping[str, str], levels: Sequence[float] | None, kind: str = "contour"
) -> Figure:
    errors = across(seeds, "test_error")
    return draw(
        [seeds[0]["plane"][run] for run in names],
        title="Training loss on a filter-normalized plane, and the mean test error",
        titles=[f"{title}: {errors[run].mean():.1f} %" for run, title in names.items()],
        levels=levels,
        kind=kind,
    )


def _dots(seeds: Sequence[Measured], names: Mapping[str, str]) -> Figure:
    """Return the picture of three measures over the runs, a dot a seed."""
    shorter = {" layers": "", "no shortcuts, k = ": "k=", "k = ": "k=", ", no shortcuts": "\nno s.c."}
    ticks = list(names.values())
    for words, short in shorter.items():
        ticks = [tick.replace(words, short) for tick in ticks]
    return draw_panels(
        [
            Panel(
                "",
                "",
                label,
                points={
                    f"seed {seed['seed']}": (range(len(names)), [seed[name][run] for run in names])
                    for seed in seeds
                },
                ticks=ticks,
            )
            for name, label in MEASURES.items()
        ]
    )
