"""Points without a finite value, shown as what they are: hatched regions, named in the legend."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from landscape_cli.arrays import Array, Mask

_HATCH = "#666666"


LOOKS: dict[str, dict[str, Any]] = {
    "not finite": {"facecolor": "#b8b8b8", "hatch": "xxxx"},
    "not evaluated": {"facecolor": "#f2f2f2", "hatch": "...."},
}
"""Face and hatch of each kind of missing point, by its words in the legend."""


def missing(values: Array) -> dict[str, Mask]:
    """Return where a loss is not finite (stored as +inf) and where it is not evaluated (NaN)."""
    return {"not finite": np.isinf(values), "not evaluated": np.isnan(values)}


def edges(centers: Array) -> Array:
    """Return the (n + 1,) borders of the cells of n >= 2 points: midpoints, and half a step past the ends."""
    middle = (centers[1:] + centers[:-1]) / 2
    first, last = 2 * centers[0] - middle[0], 2 * centers[-1] - middle[-1]
    return np.concatenate([[first], middle, [last]])


def hatch_cells(axes: Axes, x: Array, y: Array, values: Array) -> None:
    """Hatch the cell of each missing point, reaching halfway to its neighbours, as a heat map's cells do.

    Args:
        axes: where to draw.
        x: coordinates, of shape (nx,).
        y: coordinates, of shape (ny,).
        values: of shape (ny, nx).
    """
    x_edges, y_edges = edges(x), edges(y)
    for words, mask in missing(values).items():
        boxes = [(x_edges[i], y_edges[j], x_edges[i + 1], y_edges[j + 1]) for j, i in np.argwhere(mask)]
        _hatch(axes, words, boxes, zorder=1.5)


def hatch_to_neighbours(axes: Axes, x: Array, y: Array, values: Array) -> None:
    """Hatch the cells of the grid that have a missing corner, below what is drawn between finite points.

    Contours are drawn between points, so the region without contours reaches up to the nearest finite ones.
    Arguments as for `hatch_cells`.
    """
    for order, (words, mask) in enumerate(reversed(missing(values).items())):
        boxes = [
            (x[max(i - 1, 0)], y[max(j - 1, 0)], x[min(i + 1, len(x) - 1)], y[min(j + 1, len(y) - 1)])
            for j, i in np.argwhere(mask)
        ]
        _hatch(axes, words, boxes, zorder=0.5 + 0.1 * order)


def hatch_spans(axes: Axes, x: Array, values: Array) -> None:
    """Hatch the full height around each missing point of a line; `x` and `values` are of shape (nx,)."""
    borders = np.clip(edges(x), x[0], x[-1])
    for words, mask in missing(values).items():
        boxes = [(borders[i], 0.0, borders[i + 1], 1.0) for (i,) in np.argwhere(mask)]
        _hatch(axes, words, boxes, zorder=0.5, full_height=True)


def legend_patches(arrays: Sequence[Array]) -> list[Patch]:
    """Return the legend entries of the kinds of missing points that occur in `arrays`."""
    masks = [missing(array) for array in arrays]
    return [
        Patch(label=words, edgecolor=_HATCH, linewidth=0.5, **look)
        for words, look in LOOKS.items()
        if any(each[words].any() for each in masks)
    ]


def _hatch(
    axes: Axes,
    words: str,
    boxes: list[tuple[float, float, float, float]],
    zorder: float,
    full_height: bool = False,
) -> None:
    if not boxes:
        return
    # One compound path for all cells: no seams between them, and the hatch runs through.
    rectangle = np.array([[0, 1], [2, 1], [2, 3], [0, 3], [0, 1]])
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    vertices = np.asarray(boxes)[:, rectangle].reshape(-1, 2)
    patch = PathPatch(
        Path(vertices, np.tile(codes, len(boxes))),
        linewidth=0,
        edgecolor=_HATCH,
        zorder=zorder,
        label=words,
        **LOOKS[words],
    )
    if full_height:
        patch.set_transform(axes.get_xaxis_transform())
    axes.add_patch(patch)
