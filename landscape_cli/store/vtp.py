"""A surface as heights over a plane, for ParaView: VTK's XML PolyData, in ASCII. Never imports torch."""

from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.store.surface import Surface
from landscape_cli.store.trajectory import RECORDED, Trajectory

Cells = NDArray[Any]  # (n, corners): numbers of points
HEIGHTS = ("train/loss", "test/loss", "train/largest_eigenvalue", "test/largest_eigenvalue")


def as_vtp(surface: Surface) -> str:
    """Return a plane as quadrilaterals, a line as segments, both over (x, y); y = 0 on a line.

    The height, and ``zvalue`` of the points, is the first value of `HEIGHTS` that there is; ``averaged
    zvalue`` of the cells its mean over their corners, both as in the files of Goldstein's tools. Further
    values are arrays of the points by their names, such as ``train/accuracy``, where they are finite at all
    points. Points whose height is not finite are left out, and the cells that they are corners of. The path
    of a trajectory is segments: its heights are what training recorded, not those of the plane below it.

    Raises:
        LandscapeError: the file has none of `HEIGHTS`.
    """
    height = next((name for name in HEIGHTS if name in surface.values), None)
    if height is None:
        raise LandscapeError(
            f"{surface.path} has none of {', '.join(HEIGHTS)} to draw; choose format=csv or npz"
        )
    kept = np.isfinite(surface.values[height])
    numbers = np.cumsum(kept.ravel()).reshape(kept.shape) - 1
    lines, quads = np.empty((0, 2), np.int64), np.empty((0, 4), np.int64)
    if surface.y is None:
        lines = _whole([numbers[:-1], numbers[1:]], [kept[:-1], kept[1:]])
        places = [surface.x, np.zeros(len(surface.x))]
    else:
        quads = _whole(_corners(numbers), _corners(kept))
        places = list(np.meshgrid(surface.x, surface.y))
    points = np.stack([place[kept] for place in places], -1)
    arrays = {name: array[kept] for name, array in surface.values.items()}
    if surface.trajectory is not None:
        path, recorded = _recorded(surface.trajectory, height)
        following = len(points) + np.arange(len(path))
        lines, points = np.stack([following[:-1], following[1:]], -1), np.concatenate([points, path])
        arrays = {name: np.concatenate([arrays[name], recorded[name]]) for name in recorded if name in arrays}
    return _poly_data(points, lines, quads, {"zvalue": arrays[height], **arrays})


def _recorded(path: Trajectory, height: str) -> tuple[Array, dict[str, Array]]:
    """Return the points (n, 2) of a path where its height is finite, and what was recorded there."""
    arrays = {name.replace("_", "/"): getattr(path, name) for name in RECORDED}
    kept = np.isfinite(arrays[height])
    points = np.stack([path.x, path.y], -1)
    return points[kept], {name: array[kept] for name, array in arrays.items()}


def _corners(grid: NDArray[Any]) -> list[NDArray[Any]]:
    """Return the four corners of each cell of a grid (ny, nx), in turn around it, each (ny - 1, nx - 1)."""
    return [grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]]


def _whole(corners: list[NDArray[Any]], kept: list[NDArray[Any]]) -> Cells:
    """Return the cells all of whose corners are kept."""
    return np.stack(corners, -1)[np.all(kept, axis=0)]


def _poly_data(points: Array, lines: Cells, quads: Cells, arrays: dict[str, Array]) -> str:
    """Return the file of points (n, 2) at the height ``zvalue``, in one piece; VTK counts lines first."""
    root = ElementTree.Element("VTKFile", type="PolyData", version="1.0", byte_order="LittleEndian")
    data, z = ElementTree.SubElement(root, "PolyData"), arrays["zvalue"]
    counts = {"NumberOfPoints": len(points), "NumberOfLines": len(lines), "NumberOfPolys": len(quads)}
    piece = ElementTree.SubElement(data, "Piece", {name: str(count) for name, count in counts.items()})
    of_points = ElementTree.SubElement(piece, "PointData", Scalars="zvalue")
    for name, values in arrays.items():
        if np.isfinite(values).all():
            _array(of_points, name, values)
    of_cells = ElementTree.SubElement(piece, "CellData", Scalars="averaged zvalue")
    _array(of_cells, "averaged zvalue", np.concatenate([z[lines].mean(axis=1), z[quads].mean(axis=1)]))
    _array(ElementTree.SubElement(piece, "Points"), "Points", np.column_stack([points, z]))
    for kind, cells in (("Lines", lines), ("Polys", quads)):
        between = ElementTree.SubElement(piece, kind)
        _array(between, "connectivity", cells)
        _array(between, "offsets", cells.shape[1] * np.arange(1, len(cells) + 1))
    ElementTree.indent(root)
    return f'<?xml version="1.0"?>\n{ElementTree.tostring(root, encoding="unicode")}\n'


def _array(parent: ElementTree.Element, name: str, values: NDArray[Any]) -> None:
    """Add numbers that read back to the same: a line each, or for each of their rows."""
    told = {"type": "Float64" if values.dtype == np.float64 else "Int64", "Name": name, "format": "ascii"}
    if name == "Points":
        told["NumberOfComponents"] = "3"
    rows = (row if isinstance(row, list) else [row] for row in values.tolist())
    text = "\n".join(" ".join(map(repr, row)) for row in rows)
    ElementTree.SubElement(parent, "DataArray", told).text = f"\n{text}\n"
