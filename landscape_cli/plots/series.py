"""Curves over seeds, the mean as a line and one standard deviation as a band; and the seeds as dots."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import ArrayLike

from landscape_cli.arrays import Array
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import hide_inner_ticks, panels, write_axis_labels, write_legend, write_titles
from landscape_cli.plots.style import PAPER, styled

# Okabe and Ito (2008), in an order of falling contrast; line styles tell them apart in grey.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#262626", "#999999")
LINES: tuple[Any, ...] = ("-", (0, (3.2, 1.6)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
SHORT = 30.0  # the ratio of the ends of a logarithmic axis below which powers of ten are too few ticks
TWO_DECADES = 100.0  # the ratio below which there may be but one power of ten
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class Series:
    """A curve.

    Attributes:
        label: its entry in the legend, one for all panels; empty: none.
        x: (n,).
        values: (n,), or (seeds, n): mean and standard deviation are drawn.
        steps: draw as a histogram's outline.
        look: number of its colour and line; None: that of its place in the panel.
        error: (n,), standard errors, drawn as bars on markers; over categories without the curve.
    """

    label: str
    x: ArrayLike
    values: ArrayLike
    steps: bool = False
    look: int | None = None
    error: ArrayLike | None = None


@dataclass(frozen=True)
class Panel:
    """What one panel shows.

    Attributes:
        title: above it.
        x: label of the horizontal axis, with its unit.
        y: label of the vertical axis, with its unit.
        series: curves.
        points: label -> (x, y), each (n,): drawn as markers, one a seed or run.
        log: the logarithmic axes: ``""``, ``"x"``, ``"y"`` or ``"xy"``.
        ticks: names of the places 0, 1, … of the horizontal axis, where that has categories.
        limits: of the vertical axis.
        level: where to draw a horizontal line, such as a claim's threshold.
        marks: where to draw vertical lines: name -> x.
    """

    title: str
    x: str
    y: str
    series: Sequence[Series] = ()
    points: Mapping[str, tuple[ArrayLike, ArrayLike]] = field(default_factory=dict)
    log: str = ""
    ticks: Sequence[str] = ()
    limits: tuple[float, float] | None = None
    level: float | None = None
    marks: Mapping[str, float] = field(default_factory=dict)


def draw_panels(
    content: Sequence[Panel], *, title: str = "", ratio: float | None = None, look: Look = PAPER
) -> Figure:
    """Return the picture of panels side by side, with one legend below them.

    Args:
        content: the panels.
        title: above all.
        ratio: height of a panel relative to its share of the width.
        look: size, font and style.
    """
    with styled(look):
        usual = {1: 0.72, 2: 0.72}.get(len(content), 0.9)
        figure, axes = panels(len(content), ratio=ratio or usual, margin=0.6, size=look.inches)
        handles: dict[str, Any] = {}
        for each, panel in zip(axes, content, strict=True):
            _draw(each, panel, handles)
        if len({panel.y for panel in content}) == 1:
            hide_inner_ticks(axes, "y")
        for axis in ("x", "y"):
            write_axis_labels(figure, axes, [getattr(panel, axis) for panel in content], axis)
        write_titles(figure, axes, [panel.title for panel in content], title)
        for each, panel in zip(axes, content, strict=True):
            if panel.marks:  # their names stand between the panel and its title
                each.set_title(each.get_title(), pad=14)
        if len(handles) > 1:
            write_legend(figure, list(handles.values()), 4 if len(content) > 1 else 2)
        return figure


def _draw(axes: Axes, panel: Panel, handles: dict[str, Any]) -> None:
    for number, series in enumerate(panel.series):
        look = number if series.look is None else series.look
        colour, line = COLOURS[look % len(COLOURS)], LINES[look % len(LINES)]
        if panel.ticks and series.error is not None:  # nothing lies between categories
            line = "none"
        x, values = np.asarray(series.x, dtype=float), np.atleast_2d(np.asarray(series.values, dtype=float))
        values = np.where(np.isfinite(values), values, np.nan)
        mean = values.mean(axis=0)
        style: dict[str, Any] = {"drawstyle": "steps-mid"} if series.steps else {}
        (handle,) = axes.plot(x, mean, color=colour, linestyle=line, label=series.label, **style)
        if series.label:
            handles.setdefault(series.label, handle)
        if series.error is not None:
            _draw_errors(axes, x, mean, np.asarray(series.error, dtype=float), colour)
        if len(values) > 1:
            sd = values.std(axis=0, ddof=1)
            low = np.maximum(mean - sd, values.min(axis=0) / 2) if "y" in panel.log else mean - sd
            step: Any = "mid" if series.steps else None
            axes.fill_between(x, low, mean + sd, color=colour, alpha=0.18, linewidth=0, step=step)
    for number, (label, (places, heights)) in enumerate(panel.points.items()):
        look = len(panel.series) + number
        dots = axes.scatter(
            np.asarray(places, dtype=float),
            np.asarray(heights, dtype=float),
            s=16,
            marker=MARKERS[look % len(MARKERS)],
            facecolor=COLOURS[look % len(COLOURS)],
            edgecolor="white",
            linewidth=0.4,
            label=label,
            zorder=3,
        )
        handles.setdefault(label, dots)
    if "x" in panel.log:
        axes.set_xscale("log")
    if "y" in panel.log:
        axes.set_yscale("log")
    if panel.ticks:
        axes.set_xticks(range(len(panel.ticks)), labels=list(panel.ticks))
        axes.set_xlim(-0.5, len(panel.ticks) - 0.5)
    if panel.limits is not None:
        axes.set_ylim(*panel.limits)
    if panel.level is not None:
        axes.axhline(panel.level, color="0.45", linewidth=1.0, linestyle=":", zorder=1)
    for name, x_mark in panel.marks.items():
        axes.axvline(x_mark, color="0.45", linewidth=1.0, linestyle=":", zorder=1)
        axes.annotate(
            name, (x_mark, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=7
        )
    _number_ticks(axes, panel)


def _draw_errors(axes: Axes, x: ArrayLike, mean: Array, error: Array, colour: str) -> None:
    """Draw markers with bars of one standard error; where one is not known, the marker alone."""
    known = np.where(np.isfinite(error), error, 0.0)
    axes.errorbar(x, mean, known, fmt="o", color=colour, markersize=3, elinewidth=0.8, capsize=1.5)


def number_decades(axis: Axis) -> None:
    """Number a logarithmic axis of up to two decades so that its numbers are few and plain."""
    low, high = axis.get_view_interval()
    if high < TWO_DECADES * low:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < SHORT * low else (1, 3)))
        axis.set_major_formatter(FormatStrFormatter("%g"))
        axis.set_minor_formatter(NullFormatter())


def _number_ticks(axes: Axes, panel: Panel) -> None:
    """Number a logarithmic axis of one or two decades by 1, 2, 5 or 1, 3, and whole numbers as such."""
    for name, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        if name in panel.log:
            number_decades(axis)
    places = [np.asarray(series.x, dtype=float) for series in panel.series]
    if places and not panel.ticks and "x" not in panel.log and all((each % 1 == 0).all() for each in places):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
