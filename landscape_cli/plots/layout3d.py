"""Where landscapes stand on the page: as large as their numbers and labels allow, and none of these cut off.

Matplotlib's own layouts do not know how far the labels of a 3D panel reach.
"""

from collections.abc import Sequence
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox
from mpl_toolkits.mplot3d import Axes3D, proj3d  # type: ignore[import-untyped]

from landscape_cli.arrays import Array

GAP, BAR = 0.08, 0.14  # inches: between parts, width of the colour bar
BAR_HEIGHT = 0.75  # of that of the panels
ROUNDS = 4  # of fitting the panels to the room that their labels leave


def projected(axes: Axes3D, x: Array | float, y: Array | float, z: Array | float) -> Array:
    """Return places of a landscape, (n,) each or one, as (n, 2) or (2,) in the data of its flat picture."""
    flat_x, flat_y, _ = proj3d.proj_transform(x, y, z, axes.get_proj())
    return np.stack([flat_x, flat_y], axis=-1)


def lay_out(
    figure: Figure,
    axes: Sequence[Axes3D],
    bar: Axes,
    views: Sequence[tuple[float, float]],
    *,
    fixed: bool,
) -> None:
    """Place panels, their titles, the colour bar, the common title and the legend, for good.

    The width of the figure stays; its height becomes what is needed, unless it is `fixed`. From all `views`,
    elevation and azimuth, nothing is cut off; afterwards panels are seen as before.
    """
    figure.set_layout_engine("none")
    rows, columns = _shape(axes)
    width, height = figure.get_size_inches()
    side = width / columns
    for _ in range(ROUNDS):
        _place(figure, axes, [(0.0, 0.0)] * len(axes), side)
        bar.set_position((0.0, 0.25, BAR / width, 0.5))
        boxes = _extents(figure, axes, views)
        beside = _inches(figure, bar.get_tightbbox() or bar.bbox).x1 + 3 * GAP
        column = (width - beside) / columns
        content = Bbox.union(boxes)
        titles = [_inches(figure, each.title.get_window_extent()).height for each in axes]
        above = [max(titles[row * columns : (row + 1) * columns]) + 2 * GAP for row in range(rows)]
        top = _height(figure, figure.texts)
        bottom = _height(figure, figure.legends)
        needed = top + sum(above) + rows * (content.height + GAP) + bottom
        fit = (column - GAP) / content.width
        if fixed:
            fit = min(fit, (height - needed + rows * content.height) / (rows * content.height))
        side *= max(fit, 0.1)
    if not fixed:
        height = needed + GAP
        figure.set_figheight(height)
    free = max(height - needed, 0.0) / 2
    y = height - top - free
    corners = []
    for row in range(rows):
        y -= above[row] + content.height + GAP
        corners += [
            (index * column + (column - content.width) / 2 - content.x0 + GAP / 2, y - content.y0)
            for index in range(columns)
        ]
    _place(figure, axes, corners, side)
    for index, each in enumerate(axes):
        middle, ceiling = (content.x0 + content.x1) / 2, boxes[index].y1
        each.title.set_position((middle / side, (ceiling + GAP) / side))
    panels_top, panels_bottom = height - top - free - above[0], y
    tall = BAR_HEIGHT * min(panels_top - panels_bottom, 3.6)
    start = (panels_top + panels_bottom - tall) / 2
    bar.set_position(((columns * column + 2 * GAP) / width, start / height, BAR / width, tall / height))
    for text in figure.texts:
        text.set_y(1 - GAP / 2 / height)
    figure.draw_without_rendering()


def _shape(axes: Sequence[Axes3D]) -> tuple[int, int]:
    specs = [each.get_subplotspec() for each in axes]
    return max(each.rowspan.stop for each in specs), max(each.colspan.stop for each in specs)


def _place(
    figure: Figure, axes: Sequence[Axes3D], corners: Sequence[tuple[float, float]], side: float
) -> None:
    """Put square panels with these lower left corners, in inches."""
    width, height = figure.get_size_inches()
    for each, (x, y) in zip(axes, corners, strict=False):
        each.set_position((x / width, y / height, side / width, side / height))


def _extents(figure: Figure, axes: Sequence[Axes3D], views: Sequence[tuple[float, float]]) -> list[Bbox]:
    """Return the box of each panel, in inches, from all views together."""
    before = [(each.elev, each.azim) for each in axes]
    seen: list[list[Bbox]] = []
    for view in views:
        for each in axes:
            each.view_init(*view)
        figure.draw_without_rendering()
        seen.append([_inches(figure, _extent(each)) for each in axes])
    for each, (elevation, azimuth) in zip(axes, before, strict=True):
        each.view_init(elevation, azimuth)
    return [Bbox.union(list(boxes)) for boxes in zip(*seen, strict=True)]


def _extent(axes: Axes3D) -> Bbox:
    """Return the box of a panel without its title, in pixels: corners of its space, numbers and labels."""
    renderer = axes.figure.canvas.get_renderer()
    corners = np.array(list(product(axes.get_xlim(), axes.get_ylim(), axes.get_zlim())))
    flat = axes.transData.transform(projected(axes, *corners.T))
    boxes = [axis.get_tightbbox(renderer) for axis in (axes.xaxis, axes.yaxis, axes.zaxis)]
    return Bbox.union(
        [Bbox([flat.min(axis=0), flat.max(axis=0)]), *(box for box in boxes if box is not None)]
    )


def _inches(figure: Figure, box: Bbox) -> Bbox:
    return Bbox(np.asarray(box.get_points()) / figure.dpi)


def _height(figure: Figure, parts: Sequence[object]) -> float:
    """Return the height in inches that titles or legends of a figure take, with a gap."""
    heights = [_inches(figure, part.get_window_extent()).height for part in parts]  # type: ignore[attr-defined]
    return max(heights) + GAP if heights else 0.0
