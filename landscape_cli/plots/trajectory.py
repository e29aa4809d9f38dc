"""The path of a training, drawn on the plane of its principal components."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from landscape_cli.arrays import Array
from landscape_cli.plots.label_places import Box, draw_marks, pixels_per_point
from landscape_cli.plots.style import ACCURACY
from landscape_cli.store import Surface, Trajectory

PATH = "trajectory"
"""Group id of the drawn path, by which an animation finds it among a picture's artists."""

SHAPES = ("*", "s")  # of the last checkpoint and the first; the solutions of other surfaces are circles
PIECES = 8  # of the way between two checkpoints, where it follows a surface
DOT = 3.0  # size of a checkpoint's marker, in points


def draw_solutions(axes: Axes, surface: Surface) -> list[Box]:
    """Draw the solutions of a plane, and the path between them where there is one.

    A dot is a checkpoint, the square is the first and the star the last. Returns the boxes that they and
    their labels take, in pixels; the layout must be final.
    """
    path = surface.trajectory
    if path is None:
        return draw_marks(axes, surface.marks)
    line = draw_path(axes, path)
    taken = _boxes(axes, line)
    return [*taken, *draw_marks(axes, surface.marks, shapes=SHAPES, taken=taken)]


def draw_path(axes: Axes, path: Trajectory) -> Line2D:
    """Draw the path, a dot for each checkpoint, on a white band; return its line."""
    common: dict[str, Any] = {"solid_joinstyle": "round", "gid": PATH}
    axes.plot(path.x, path.y, color="white", linewidth=2.6, zorder=4.9, **common)
    (line,) = axes.plot(
        path.x,
        path.y,
        color=ACCURACY,
        linewidth=1.1,
        marker="o",
        markersize=DOT,
        markeredgewidth=0,
        zorder=5,
        label="path",
        **common,
    )
    return line


def draped(surface: Surface, heights: Any) -> tuple[Array, Array, Array] | None:
    """Return the path on a surface of these heights, (ny, nx): x, y and height of points along it.

    None: there is no path. NaN where it leaves the surface.
    """
    path = surface.trajectory
    if path is None:
        return None
    from scipy.interpolate import RegularGridInterpolator  # a third of a second, for a path in 3D alone

    assert surface.y is not None
    number = np.arange(len(path.epoch))
    fine = np.linspace(0, number[-1], PIECES * number[-1] + 1)
    x, y = np.interp(fine, number, path.x), np.interp(fine, number, path.y)
    values = np.ma.filled(heights, np.nan)
    on = RegularGridInterpolator((surface.y, surface.x), values, bounds_error=False, fill_value=np.nan)
    return x, y, np.asarray(on(np.stack([y, x], axis=-1)))


def _boxes(axes: Axes, line: Line2D) -> list[Box]:
    """Return boxes that cover the drawn path, as small as its markers."""
    pixels = pixels_per_point(axes)
    corners = axes.transData.transform(np.asarray(line.get_xydata()))
    radius = (DOT / 2 + 1) * pixels
    centers: list[Sequence[float]] = []
    for start, end in pairwise(corners):
        steps = max(1, round(float(np.hypot(*(end - start))) / radius))
        centers += (start + (end - start) * np.arange(steps + 1)[:, None] / steps).tolist()
    cells = {(round(x / radius), round(y / radius)): (x, y) for x, y in centers}
    return [(x - radius, y - radius, x + radius, y + radius) for x, y in cells.values()]
