"""The loss over a plane as a landscape seen from above its corner."""

from typing import Any

import numpy as np
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FixedLocator, MaxNLocator
from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]
from mpl_toolkits.mplot3d.art3d import Poly3DCollection  # type: ignore[import-untyped]

from landscape_cli.arrays import Array
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.labels import direction_name
from landscape_cli.plots.levels import numbers
from landscape_cli.plots.missing import LOOKS, edges, missing
from landscape_cli.plots.panels import trim_height, write_legend
from landscape_cli.plots.planes import Planes, colour_bar, mark_handles, plane_panels
from landscape_cli.plots.style import ACCURACY, INK, SMALL, colormap
from landscape_cli.plots.text import verbatim
from landscape_cli.plots.trajectory import draped
from landscape_cli.store import Surface

ELEVATION, AZIMUTH = 32, -58


def draw_surfaces(planes: Planes) -> Figure:
    """Return the picture: one panel a surface, all with the same heights and colours.

    Missing points are holes, with their cells in grey on the floor. Levels that were asked for as a list
    limit the heights: what lies beyond is cut away.
    """
    figure, axes = plane_panels(planes, projection="3d")
    low, high = planes.limits
    cut = planes.extend != "neither"
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        assert isinstance(each, Axes3D)
        assert surface.y is not None
        heights = planes.scale.heights(values)
        if cut:
            heights = np.ma.masked_outside(heights, low, high)
        each.computed_zorder = False
        drawn = each.plot_surface(
            *np.meshgrid(surface.x, surface.y),
            heights.filled(np.nan),
            cmap=colormap(),
            norm=Normalize(low, high),
            rcount=len(surface.y),
            ccount=len(surface.x),
            edgecolor=(0, 0, 0, 0.25),
            linewidth=0.25,
            zorder=2,
        )
        _grey_floor(each, surface, values, low)
        _lay_path(each, surface, heights)
        _mark_solutions(each, surface, heights, named=planes.shared_mark is None)
        _frame(each, planes, surface)
    colour_bar(figure, axes, planes, drawn, shrink=0.7, aspect=18)
    masks = [missing(values) for values in planes.values]
    holes = [
        Patch(facecolor=look["facecolor"], edgecolor=INK, linewidth=0.5, label=f"hole: {words}")
        for words, look in LOOKS.items()
        if any(mask[words].any() for mask in masks)
    ]
    write_legend(
        figure,
        [*mark_handles(planes), *holes],
        3,
        note(planes.surfaces),
    )
    trim_height(figure)
    return figure


def _frame(axes: Axes3D, planes: Planes, surface: Surface) -> None:
    axes.view_init(ELEVATION, AZIMUTH)
    axes.set_box_aspect((1, 1, 0.72), zoom=1.0)
    axes.set_title(axes.get_title(), pad=-6)
    low, high = planes.limits
    axes.set_zlim(low, high)
    axes.set_xlabel(verbatim(direction_name(surface, "x")), labelpad=-6)
    axes.set_ylabel(verbatim(direction_name(surface, "y")), labelpad=-6)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    shown = [(height, value) for height, value in planes.ticks if low <= height <= high]
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


def _mark_solutions(axes: Axes3D, surface: Surface, heights: Any, *, named: bool) -> None:
    assert surface.y is not None
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
        if not named:
            continue
        axes.text(
            x,
            y,
            height,
            f" {verbatim(label)}",
            fontsize=SMALL,
            zorder=6,
            path_effects=[withStroke(linewidth=2, foreground="white")],
        )
