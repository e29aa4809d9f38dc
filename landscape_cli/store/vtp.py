"""A surface as heights over a plane, for ParaView: VTK's XML PolyData, in ASCII. Never imports torch."""

from collections.abc import Mapping
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.store.surface import Surface
from landscape_cli.store.trajectory import RECORDED, Trajectory

HEIGHTS = ("train/loss", "test/loss", "train/largest_eigenvalue", "test/largest_eigenvalue")


def as_vtp(surface: Surface) -> str:
    """Return a plane as quadrilaterals, a line as segments; both over (x, y), y = 0 on a line.

    The height, and ``zvalue`` of the points, is the first value of `HEIGHTS` that there is; ``averaged
    zvalue`` of the cells its mean over their corners, both as in the files of Goldstein's tools. Further
    values are arrays of the points by their names, ``train/accuracy``. Points whose height is not finite are
    left out, and the cells that they are corners of. The checkpoints of a trajectory are a second piece of
    segments: their heights are the losses that training recorded, not those of the plane below them.

    Raises:
        LandscapeError: the file has none of `HEIGHTS`.
    """
    height = next((name for name in HEIGHTS if name in surface.values), None)
    if height is None:
        raise LandscapeError(
            f"{surface.path} has none of {', '.join(HEIGHTS)} to draw; choose format=csv or npz"
        )
    z = surface.values[height]
    kept = np.isfinite(z)
    others = {name: array[kept] for name, array in surface.values.items() if np.isfinite(array[kept]).all()}
    path = None if surface.trajectory is None else _recorded(surface.trajectory, height)
    if path is not None:  # the pieces of a file must have the same arrays
        shared = [name for name in others if name in path[1]]
        others, path = (
            {name: others[name] for name in shared},
            (path[0], {name: path[1][name] for name in shared}),
        )
    numbers = np.cumsum(kept.ravel()).reshape(kept.shape) - 1
    if surface.y is None:
        cells = _whole(np.stack([numbers[:-1], numbers[1:]], -1), np.stack([kept[:-1], kept[1:]], -1))
        places = [surface.x, np.zeros(len(surface.x))]
    else:
        cells = _whole(_corners(numbers), _corners(kept))
        places = list(np.meshgrid(surface.x, surface.y))
    points = np.stack([*(place[kept] for place in places), z[kept]], -1)
    root = ElementTree.Element("VTKFile", type="PolyData", version="1.0", byte_order="LittleEndian")
    data = ElementTree.SubElement(root, "PolyData")
    _piece(data, points, cells, others)
    if path is not None:
        following = np.arange(len(path[0]))
        _piece(data, path[0], np.stack([following[:-1], following[1:]], -1), path[1])
    ElementTree.indent(root)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _recorded(path: Trajectory, height: str) -> tuple[Array, dict[str, Array]]:
    """Return the points (n, 3) of a path where its height is finite, and what was recorded there."""
    arrays = {name.replace("_", "/"): np.asarray(getattr(path, name)) for name in RECORDED}
    kept = np.isfinite(arrays[height])
    points = np.stack([path.x, path.y, arrays[height]], -1)[kept]
    return points, {name: array[kept] for name, array in arrays.items() if np.isfinite(array[kept]).all()}


def _corners(grid: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the corners (ny - 1, nx - 1, 4) of each cell of a grid (ny, nx), in turn around it."""
    return np.stack([grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]], -1)


def _whole(cells: NDArray[np.generic], kept: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return the cells (n, corners) all of whose corners are kept."""
    corners = cells.shape[-1]
    return cells.reshape(-1, corners)[kept.reshape(-1, corners).all(axis=1)]


def _piece(
    data: ElementTree.Element, points: Array, cells: NDArray[np.generic], arrays: Mapping[str, Array]
) -> None:
    """Add points (n, 3) and the cells (m, corners) between them: segments of two, polygons of more."""
    kind = "Lines" if cells.shape[1] == 2 else "Polys"
    counts = {"NumberOfPoints": len(points), f"NumberOf{kind}": len(cells)}
    piece = ElementTree.SubElement(data, "Piece", {name: str(count) for name, count in counts.items()})
    heights = points[:, 2]
    of_points = ElementTree.SubElement(piece, "PointData", Scalars="zvalue")
    for name, array in {"zvalue": heights, **arrays}.items():
        _array(of_points, name, array)
    of_cells = ElementTree.SubElement(piece, "CellData", Scalars="averaged zvalue")
    _array(of_cells, "averaged zvalue", heights[cells].mean(axis=1))
    _array(ElementTree.SubElement(piece, "Points"), "Points", points)
    between = ElementTree.SubElement(piece, kind)
    _array(between, "connectivity", cells)
    _array(between, "offsets", cells.shape[1] * np.arange(1, len(cells) + 1))


def _array(parent: ElementTree.Element, name: str, values: NDArray[np.generic]) -> None:
    """Add numbers that read back to the same: a line each, or for each of their rows."""
    told = {"type": "Float64" if values.dtype == np.float64 else "Int64", "Name": name, "format": "ascii"}
    if name == "Points":
        told["NumberOfComponents"] = "3"
    rows = values.reshape(len(values), -1).tolist()
    ElementTree.SubElement(parent, "DataArray", told).text = "\n".join(
        ["", *(" ".join(map(repr, row)) for row in rows), ""]
    )
