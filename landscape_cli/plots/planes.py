"""What pictures of planes share: values on one scale, panels with titles and labels, one colour bar."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

from landscape_cli.arrays import Array
from landscape_cli.plots import along_path
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.labels import (
    axis_label,
    direction_name,
    panel_titles,
    value_label,
    without_shared_mark,
)
from landscape_cli.plots.levels import FEWEST, between, choose_levels, numbers, refined
from landscape_cli.plots.missing import legend_patches
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import (
    column_width,
    hide_inner_ticks,
    panels,
    relative_height,
    write_axis_labels,
    write_legend,
    write_titles,
)
from landscape_cli.plots.style import PAPER, normal, small
from landscape_cli.plots.text import lines, wrapped
from landscape_cli.plots.values import LEVELS, Scale, common_scale, values_of
from landscape_cli.store import Surface

TICK = 5  # widths of a letter that a number on an axis takes with the gap to the next
NUMBER = 0.15  # inches that a number on a colour bar takes at least
PER_ROW = 3  # panels in which the labels of levels find room


@dataclass(frozen=True)
class Planes:
    """Surfaces ready to be drawn on shared levels.

    Attributes:
        surfaces: what is drawn, one a panel.
        values: of each, (ny, nx), accuracies in percent.
        scale: from values to heights, shared.
        levels: increasing, in the values' unit, shared.
        main: those of them that are numbered first.
        lines: the levels whose lines each panel shows.
        label: of the values, with their unit.
        listed: whether the levels are a list that was asked for.
        common: the title above all panels.
        own: the title of each panel.
        look: colours and size.
    """

    surfaces: Sequence[Surface]
    values: Sequence[Array]
    scale: Scale
    levels: Array
    main: Array
    lines: Sequence[Array]
    label: str
    listed: bool
    common: str
    own: Sequence[str]
    look: Look

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
        return self.heights_of(self.levels)

    def heights_of(self, levels: Array) -> Array:
        """Return the heights of some levels."""
        return self.scale.heights(levels).data

    @property
    def ticks(self) -> list[tuple[float, float]]:
        """Heights and values to number an axis at: the main levels that show, thinned to at most nine."""
        return self.numbered(self.main[:: -(-len(self.main) // 9)])

    def numbered(self, levels: Array) -> list[tuple[float, float]]:
        """Return heights and values of those levels that show: a lower one is drawn at the lower end."""
        low, high = self.limits
        pairs = zip(self.heights_of(levels).tolist(), levels.tolist(), strict=True)
        least = -np.inf if self.listed else self.scale.low
        return [(height, value) for height, value in pairs if low <= height <= high and value >= least]

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
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
    titles: Sequence[str] | None = None,
    look: Look = PAPER,
) -> Planes:
    """Return surfaces with what their panels share; arguments as for `draw`.

    Raises:
        LandscapeError: a file has no such values, the scale or the levels do not fit.
    """
    values = [values_of(surface, split, value) for surface in surfaces]
    shared = common_scale(values, scale, may_be_log=value not in ("accuracy", *LEVELS))
    asked = levels is not None and not isinstance(levels, int)
    if levels is None and not shared.log:
        levels = LEVELS.get(value)
    main = choose_levels(shared, levels)
    if look.vmin is not None or look.vmax is not None:
        main = between(main, shared, look.vmin, look.vmax)
    listed = levels is not None and not isinstance(levels, int)
    listed |= look.vmin is not None or look.vmax is not None
    fewest = 0 if asked else min(FEWEST, levels) if isinstance(levels, int) else FEWEST
    all_levels, lines = refined(main, shared, values, fewest)
    label = value_label(split, value, [surface.run_config for surface in surfaces]) + shared.note()
    common, own = panel_titles(surfaces, title, titles)
    quiet = without_shared_mark(surfaces)
    return Planes(quiet, values, shared, all_levels, main, lines, label, listed, common, own, look)


def plane_panels(planes: Planes, *, projection: str | None = None) -> tuple[Figure, list[Axes]]:
    """Return the figure and its panels, with the spans, titles and axis labels set."""
    figure, axes = panels(
        len(planes.surfaces),
        ratio=1.0,
        margin=0.6,
        projection=projection,
        per_row=PER_ROW,
        size=planes.look.inches,
    )
    write_titles(figure, axes, planes.own, planes.common, width=0.75 if projection else 0.85)
    return figure, axes


def frame_planes(figure: Figure, axes: Sequence[Axes], planes: Planes, told: str = "") -> None:
    """Give flat panels, whose limits are set, proportions, ticks, labels, a legend, and a note below."""
    width = column_width(figure, axes)
    ticks = int(np.clip(width * 72 / (TICK * small()), 2, 5))
    for each in axes:
        each.xaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
        each.yaxis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 5, 10]))
        (left, right), (bottom, top) = each.get_xlim(), each.get_ylim()
        # Steps along both directions are alike: equal lengths on the page, unless the panel became a strip.
        each.set_box_aspect(float(np.clip((top - bottom) / (right - left), 0.6, 1.4)))
    hide_inner_ticks(axes, "x")
    hide_inner_ticks(axes, "y")
    for axis in ("x", "y"):
        words = [axis_label(surface, axis) for surface in planes.surfaces]
        if any(len(lines(each, 0.8 * width, normal())) > 2 for each in words):
            words = [direction_name(surface, axis) for surface in planes.surfaces]
        write_axis_labels(figure, axes, words, axis)
    told_of = (note(planes.surfaces, dots=True), told, along_path.note(planes.surfaces))
    notes = [each for each in told_of if each]
    write_legend(figure, legend_patches(planes.values), 2, "\n".join(notes))


def colour_bar(
    figure: Figure,
    axes: Sequence[Axes],
    planes: Planes,
    colours: ScalarMappable,
    share: float = 0.85,
    **place: Any,
) -> None:
    """Draw one colour bar for all panels, numbered at the levels.

    It is at least the `share` of a column's width high; `place` goes to Matplotlib.
    """
    height = share * column_width(figure, axes) * min(relative_height(each) for each in axes)
    label = wrapped(planes.label, height, normal())
    bar = figure.colorbar(colours, ax=list(axes), label=label, **place)
    low, high = planes.limits
    shown = dict(planes.ticks)
    for here, value in planes.numbered(planes.levels):
        room = min((abs(here - other) for other in shown), default=np.inf)
        if room >= (high - low) * NUMBER / height:
            shown[here] = value
    bar.ax.yaxis.set_major_locator(FixedLocator(sorted(shown)))
    bar.ax.yaxis.set_minor_locator(NullLocator())
    bar.ax.set_yticklabels(numbers([shown[height] for height in sorted(shown)]))
