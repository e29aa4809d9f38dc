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


def pieces(text: str) -> list[dict[str, np.ndarray]]:
    """Return the arrays of each piece by "Polys/offsets" and so on, after what VTK asks of it."""
    root = ElementTree.fromstring(text)
    assert (root.tag, root.attrib["type"]) == ("VTKFile", "PolyData")
    found = []
    for piece in root.iterfind("PolyData/Piece"):
        arrays = {}
        for array in piece.iter("DataArray"):
            parent = next(group for group in piece if array in list(group))
            assert array.attrib["format"] == "ascii"
            values = np.array((array.text or "").split(), TYPES[array.attrib["type"]])
            components = int(array.attrib.get("NumberOfComponents", "1"))
            arrays[f"{parent.tag}/{array.attrib['Name']}"] = values.reshape(-1, components).squeeze()
        points, cells = arrays["Points/Points"], next(arrays[k] for k in arrays if k.endswith("offsets"))
        kind = next(key.partition("/")[0] for key in arrays if key.endswith("offsets"))
        assert int(piece.attrib["NumberOfPoints"]) == len(points)
        assert int(piece.attrib[f"NumberOf{kind}"]) == len(cells)
        assert all(len(values) == len(points) for name, values in arrays.items() if "PointData" in name)
        found.append(arrays)
    return found


def test_a_plane_is_quadrilaterals(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5")
    (arrays,) = pieces(as_vtp(surface))
    loss = surface.values["train/loss"]
    x, y = np.meshgrid(X, Y)
    expected = np.stack([x.ravel(), y.ravel(), loss.ravel()], -1)
    assert arrays["Points/Points"].tobytes() == expected.tobytes()
    assert arrays["PointData/zvalue"].tobytes() == loss.tobytes()
    for name, values in surface.values.items():
        assert arrays[f"PointData/{name}"].tobytes() == values.tobytes()
    quads = arrays["Polys/connectivity"].reshape(-1, 4)
    assert len(quads) == (len(X) - 1) * (len(Y) - 1)
    np.testing.assert_array_equal(arrays["Polys/offsets"], 4 * np.arange(1, len(quads) + 1))
    for quad in expected[quads]:  # around the cell: each side is along one axis
        steps = np.diff(np.vstack([quad, quad[:1]])[:, :2], axis=0)
        np.testing.assert_allclose(np.abs(steps), [[0.5, 0], [0, 1], [0.5, 0], [0, 1]])
        assert np.linalg.det(steps[:2]) > 0
    np.testing.assert_allclose(arrays["CellData/averaged zvalue"], loss.ravel()[quads].mean(axis=1))


def test_points_without_a_finite_height_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "s.h5"
    filled(path)
    with h5py.File(path, "r+") as file:
        loss, other = file["train/loss"][...], file["test/loss"][...]
        loss[0, 0], loss[2, 2], other[3, 0] = np.inf, np.nan, np.nan
        file["train/loss"][...], file["test/loss"][...] = loss, other
    (arrays,) = pieces(as_vtp(store.read(path)))
    assert len(arrays["Points/Points"]) == 18
    assert np.isfinite(arrays["Points/Points"]).all()
    assert len(arrays["Polys/offsets"]) == 12 - 1 - 4
    assert arrays["Polys/connectivity"].max() == 17
    assert "PointData/test/loss" not in arrays  # it is not known at one of the points
    assert "PointData/train/accuracy" in arrays


def test_a_line_is_segments(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5", y=None)
    (arrays,) = pieces(as_vtp(surface))
    np.testing.assert_array_equal(arrays["Points/Points"][:, 1], 0)
    np.testing.assert_array_equal(arrays["Lines/connectivity"], [0, 1, 1, 2, 2, 3, 3, 4])
    np.testing.assert_array_equal(arrays["Points/Points"][:, 2], surface.values["train/loss"])


def test_a_path_is_a_second_piece_with_the_same_arrays(tmp_path: Path) -> None:
    surface = replace(filled(tmp_path / "s.h5"), trajectory=walk())
    plane, path = pieces(as_vtp(surface))
    names = [[name for name in piece if "PointData" in name] for piece in (plane, path)]
    assert names[0] == names[1]
    assert {"PointData/zvalue", "PointData/train/loss", "PointData/train/accuracy"} <= set(names[0])
    assert "PointData/test/loss" not in names[0]  # not finite along the path
    expected = np.stack([walk().x, walk().y, walk().train_loss], -1)
    kept = np.isfinite(expected[:, 2])
    np.testing.assert_array_equal(path["Points/Points"], expected[kept])
    assert len(path["Lines/offsets"]) == kept.sum() - 1


def test_of_a_map_of_the_hessian_the_largest_eigenvalue_is_the_height(tmp_path: Path) -> None:
    surface = filled(tmp_path / "s.h5")
    loss = surface.values["train/loss"]
    eigenvalues = {"train/smallest_eigenvalue": -loss, "train/largest_eigenvalue": loss}
    (arrays,) = pieces(as_vtp(replace(surface, values=eigenvalues)))
    np.testing.assert_array_equal(arrays["PointData/zvalue"], loss.ravel())
    with pytest.raises(LandscapeError, match=r"s\.h5 has none of train/loss, .*; choose format=csv or npz"):
        as_vtp(replace(surface, values={"train/accuracy": loss}))
