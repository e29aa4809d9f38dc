"""The persistence diagram: each basin at the loss where it appears and that where it merges."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from landscape_cli.plots.levels import number
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import panels, trim_height, write_axis_labels, write_legend, write_titles
from landscape_cli.plots.series import COLOURS, number_decades
from landscape_cli.plots.style import INK, PAPER
from landscape_cli.plots.topology import OTHERS, Topology, mark, own_titles, topologies
from landscape_cli.store import Surface

BEYOND = 0.06  # of the axis, from its end to the last value


def draw_persistence(
    surfaces: Sequence[Surface],
    *,
    value: str,
    split: str,
    scale: str,
    persistence: float | None = None,
    title: str | None = None,
    titles: Sequence[str] | None = None,
    look: Look = PAPER,
) -> Figure:
    """Return the picture: a panel a file, with the same limits; arguments as for `draw`.

    The height of a point over the diagonal is the basin's persistence; those above the dotted line count. A
    basin that never merges, such as the lowest, stands at the upper edge.

    Raises:
        LandscapeError: as `topologies`.
    """
    found = topologies(surfaces, value=value, split=split, scale=scale, persistence=persistence)
    figure, axes = panels(len(found), ratio=1.0, margin=0.6, size=look.inches)
    for each, one in zip(axes, found, strict=True):
        _draw(each, one, _limits(found))
    for axis, words in (("x", "where a basin appears"), ("y", "where it merges into a lower one")):
        write_axis_labels(figure, axes, [f"{words}:\n{one.label}" for one in found], axis)
    common, own = own_titles(found, title, titles)
    write_titles(figure, axes, own, common)
    write_legend(figure, _handles(found), 2 if len(found) == 1 else 4)
    trim_height(figure)
    return figure


def _draw(axes: Axes, found: Topology, limits: tuple[float, float]) -> None:
    if found.scale.log:
        axes.set_xscale("log")
        axes.set_yscale("log")
    axes.set_xlim(limits)
    axes.set_ylim(limits)
    if found.scale.log:
        number_decades(axes.xaxis)
        number_decades(axes.yaxis)
    axes.set_box_aspect(1.0)
    space = np.geomspace if found.scale.log else np.linspace
    along = space(*limits, 400)
    axes.plot(along, along, color=INK, linewidth=0.8)
    axes.fill_between(along, limits[0], along, color="0.93", linewidth=0, zorder=0)
    axes.plot(along, along + found.persistence, color=INK, linewidth=1.0, linestyle=":")
    small = [found.drawn(np.array([basin.birth, basin.death])) for basin in found.smaller]
    if small:
        axes.plot(*np.transpose(small), ".", color="0.6", markersize=3.5, markeredgewidth=0, zorder=2)
    for own, basin in enumerate(found.basins):
        birth, death = found.drawn(np.array([basin.birth, basin.death]))
        mark(axes, birth, min(death, limits[1]), found.coloured.get(own))


def _limits(found: Sequence[Topology]) -> tuple[float, float]:
    """Return the least birth and the greatest death of all, with some room, on both axes."""
    every = [basin for one in found for basin in (*one.basins, *one.smaller)]
    ends = np.array([[basin.birth, basin.death] for basin in every])
    shown = found[0].drawn(ends[np.isfinite(ends)])
    low, high = found[0].scale.heights(shown).min(), found[0].scale.heights(shown).max()
    room = BEYOND * (high - low) or 0.1 * abs(high) or 1.0
    return found[0].scale.value(low - room), found[0].scale.value(high + 2 * room)


def _handles(found: Sequence[Topology]) -> list[Line2D]:
    dot: dict[str, Any] = {"linestyle": "none", "marker": "."}
    handles = [
        Line2D([], [], color=COLOURS[0], marker="o", linestyle="none", label="lowest, never merges"),
        Line2D([], [], color=INK, linewidth=0.8, label="persistence 0"),
        Line2D([], [], color=INK, linestyle=":", label=f"persistence {number(found[0].persistence)}"),
    ]
    if any(len(one.basins) > len(one.coloured) for one in found):
        handles.append(Line2D([], [], color=OTHERS, markersize=5, label="less persistent basins", **dot))
    if any(one.smaller for one in found):
        count = sum(len(one.smaller) for one in found)
        words = f"{count:,} below that"
        handles.append(Line2D([], [], color="0.6", markersize=4, label=words, **dot))
    return handles
