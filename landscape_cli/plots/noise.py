"""The table of `landscape noise` as a picture: each quantity over epochs, or over runs of one epoch each."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.store.table import ERROR, Table


class Quantity(NamedTuple):
    """A column, and what it is called where it has a panel, or shares one."""

    column: str
    alone: str
    shared: str


class Group(NamedTuple):
    """Quantities on one scale."""

    title: str
    label: str
    quantities: tuple[Quantity, ...]
    log: str = "y"
    limits: tuple[float, float] | None = None
    level: float | None = None  # of Gaussian noise


GROUPS = (
    Group(
        "Noise scale",
        "samples",
        (
            Quantity("noise_scale", "noise scale (samples)", "tr Σ / |G|²"),
            Quantity("hessian_noise_scale", "noise scale by curvature (samples)", "tr HΣ / GᵀHG"),
        ),
    ),
    Group(
        "Tail index (Gaussian: 2)",
        "tail index",
        (
            Quantity("tail_index", "tail index, all coordinates", "all coordinates alike"),
            Quantity("coordinate_tail_index", "tail index, each coordinate", "each coordinate over draws"),
        ),
        log="",
        level=2.0,
    ),
    Group(
        "Kurtosis (Gaussian: 3)",
        "kurtosis",
        (
            Quantity("kurtosis", "kurtosis, all coordinates", "all coordinates alike"),
            Quantity("coordinate_kurtosis", "kurtosis, each coordinate", "each coordinate over draws"),
        ),
        level=3.0,
    ),
    Group(
        "Top eigenspace",
        "share of the whole",
        (
            Quantity("top_share", "gradient in the top eigenspace", "gradient in it"),
            Quantity("top_overlap", "overlap with the epoch before", "overlap with the epoch before"),
        ),
        log="",
        limits=(-0.05, 1.05),
    ),
)
LOSS = Group("", "loss", (Quantity("loss", "loss", ""),), log="")


def draw(table: Table) -> Figure:
    """Return the picture of a table: of one run quantities in pairs, of several runs each in its panel."""
    names = table.texts("run")
    rows = {run: [number for number, name in enumerate(names) if name == run] for run in dict.fromkeys(names)}
    groups = [known for group in GROUPS if (known := _known(table, group)).quantities] or [LOSS]
    if len(rows) == 1 < len(names):
        return draw_panels([_together(table, group) for group in groups])
    apart = [group._replace(quantities=(each,)) for group in groups for each in group.quantities]
    if len(rows) == len(names):
        return draw_panels([_over_runs(table, group, list(rows)) for group in apart])
    return draw_panels([_over_epochs(table, group, rows) for group in apart])


def _known(table: Table, group: Group) -> Group:
    """Return the group with those of its quantities that were measured: of one epoch there is no overlap."""
    found = [
        each
        for each in group.quantities
        if each.column in table.columns and np.isfinite(table.numbers(each.column)).any()
    ]
    return group._replace(quantities=tuple(found))


def _together(table: Table, group: Group) -> Panel:
    """Return the panel of several quantities over the epochs of one run."""
    rows = list(range(len(table)))
    curves = [
        _curve(table, each.column, each.shared, rows, look, group.log)
        for look, each in enumerate(group.quantities)
    ]
    return Panel(
        group.title, "epoch", group.label, curves, log=group.log, limits=group.limits, level=group.level
    )


def _over_epochs(table: Table, group: Group, rows: dict[str, list[int]]) -> Panel:
    """Return the panel of one quantity over the epochs of several runs."""
    (quantity,) = group.quantities
    curves = [
        _curve(table, quantity.column, Path(run).name, own, look, group.log)
        for look, (run, own) in enumerate(rows.items())
    ]
    return Panel("", "epoch", quantity.alone, curves, log=group.log, limits=group.limits, level=group.level)


def _over_runs(table: Table, group: Group, runs: list[str]) -> Panel:
    """Return the panel of one quantity of runs that have an epoch each."""
    (quantity,) = group.quantities
    places, ticks = list(range(len(runs))), [Path(run).name for run in runs]
    curve = Series("", places, table.numbers(quantity.column), error=_errors(table, quantity.column, places))
    return Panel(
        *("", "run", quantity.alone),
        [curve],
        log=group.log,
        ticks=ticks,
        limits=group.limits,
        level=group.level,
    )


def _curve(table: Table, column: str, label: str, rows: list[int], look: int, log: str) -> Series:
    """Return a quantity over the epochs of a run, in their order; a logarithmic axis has gaps below zero."""
    rows = sorted(rows, key=lambda row: float(table.numbers("epoch")[row]))
    epochs, values = (table.numbers(name)[rows] for name in ("epoch", column))
    if log:
        values = np.where(values > 0, values, np.nan)
    return Series(label, epochs, values, look=look, error=_errors(table, column, rows))


def _errors(table: Table, column: str, rows: list[int]) -> Array:
    """Return standard errors; NaN of a quantity that has none."""
    name = f"{column}{ERROR}"
    return table.numbers(name)[rows] if name in table.columns else np.full(len(rows), np.nan)
