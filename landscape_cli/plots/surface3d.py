"""The loss over a plane as a landscape seen from above its corner."""

from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, MaxNLocator
from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]
from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

from landscape_cli.arrays import Array
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.label_places import write_mark
from landscape_cli.plots.labels import direction_name
from landscape_cli.plots.layout3d import lay_out, projected
from landscape_cli.plots.levels import choose_levels, numbers
from landscape_cli.plots.missing import LOOKS, edges, missing
from landscape_cli.plots.panels import write_legend
from landscape_cli.plots.planes import Planes, colour_bar, plane_panels
from landscape_cli.plots.style import ACCURACY, INK, SMALL, colormap, small
from landscape_cli.plots.text import verbatim
from landscape_cli.plots.trajectory import draped
from landscape_cli.store import Surface

ELEVATION, AZIMUTH = 32, -58


def draw_surfaces(planes: Planes, *, turning: bool = False) -> Figure:
    """Return the picture: one panel a surface, all with the same heights and colours.

    Missing points are holes, with their cells in grey on the floor. Levels that were asked for as a list
    limit the heights: what lies above is cut away, what lies below is at the floor. A logarithmic scale may
    be `Scale.bent`. With `turning` there is room for the labels from all sides.
    """
    planes = _round_bottomed(planes)
    figure, axes = plane_panels(planes, projection="3d")
    low, high = planes.limits
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        assert isinstance(each, Axes3D)
        assert surface.y is not None
        heights = planes.scale.heights(values)
        if planes.listed:
            heights = np.ma.masked_greater(np.ma.maximum(heights, low), high)
        each.computed_zorder = False
        drawn = each.plot_surface(
            *np.meshgrid(surface.x, surface.y),
            heights.filled(np.nan),
            cmap=colormap(planes.look),
            norm=Normalize(low, high),
            rcount=len(surface.y),
            ccount=len(surface.x),
            edgecolor=(0, 0, 0, 0.25),
            linewidth=0.25,
            zorder=2,
        )
        _grey_floor(each, surface, values, low)
        _lay_path(each, surface, heights)
        _frame(each, planes, surface)
    bar = figure.add_axes((0.9, 0.25, 0.02, 0.5), label="<colorbar>")
    colour_bar(figure, axes, planes, drawn, share=0.7, cax=bar)
    masks = [missing(values) for values in planes.values]
    write_legend(
        figure,
        [
            Patch(facecolor=look["facecolor"], edgecolor=INK, linewidth=0.5, label=f"hole: {words}")
            for words, look in LOOKS.items()
            if any(mask[words].any() for mask in masks)
        ],
        2,
        note(planes.surfaces),
    )
    azimuths = range(0, 360, 30) if turning else [AZIMUTH]
    views = [(ELEVATION, azimuth) for azimuth in azimuths]
    lay_out(figure, axes, bar, views, fixed=planes.look.size is not None)
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        heights = np.ma.maximum(planes.scale.heights(values), low)
        _mark_solutions(each, surface, heights, turning=turning)
    return figure


def _round_bottomed(planes: Planes) -> Planes:
    """Return the planes with heights on which a bowl is round, where its bottom would be a needle."""
    scale = planes.scale.bent(planes.values)
    if planes.listed or not scale.bend:
        return planes
    levels = choose_levels(scale, None)
    label = planes.label.partition("\n")[0] + scale.note()
    return replace(planes, scale=scale, levels=levels, main=levels, label=label)


def _frame(axes: Axes3D, planes: Planes, surface: Surface) -> None:
    axes.view_init(ELEVATION, AZIMUTH)
    axes.patch.set_visible(False)  # it reaches over the numbers of the panel to the left
    axes.set_box_aspect((1, 1, 0.72))
    axes.set_title(axes.get_title(), y=1.0, va="bottom")
    low, high = planes.limits
    axes.set_zlim(low, high)
    room = 1.2 * (small() - SMALL) - 5  # the numbers between an axis and its label may be larger
    axes.set_xlabel(verbatim(direction_name(surface, "x")), labelpad=room)
    axes.set_ylabel(verbatim(direction_name(surface, "y")), labelpad=room)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    shown = planes.ticks
    axes.zaxis.set_major_locator(FixedLocator([height for height, _ in shown]))
    axes.set_zticklabels(numbers([value for _, value in shown]))
    axes.tick_params(pad=-2)
    axes.tick_params(axis="z", pad=2)
    for axis in (axes.xaxis, axes.yaxis, axes.zaxis):
        axis.set_pane_color((1, 1, 1, 0))
        axis._axinfo["grid"].update(color="0.8", linewidth=0.5)


def _grey_floor(axes: Axes3D, surface: Surface, values: Array, floor: float) -> None:
    """Lay the cells of missing points on the floor, in the greys of the flat pictures."""
    assert surface.y is not None
    x, y = edges(surface.x), edges(surface.y)
    for words, mask in missing(values).items():
        cells = [
            [
                (x[i], y[j], floor),
                (x[i + 1], y[j], floor),
                (x[i + 1], y[j + 1], floor),
                (x[i], y[j + 1], floor),
            ]
            for j, i in np.argwhere(mask)
        ]
        if cells:
            axes.add_collection3d(
                Poly3DCollection(
                    cells,
                    facecolors=LOOKS[words]["facecolor"],
                    edgecolors=LOOKS[words]["facecolor"],
                    linewidths=0.3,
                    zorder=1,
                )
            )


def _lay_path(axes: Axes3D, surface: Surface, heights: Any) -> None:
    path = draped(surface, heights)
    if path is not None:
        axes.plot(*path, color="white", linewidth=2.4, zorder=3)
        axes.plot(*path, color=ACCURACY, linewidth=1.2, zorder=4)


def _mark_solutions(axes: Axes3D, surface: Surface, heights: Any, *, turning: bool) -> None:
    """Mark the solutions on the landscape; the layout must be final, for labels keep clear of each other."""
    assert surface.y is not None
    renderer = axes.figure.canvas.get_renderer()
    taken = [axes.zaxis.get_tightbbox(renderer).extents]
    for label, x, y in surface.marks:
        if not (surface.x[0] <= x <= surface.x[-1] and surface.y[0] <= y <= surface.y[-1]):
            continue
        height = heights[np.abs(surface.y - y).argmin(), np.abs(surface.x - x).argmin()]
        if height is np.ma.masked:
            continue
        axes.plot(
            [x],
            [y],
            [height],
            marker="o",
            markersize=4,
            markerfacecolor="white",
            markeredgecolor=INK,
            zorder=5,
        )
        place = projected(axes, x, y, height)
        if turning:
            axes.text(x, y, height, f"  {verbatim(label)}", fontsize=small(), zorder=6)
        elif label:
            taken.append(write_mark(axes, verbatim(label), (float(place[0]), float(place[1])), taken))
