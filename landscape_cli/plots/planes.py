"""What pictures of planes share: values on one scale, panels with titles and labels, one colour bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from landscape_cli.arrays import Array
from landscape_cli.plots import along_path, smooth
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.label_places import MARKER
from landscape_cli.plots.labels import axis_label, panel_titles, value_label
from landscape_cli.plots.levels import choose_levels, numbers, resolving
from landscape_cli.plots.missing import legend_patches
from landscape_cli.plots.panels import (
    column_width,
    hide_inner_ticks,
    panels,
    relative_height,
    write_axis_labels,
    write_legend,
    write_titles,
)
from landscape_cli.plots.style import INK, NORMAL
from landscape_cli.plots.text import verbatim, wrapped
from landscape_cli.plots.values import LEVELS, Scale, common_scale, values_of
from landscape_cli.store import Surface


@dataclass(frozen=True)
class Planes:
    """Surfaces ready to be drawn on shared levels.

    Attributes:
        surfaces: what is drawn, one a panel.
        values: of each, (ny, nx), accuracies in percent.
        scale: from values to heights, shared.
        levels: increasing, in the values' unit, shared.
        label: of the values, with their unit.
        title: in place of the one made of the runs' configurations, or None.
        listed: whether the levels are a list that was asked for.
        titles: of the panels, in place of what sets the surfaces apart, or None.
    """

    surfaces: Sequence[Surface]
    values: Sequence[Array]
    scale: Scale
    levels: Array
    label: str
    title: str | None
    listed: bool
    titles: Sequence[str] | None

    def levels_of(self, values: Array) -> Array:
        """Return the heights of one panel's level lines: the shared ones, and some between where needed."""
        levels = self.levels if self.listed else resolving(self.levels, self.scale, values)
        return self.scale.heights(levels).data

    @property
    def shared_mark(self) -> str | None:
        """What the one solution of every panel is called, or None where they have others, or one panel."""
        marks = {tuple(surface.marks) for surface in self.surfaces}
        if len(self.surfaces) == 1 or len(marks) > 1 or any(len(each) != 1 for each in marks):
            return None
        ((label, *_),) = next(iter(marks))
        return label

    @property
    def limits(self) -> tuple[float, float]:
        """The least and greatest height shown: of the values, or of the levels where these were listed."""
        if self.listed:
            return float(self.heights[0]), float(self.heights[-1])
        low, high = self.scale.height(self.scale.low), self.scale.height(self.scale.high)
        return (low, high) if low < high else (low - 0.5, high + 0.5)

    @property
    def heights(self) -> Array:
        """The heights of the levels."""
        return self.scale.heights(self.levels).data

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Heights and values to number an axis or a colour bar at: the levels, thinned to at most nine."""
        pairs = list(zip(self.heights.tolist(), self.levels.tolist(), strict=True))
        return pairs[:: -(-len(pairs) // 9)]

    @property
    def extend(self) -> str:
        """On which sides values lie beyond the levels: ``neither``, ``min``, ``max`` or ``both``."""
        below, above = self.scale.low < self.levels[0], self.scale.high > self.levels[-1]
        return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[
            below, above
        ]


def planes(
    surfaces: Sequence[Surface],
    *,
    value: str,
    split: str,
    scale: str,
    levels: int | Sequence[float] | None,
    title: str | None,
    titles: Sequence[str] | None,
    landscape: bool = False,
) -> Planes:
    """Return surfaces with what their panels share; arguments as for `draw`.

    A `landscape` has a logarithmic scale on which the bottom of a bowl is round.

    Raises:
        LandscapeError: a file has no such values, the scale or the levels do not fit.
    """
    values = [values_of(surface, split, value) for surface in surfaces]
    shared = common_scale(values, scale, may_be_log=value not in ("accuracy", *LEVELS))
    if landscape:
        shared = shared.bent(values)
    if levels is None and not shared.log:
        levels = LEVELS.get(value)
    listed = levels is not None and not isinstance(levels, int)
    label = value_label(split, value, [surface.run_config for surface in surfaces]) + shared.note()
    return Planes(surfaces, values, shared, choose_levels(shared, levels), label, title, listed, titles)


def plane_panels(planes: Planes, *, projection: str | None = None) -> tuple[Figure, list[Axes]]:
    """Return the figure and its panels, with the spans, titles and axis labels set."""
    surfaces = planes.surfaces
    figure, axes = panels(len(surfaces), ratio=0.76 if projection else 1.0, margin=0.6, projection=projection)
    common, own = panel_titles(surfaces, planes.title, planes.titles)
    # The colour bar takes part of every column; a landscape stands far to the left of its own.
    write_titles(figure, axes, own, common, width=0.66 if projection else 0.74)
    return figure, axes


def frame_planes(figure: Figure, axes: Sequence[Axes], planes: Planes, *, lines: bool = False) -> None:
    """Give flat panels, whose limits are set, their proportions, ticks, labels and legend.

    With `lines` the legend says what level lines are drawn through.
    """
    for each in axes:
        each.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        each.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        (left, right), (bottom, top) = each.get_xlim(), each.get_ylim()
        # Steps along both directions are alike: equal lengths on the page, unless the panel became a strip.
        each.set_box_aspect(float(np.clip((top - bottom) / (right - left), 0.6, 1.4)))
    hide_inner_ticks(axes, "x")
    hide_inner_ticks(axes, "y")
    for axis in ("x", "y"):
        write_axis_labels(figure, axes, [axis_label(surface, axis) for surface in planes.surfaces], axis)
    notes = [note(planes.surfaces, dots=True), smooth.note(planes.surfaces) if lines else ""]
    notes.append(along_path.note(planes.surfaces))
    handles = [*mark_handles(planes), *legend_patches(planes.values)]
    write_legend(figure, handles, 3, "\n".join(filter(None, notes)))


def mark_handles(planes: Planes) -> list[Line2D]:
    """Return the legend's entry of the solution that all panels have, or none."""
    if planes.shared_mark is None:
        return []
    look: dict[str, Any] = {
        "marker": "o",
        "markersize": MARKER,
        "markerfacecolor": "white",
        "markeredgecolor": INK,
    }
    return [Line2D([], [], linestyle="none", label=verbatim(planes.shared_mark), **look)]


def colour_bar(
    figure: Figure, axes: Sequence[Axes], planes: Planes, colours: ScalarMappable, **place: Any
) -> None:
    """Draw one colour bar for all panels, numbered at the levels; `place` goes to Matplotlib."""
    height = column_width(figure, axes) * min(relative_height(each) for each in axes)
    label = wrapped(planes.label, 0.85 * height, NORMAL)
    bar = figure.colorbar(colours, ax=list(axes), label=label, **place)
    low, high = colours.get_clim()
    shown = [(height, value) for height, value in planes.ticks if low <= height <= high]
    bar.ax.yaxis.set_major_locator(FixedLocator([height for height, _ in shown]))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.set_yticklabels(numbers([value for _, value in shown]))
