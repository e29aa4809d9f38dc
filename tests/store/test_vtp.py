"""Files for ParaView, read back by XML alone: every point, every cell between finite points."""

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
from store.made import X, Y, create, fill
from store.test_export import walk

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.store.vtp import as_vtp

TYPES = {"Float64": np.float64, "Int64": np.int64}


def filled(path: Path, **known: object) -> store.Surface:
    create(path, **known)  # type: ignore[arg-type]
    with store.writing(path) as writer:
        fill(writer)
    return store.read(path)


def arrays_of(text: str) -> dict[str, np.ndarray]:
    """Return the arrays by "Polys/offsets" and so on, after what VTK asks of their sizes and of cells."""
    root = ElementTree.fromstring(text)
    assert (root.tag, root.attrib["type"]) == ("VTKFile", "PolyData")
    (piece,) = root.iterfind("PolyData/Piece")
    found = {}
    for parent in piece:
        for array in parent:
            assert (array.tag, array.attrib["format"]) == ("DataArray", "ascii")
            values = np.array((array.text or "").split(), TYPES[array.attrib["type"]])
            parts = int(array.attrib.get("NumberOfComponents", "1"))
            found[f"{parent.tag}/{array.attrib['Name']}"] = (
                values if parts == 1 else values.reshape(-1, parts)
            )
    points, heights = found["Points/Points"], found["PointData/zvalue"]
    assert int(piece.attrib["NumberOfPoints"]) == len(points)
    assert all(len(values) == len(points) for name, values in found.items() if "PointData" in name)
    np.testing.assert_array_equal(points[:, 2], heights)
    means = []  # of the cells as VTK counts them: the lines first
    for kind, corners in (("Lines", 2), ("Polys", 4)):
        count = int(piece.attrib[f"NumberOf{kind}"])
        np.testing.assert_array_equal(found[f"{kind}/offsets"], corners * np.arange(1, count + 1))
        found[f"{kind}/connectivity"] = found[f"{kind}/connectivity"].reshape(count, corners)
        means += [heights[cell].mean() for cell in found[f"{kind}/connectivity"]]
    np.testing.assert_allclose(found["CellData/averaged zvalue"], means, rtol=1e-15)
    return found


def test_a_plane_is_quadrilaterals(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5")
    arrays = arrays_of(as_vtp(surface))
    loss = surface.values["train/loss"]
    x, y = np.meshgrid(X, Y)
    expected = np.stack([x.ravel(), y.ravel(), loss.ravel()], -1)
    assert arrays["Points/Points"].tobytes() == expected.tobytes()
    for name, values in surface.values.items():
        assert arrays[f"PointData/{name}"].tobytes() == values.tobytes()
    quads = arrays["Polys/connectivity"]
    assert len(quads) == (len(X) - 1) * (len(Y) - 1)
    assert len(arrays["Lines/connectivity"]) == 0
    for quad in expected[quads]:  # around the cell: each side is along one axis
        steps = np.diff(np.vstack([quad, quad[:1]])[:, :2], axis=0)
        np.testing.assert_allclose(steps, [[0.5, 0], [0, 1], [-0.5, 0], [0, -1]])


def test_points_without_a_finite_height_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    filled(path)
    with h5py.File(path, "r+") as file:
        loss, other = file["train/loss"][...], file["test/loss"][...]
        loss[0, 0], loss[2, 2], other[3, 0] = np.inf, np.nan, np.nan
        file["train/loss"][...], file["test/loss"][...] = loss, other
    arrays = arrays_of(as_vtp(store.read(path)))
    assert np.isfinite(arrays["Points/Points"]).all()
    x, y = np.meshgrid(X, Y)
    np.testing.assert_array_equal(arrays["Points/Points"][:, 0], x[np.isfinite(loss)])
    np.testing.assert_array_equal(arrays["Points/Points"][:, 1], y[np.isfinite(loss)])
    corners = arrays["Points/Points"][arrays["Polys/connectivity"]]
    assert len(corners) == 12 - 1 - 4
    assert np.ptp(corners[:, :, 0], axis=1).max() == 0.5  # no cell reaches over a hole
    assert "PointData/test/loss" not in arrays  # it is not known at one of the points
    assert "PointData/train/accuracy" in arrays


def test_a_line_is_segments(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5", y=None)
    arrays = arrays_of(as_vtp(surface))
    np.testing.assert_array_equal(arrays["Points/Points"][:, 1], 0)
    np.testing.assert_array_equal(arrays["Lines/connectivity"], [[0, 1], [1, 2], [2, 3], [3, 4]])
    np.testing.assert_array_equal(arrays["PointData/zvalue"], surface.values["train/loss"])
    assert len(arrays["Polys/connectivity"]) == 0


def test_a_path_is_segments_after_the_plane(tmp_path: Path) -> None:
    surface = replace(filled(tmp_path / "s.h5"), trajectory=walk())
    arrays = arrays_of(as_vtp(surface))
    expected = np.stack([walk().x, walk().y, walk().train_loss], -1)
    np.testing.assert_array_equal(arrays["Points/Points"][20:], expected)
    np.testing.assert_array_equal(arrays["Lines/connectivity"], [[20, 21], [21, 22], [22, 23]])
    assert len(arrays["Polys/connectivity"]) == 12
    assert arrays["Polys/connectivity"].max() == 19
    np.testing.assert_array_equal(arrays["PointData/train/accuracy"][20:], walk().train_accuracy)
    assert "PointData/test/loss" not in arrays  # not finite along the path
    test = {name: array for name, array in surface.values.items() if name.startswith("test/")}
    heights = arrays_of(as_vtp(replace(surface, values=test)))["PointData/zvalue"][20:]
    np.testing.assert_array_equal(heights, [1.0, 0.1])


def test_of_a_map_of_the_hessian_the_largest_eigenvalue_is_the_height(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5")
    loss = surface.values["train/loss"]
    eigenvalues = {"train/smallest_eigenvalue": -loss, "train/largest_eigenvalue": loss}
    arrays = arrays_of(as_vtp(replace(surface, values=eigenvalues)))
    np.testing.assert_array_equal(arrays["PointData/zvalue"], loss.ravel())
    with pytest.raises(LandscapeError, match=r"s\.h5 has none of train/loss, .*; choose format=csv or npz"):
        as_vtp(replace(surface, values={"train/accuracy": loss}))
