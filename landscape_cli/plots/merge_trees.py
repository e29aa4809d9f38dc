"""The merge tree of a line or plane: which basin merges into which, over what pass; beside a map of them."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from landscape_cli.measures.merge_tree import Basin, arms
from landscape_cli.plots.labels import axis_label
from landscape_cli.plots.levels import choose_levels
from landscape_cli.plots.missing import edges, hatch_cells, hatch_spans, legend_patches
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import column_width, panels, trim_height, write_legend, write_titles
from landscape_cli.plots.series import COLOURS
from landscape_cli.plots.smooth import finer
from landscape_cli.plots.style import INK, PAPER, normal
from landscape_cli.plots.text import wrapped
from landscape_cli.plots.topology import Topology, mark, own_titles, threshold_note, topologies
from landscape_cli.plots.trajectory import draw_solutions
from landscape_cli.store import Surface

TINT = 0.35  # opacity of a basin's colour on the map
ROWS = 3  # files below each other; of more, two share a row
ABOVE = 0.12  # of the tree's height, from its last pass to its top


def draw_merge_trees(
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
    """Return the picture: of each file the line or plane with its basins, and their tree beside it.

    In the tree a basin stands from its lowest value to the pass over which it merges, where it is joined to
    the lower one; the lowest ends at the top. The most persistent basins have a colour and a marker each, up
    to where they first meet another of these: on the map the points that lie below that.

    Arguments as for `draw`.

    Raises:
        LandscapeError: as `topologies`.
    """
    found = topologies(surfaces, value=value, split=split, scale=scale, persistence=persistence)
    per_row = 2 if len(found) <= ROWS else 4
    figure, axes = panels(2 * len(found), ratio=0.8, margin=0.6, per_row=per_row, size=look.inches)
    maps, trees, width = axes[::2], axes[1::2], column_width(figure, axes)
    for each, tree, one in zip(maps, trees, found, strict=True):
        _draw_tree(tree, one, _span(found))
        tree.set_ylabel(wrapped(one.label, 0.6 * width, normal()))
        if one.surface.y is None:
            _draw_line(each, one, tree.get_ylim())
            each.set_ylabel(tree.get_ylabel())
        else:
            _draw_plane(each, one)
            each.set_ylabel(wrapped(axis_label(one.surface, "y"), 0.75 * width, normal()))
        each.set_xlabel(wrapped(axis_label(one.surface, "x"), 0.85 * width, normal()))
    common, own = own_titles(found, title, titles)
    write_titles(figure, maps, own, common)
    write_legend(figure, legend_patches([one.values for one in found]), 2, threshold_note(found))
    trim_height(figure)
    for each, one in zip(maps, found, strict=True):
        if one.surface.y is not None:
            draw_solutions(each, one.surface)
    return figure


def leaves(basins: Sequence[Basin]) -> list[int]:
    """Return the basins in an order in which no two ways of the tree cross.

    What merges into a basin stands beside all that merged into it before, by turns to its right and left.
    """
    blocks = {number: [number] for number in range(len(basins))}
    turns = dict.fromkeys(blocks, 0)
    for number in sorted(blocks, key=lambda one: basins[one].death):
        into = basins[number].into
        if into is None:
            continue
        block = blocks.pop(number)
        blocks[into] = blocks[into] + block if turns[into] % 2 == 0 else block + blocks[into]
        turns[into] += 1
    return [number for block in blocks.values() for number in block]


def _draw_tree(axes: Axes, found: Topology, limits: tuple[float, float]) -> None:
    basins, coloured = found.basins, found.coloured
    places = {number: place for place, number in enumerate(leaves(basins))}
    if found.scale.log:
        axes.set_yscale("log")
    axes.set_ylim(limits)
    axes.set_xlim(-0.7, len(basins) - 0.3)
    axes.set_xticks([])
    for side in ("top", "right", "bottom"):
        axes.spines[side].set_visible(False)
    for number, basin in enumerate(basins):
        x, (birth, death) = places[number], found.drawn(np.array([basin.birth, min(basin.death, limits[1])]))
        axes.plot([x, x], [birth, death], color=INK, linewidth=0.9, solid_capstyle="butt", zorder=2)
        if basin.into is not None:
            axes.plot([x, places[basin.into]], [death, death], color=INK, linewidth=0.9, zorder=2)
        if number in coloured:
            meets = [basins[one].death for one in coloured if basins[one].into == number]
            up = min([death, *meets])
            axes.plot(
                [x, x], [birth, up], color=COLOURS[coloured[number]], linewidth=2.6, zorder=3,
                solid_capstyle="butt",
            )  # fmt: skip
        mark(axes, x, birth, coloured.get(number))


def _span(found: Sequence[Topology]) -> tuple[float, float]:
    """Return the ends of all trees' axis: below the lowest basin, and above the last pass."""
    scale, basins = found[0].scale, [basin for one in found for basin in one.basins]
    ends = [basin.birth for basin in basins] + [basin.death for basin in basins if basin.into is not None]
    if found[0].surface.y is None or all(basin.into is None for basin in basins):
        # a line has the same axis; and where nothing merges the losses are all there is
        ends += [float(end) for one in found for end in one.values[np.isfinite(one.values)]]
    low, high = (scale.height(end) for end in (min(ends), max(ends)))
    room = ABOVE * (high - low) or 0.1 * abs(high) or 1.0
    return scale.value(low - 0.5 * room), scale.value(high + room)


def _numbers(found: Topology) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the look of the basin that each point belongs to, -1 for none."""
    coloured = found.coloured
    order = {number: place for place, number in enumerate(coloured)}
    shown = [found.basins[number] for number in coloured]
    into = [None if one.into is None else order.get(one.into) for one in shown]
    tree = [Basin(one.place, one.birth, one.death, elder) for one, elder in zip(shown, into, strict=True)]
    return arms(found.values, tree)


def _draw_line(axes: Axes, found: Topology, limits: tuple[float, float]) -> None:
    x, values = found.surface.x, found.drawn(found.values)
    numbers = _numbers(found)
    if found.scale.log:
        axes.set_yscale("log")
    hatch_spans(axes, x, found.values)
    axes.plot(x, np.where(np.isfinite(values), values, np.nan), color=INK, linewidth=0.9, zorder=2)
    for look in range(len(found.coloured)):
        own = np.where(numbers == look, values, np.nan)
        axes.plot(x, own, color=COLOURS[look], linewidth=2.6, zorder=3, solid_capstyle="butt")
    for number, basin in enumerate(found.basins):
        mark(axes, x[basin.place[0]], values[basin.place], found.coloured.get(number))
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(limits)
    axes.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))


def _draw_plane(axes: Axes, found: Topology) -> None:
    x, y = found.surface.x, found.surface.y
    assert y is not None
    numbers = _numbers(found)
    colours = np.ones((*numbers.shape, 4))
    for look in range(len(found.coloured)):
        colours[numbers == look] = to_rgba(COLOURS[look], TINT)
    axes.pcolormesh(edges(x), edges(y), colours, rasterized=True, zorder=1)
    heights = found.scale.heights(found.values)
    levels = found.scale.heights(choose_levels(found.scale, None)).data
    axes.contour(*finer(x, y, heights), levels, colors=INK, linewidths=0.5, linestyles="solid", alpha=0.6)
    hatch_cells(axes, x, y, found.values)
    for number, basin in enumerate(found.basins):
        row, column = basin.place
        mark(axes, x[column], y[row], found.coloured.get(number))
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.set_box_aspect(float(np.clip((y[-1] - y[0]) / (x[-1] - x[0]), 0.6, 1.0)))
