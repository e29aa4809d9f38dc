"""How sharp minima are by all measures: which agree, which rescaling changes, what the batch size does."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.curvature.sharpness import sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.problem import classifier
from landscape_cli.evaluation.rescaling import rescaled, rescaled_units
from landscape_cli.measures import rank_correlations, spearman
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.plots.sharpness import draw_matrix
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store.sharpness import LABELS, TEST_ERROR, measured

FLAT = ("radius", "normalized_radius")  # large where a minimum is flat
PHI = "\N{GREEK SMALL LETTER PHI}"


def sharpness_measures(
    lab: Lab, *, options: Mapping[str, int], twins: Sequence[str], factor: float
) -> Measured:
    """Measure all runs by all measures, and rescaled twins of some; and what goes with the test error.

    A twin computes the same: of the one whole layers are rescaled, of the other each hidden unit by itself.

    Args:
        lab: the runs.
        options: of `landscape sharpness`; the twins are measured alike.
        twins: runs of which a twin is measured.
        factor: by which the first layer of a twin is multiplied, and a unit at most.
    """
    runs = list(lab.runs)
    table = lab.sharpness(runs, *(f"{name}={value}" for name, value in options.items()))
    values, alike = measured(table), SharpnessOptions(**options)  # type: ignore[arg-type]
    makers = {"layers": rescaled, "units": rescaled_units}
    apart = {kind: dict.fromkeys(values, 1.0) for kind in makers}
    for run, (kind, make) in itertools.product(twins, makers.items()):
        twin, data = make(lab.network(run), factor), lab.data(run)
        found = sharpness(classifier(twin, data, lab.loss(run), ["train"]), alike, f"twin of {run}, {kind}")
        for name, of in values.items():
            ratio = ratio_apart(found[name], float(of[runs.index(run)]))
            apart[kind][name] = float(np.maximum(apart[kind][name], ratio))
    errors = table.numbers(TEST_ERROR)
    matrix = rank_correlations([*values.values(), errors])
    sharp = np.array([-1.0 if name in FLAT else 1.0 for name in values])
    among = matrix[:-1, :-1] * np.outer(sharp, sharp)
    raw = [name for name in values if not name.startswith("normalized_") and not name.startswith("asam")]
    return {
        "normalized_apart": {name: apart["layers"][name] - 1 for name in values if name not in raw},
        "normalized_apart_by_unit": {name: apart["units"][name] - 1 for name in values if name not in raw},
        "raw_apart": {name: apart["layers"][name] for name in raw},
        "error_rank": dict(zip(values, sharp * matrix[:-1, -1], strict=True)),
        "agreement": float(np.nanmean(among[~np.eye(len(values), dtype=bool)])),
        "matrix": matrix,
        "values": values,
        "test_error": errors,
    }


def ratio_apart(one: float, other: float) -> float:
    """Return the ratio of two values or its inverse, what is larger; infinite where their signs differ.

    NaN: one of them is not finite, so that nothing is known of their ratio.
    """
    if not (np.isfinite(one) and np.isfinite(other)):
        return np.nan
    return max(one / other, other / one) if one * other > 0 else np.inf


def draw_sharpness_measures(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw what rescaling does to each measure, and how each orders the runs beside the test error."""
    measures = list(seeds[0]["values"])
    places = np.arange(len(measures))
    apart = [
        [
            1 + seed["normalized_apart"][name]
            if name in seed["normalized_apart"]
            else seed["raw_apart"][name]
            for name in measures
        ]
        for seed in seeds
    ]
    ranks = [[seed["error_rank"][name] for name in measures] for seed in seeds]
    labels = [LABELS[name] for name in measures]

    def panel(title: str, label: str, rows: Sequence[Sequence[float]]) -> Panel:
        dots = np.tile(places, len(rows)), np.ravel(rows)
        return Panel(title, "", label, points={"": dots}, ticks=labels)

    twins = panel("A network and its rescaled twin", names["apart"], apart)
    runs = panel("With the test error, over the runs", names["ranks"], ranks)
    figure = draw_panels([replace(twins, log="y"), replace(runs, limits=(-1.1, 1.1))])
    for axes in figure.axes:
        axes.tick_params(axis="x", labelrotation=90, labelsize=6)
    matrix = np.mean([seed["matrix"] for seed in seeds], axis=0)
    return {"measures": figure, "ranks": draw_matrix([*labels, "test error"], matrix, names["matrix"])}


def batch_sweep_width(
    lab: Lab, *, sweeps: Mapping[str, Mapping[str, str]], words: Sequence[str], threshold: int
) -> Measured:
    """Measure how the sharpness, the radius and the test error go with the batch size.

    Args:
        lab: the runs.
        sweeps: name -> batch size -> run.
        words: of `landscape sharpness`.
        threshold: batch size from which on the test error is to grow.
    """
    found: dict[str, dict[str, Any]] = {}
    for sweep, runs in sweeps.items():
        table = lab.sharpness(list(runs.values()), *words)
        sizes, errors = np.array([float(size) for size in runs]), table.numbers(TEST_ERROR)
        columns = {
            name: table.numbers(name)
            for name in ("largest_eigenvalue", "keskar", "radius", "normalized_radius", "loss")
        }
        beyond = sizes >= threshold
        ranks = {f"{name}_rank": spearman(sizes, of) for name, of in columns.items()}
        found[sweep] = {
            **ranks,
            "error_rank": spearman(sizes[beyond], errors[beyond]),
            **columns,
            "test_error": errors,
            "sizes": sizes,
        }
    names = next(iter(found.values()))
    return {name: {sweep: of[name] for sweep, of in found.items()} for name in names}


def draw_batch_sweep_width(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw sharpness, radius, test error and training loss over the batch size."""
    shown = {
        "largest_eigenvalue": ("largest eigenvalue", "xy"),
        "keskar": (f"Keskar's {PHI} (%)", "xy"),
        "radius": ("radius", "xy"),
        "normalized_radius": ("filter-normalized radius", "xy"),
        "test_error": ("test error (%)", "x"),
        "loss": ("training loss (nats)", "xy"),
    }
    panels = [
        Panel(
            "",
            "batch size",
            label,
            [
                Series(names[sweep], seeds[0]["sizes"][sweep], of)
                for sweep, of in across(seeds, quantity).items()
            ],
            log=log,
        )
        for quantity, (label, log) in shown.items()
    ]
    return {"sweep": draw_panels(panels)}
