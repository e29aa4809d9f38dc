"""Paths of optimizers on level lines of a function, and on the function as a landscape."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.plots.descent_words import STAR, finish, heights_of, looks
from landscape_cli.plots.levels import choose_levels, numbers
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import panels, trim_height
from landscape_cli.plots.smooth import finer
from landscape_cli.plots.style import INK, colormap, light_colormap
from landscape_cli.store.descent import Descent, OptimizerPath

MOST_PATHS = 60  # of an optimizer that a picture shows
MOST_DOTS = 60  # steps of a path up to which each is a dot
FEW = 4  # paths of an optimizer up to which their lines are thick
ELEVATION, AZIMUTH = 40, -60
PATH, END = "descent", "descent end"
"""Group ids of the drawn paths and of their ends, by which an animation finds them."""


def draw_on_levels(
    descents: Sequence[Descent],
    scale: str,
    levels: int | Sequence[float] | None,
    title: str | None,
    look: Look,
) -> Figure:
    """Return level lines with the paths on them, a panel a file; arguments as for `draw_descents`."""
    figure, axes = panels(len(descents), ratio=0.85, margin=0.6, per_row=3, size=look.inches)
    shown_as = looks(descents)
    for each, descent in zip(axes, descents, strict=True):
        assert descent.x is not None
        assert descent.y is not None
        shared, values, label = heights_of(descent, scale)
        shown = choose_levels(shared, levels)
        heights = shared.heights(shown).data
        fine = finer(descent.x, descent.y, shared.heights(values))
        norm = Normalize(heights[0], heights[-1])
        filled = each.contourf(*fine, heights, cmap=light_colormap(look), norm=norm, extend="both")
        each.contour(*fine, heights, colors=INK, linewidths=0.5, linestyles="solid", alpha=0.5)
        bar = figure.colorbar(filled, ax=each, label=label, pad=0.02)
        kept = slice(None, None, -(-len(shown) // 8))
        bar.set_ticks(heights[kept].tolist(), labels=numbers(shown[kept].tolist()))
        for place, (name, path) in enumerate(descent.paths.items()):
            _lay(each, path, shown_as[name], 3 + place / 20)
        if len(descent.minima):
            each.plot(*descent.minima.T, **STAR, markersize=8, linestyle="", zorder=4.4)
        each.set_xlim(descent.x[0], descent.x[-1])
        each.set_ylim(descent.y[0], descent.y[-1])
        each.set_xlabel("x")
        each.set_ylabel("y")
    finish(figure, axes, descents, title)
    trim_height(figure)
    return figure


def _lay(axes: Axes, path: OptimizerPath, look: dict[str, Any], order: float) -> None:
    """Draw paths of an optimizer on white bands, with squares where they start and circles where they end."""
    few = len(path.points) <= FEW
    width = 1.2 if few else 0.6
    for points in shown_paths(path):
        dots: dict[str, Any] = (
            {"marker": "o", "markersize": 2.0, "markeredgewidth": 0}
            if few and len(points) <= MOST_DOTS
            else {}
        )
        axes.plot(*points.T, color="white", linewidth=2 * width, alpha=0.7, zorder=order, gid=PATH)
        axes.plot(*points.T, **look, **dots, linewidth=width, zorder=order + 0.02, gid=PATH)
        axes.plot(*points[:1].T, "s", color=INK, markersize=4 if few else 2.5, zorder=4.5)
        end: dict[str, Any] = {
            "markersize": 4.5 if few else 3,
            "markeredgecolor": "white",
            "markeredgewidth": 0.6,
        }
        axes.plot(*points[-1:].T, "o", color=look["color"], zorder=order + 1.6, **end, gid=END)


def shown_paths(path: OptimizerPath) -> Array:
    """Return the points of those starts that a picture has room for, (m, k, d)."""
    return path.points[shown_starts(path)]


def shown_starts(path: OptimizerPath) -> slice:
    """Return which starts these are: every n-th."""
    return slice(None, None, -(-len(path.points) // MOST_PATHS))


def draw_on_landscape(
    descents: Sequence[Descent],
    scale: str,
    levels: int | Sequence[float] | None,
    title: str | None,
    look: Look,
) -> Figure:
    """Return the function as a landscape with the paths on it; arguments as for `draw_descents`."""
    from scipy.interpolate import RegularGridInterpolator  # a third of a second, for paths in 3D alone

    figure, axes = panels(len(descents), ratio=0.85, margin=0.6, projection="3d", per_row=3, size=look.inches)
    shown_as = looks(descents)
    for each, descent in zip(axes, descents, strict=True):
        assert descent.x is not None
        assert descent.y is not None
        shared, values, _ = heights_of(descent, scale)
        shared = shared.bent([values])
        heights = shared.heights(values).filled(np.nan)
        space: Any = each
        space.computed_zorder = False
        space.view_init(ELEVATION, AZIMUTH)
        space.set_box_aspect((1, 1, 0.7))
        ground = np.meshgrid(descent.x, descent.y)
        fine = {"rcount": 80, "ccount": 80, "linewidth": 0, "alpha": 0.85}
        space.plot_surface(*ground, heights, cmap=colormap(look), **fine, zorder=1)
        on = RegularGridInterpolator((descent.y, descent.x), heights, bounds_error=False, fill_value=np.nan)
        lift = 0.01 * (np.nanmax(heights) - np.nanmin(heights))
        for place, (name, path) in enumerate(descent.paths.items()):
            width = 1.4 if len(path.points) <= FEW else 0.8
            for points in shown_paths(path):
                x, y = points.T
                line = (x, y, on((y, x)) + lift)
                space.plot(*line, **shown_as[name], linewidth=width, zorder=3 + place, gid=PATH)
                space.plot(*(each[:1] for each in line), "s", color=INK, markersize=3.5, zorder=20)
        shown = choose_levels(shared, levels if levels is not None else 5)
        inside = shown[(shown >= shared.low) & (shown <= shared.high)]
        space.set_zticks(shared.heights(inside).data.tolist(), labels=numbers(inside.tolist()))
        space.set_xlabel("x", labelpad=-4)
        space.set_ylabel("y", labelpad=-4)
        space.set_zlabel("f", labelpad=-2)
        space.tick_params(pad=-2)
        for axis in (space.xaxis, space.yaxis, space.zaxis):
            axis.set_pane_color((1, 1, 1, 0))
            axis._axinfo["grid"].update(color="0.85", linewidth=0.4)
    finish(figure, axes, descents, title)
    return figure
