"""Exported tables and arrays read back to the stored numbers, to the bit."""

import csv
import io
import math
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from store.made import create, fill

from landscape_cli import store
from landscape_cli.errors import LandscapeError
from landscape_cli.schemas import files
from landscape_cli.store.export import FORMATS, as_csv, as_goldstein, as_npz, eigenvalues_as_csv, path_as_csv
from landscape_cli.store.spectrum import Spectra
from landscape_cli.store.trajectory import ALONG, Trajectory

AWKWARD = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, math.inf, -0.0]


@pytest.mark.parametrize("line", [False, True])
def test_every_number_of_every_point(tmp_path: Path, line: bool) -> None:
    path = create(tmp_path / "s.h5", y=None) if line else create(tmp_path / "s.h5")
    empty = store.read(path)
    points = list(np.ndindex(empty.evaluated.shape))[:-2]  # the last two are not evaluated yet
    with store.writing(path) as writer:
        for number, index in enumerate(points):
            values = {name: AWKWARD[(number + k) % 6] for k, name in enumerate(empty.values)}
            writer.write_point(index, values)
    surface = store.read(path)
    rows = list(csv.DictReader(io.StringIO(as_csv(surface))))
    axes = ["x"] if line else ["x", "y"]
    assert list(rows[0]) == [*axes, "evaluated", *surface.values]
    assert len(rows) == surface.evaluated.size
    for row, index in zip(rows, np.ndindex(surface.evaluated.shape), strict=True):
        assert float(row["x"]) == surface.x[index[-1]]
        assert line or float(row["y"]) == surface.y[index[0]]  # type: ignore[index]
        assert row["evaluated"] == str(int(surface.evaluated[index]))
        for name, values in surface.values.items():
            if math.isnan(values[index]):
                assert row[name] == ""
            else:
                assert np.float64(row[name]).tobytes() == values[index].tobytes()
    assert sum(row["train/loss"] == "" for row in rows) == 2


def test_the_command_offers_every_format() -> None:
    assert list(FORMATS) == list(files.FORMATS)


def walk() -> Trajectory:
    """A path of four checkpoints; its columns are all different."""
    names = [field.name for field in fields(Trajectory) if field.name not in ALONG]
    columns = {name: np.array(AWKWARD[:4]) + k for k, name in enumerate(names)}
    along = {place: {"train_loss": np.array(AWKWARD[:4]) - k} for k, place in enumerate(ALONG, start=1)}
    ratios = {"random_plane_ratio": 0.001, "explained_variance_ratio": np.array([0.7, 0.2, 0.1])}
    nan = np.array([np.nan, 1.0, np.inf, 0.1])
    return Trajectory(**{**columns, **ratios, "epoch": np.array([0, 1, 5, 20]), "test_loss": nan, **along})


def test_every_checkpoint_of_a_path(tmp_path: Path) -> None:
    surface = replace(store.read(create(tmp_path / "s.h5")), trajectory=walk())
    rows = list(csv.DictReader(io.StringIO(path_as_csv(surface))))
    recorded = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
    assert list(rows[0]) == ["epoch", "x", "y", "distance", *recorded, "path_train_loss", "plane_train_loss"]
    assert [row["epoch"] for row in rows] == ["0", "1", "5", "20"]
    for k, place in enumerate(ALONG, start=1):
        assert [float(row[f"{place}_train_loss"]) for row in rows] == (np.array(AWKWARD[:4]) - k).tolist()
    assert [row["test_loss"] for row in rows] == ["", "1.0", "inf", "0.1"]
    for name in ("x", "y", "distance", "train_loss", "train_accuracy", "test_accuracy"):
        assert np.array([float(row[name]) for row in rows]).tobytes() == getattr(walk(), name).tobytes()
    with pytest.raises(LandscapeError, match=r"s\.h5 has no path; format=path is for .*trajectory"):
        path_as_csv(store.read(tmp_path / "s.h5"))


@pytest.mark.parametrize("line", [False, True])
def test_every_array_by_its_name(tmp_path: Path, line: bool) -> None:
    path = create(tmp_path / "s.h5", y=None) if line else create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        fill(writer)
    surface = store.read(path) if line else replace(store.read(path), trajectory=walk())
    with np.load(io.BytesIO(as_npz(surface)), allow_pickle=False) as arrays:
        expected = {"x": surface.x, **surface.values, "interpolation_error": surface.interpolation_error}
        expected |= {} if line else {"y": surface.y, **walk().datasets()}
        assert set(arrays) == {*expected, "evaluated"}
        for name, values in expected.items():
            assert arrays[name].tobytes() == values.tobytes()
            assert arrays[name].shape == values.shape
        assert arrays["evaluated"].all()


@pytest.mark.parametrize("layers", [None, ["a", "b"]])
def test_every_eigenvalue_of_a_spectrum(tmp_path: Path, layers: list[str] | None) -> None:
    surface = store.read(create(tmp_path / "s.h5"))
    points = len(surface.x) * (1 if layers is None else len(layers))
    values = np.arange(2.0 * points).reshape(points, 2) / 3
    values[-1, 1] = np.nan  # of a block with fewer weights
    none = np.zeros((points, 0, 0))
    sizes = [9] * (points // len(surface.x))
    spectra = Spectra("hessian", False, layers, sizes, values, values / 7, none, none)
    of_spectrum = replace(surface, spectrum=spectra)
    rows = list(csv.DictReader(io.StringIO(eigenvalues_as_csv(of_spectrum))))
    assert len(rows) == 2 * points - 1
    for row, place in zip(rows, np.ndindex(points, 2), strict=False):
        assert float(row["epoch"]) == surface.x[place[0] % len(surface.x)]
        assert float(row["eigenvalue"]) == values[place]
        assert float(row["residual"]) == values[place] / 7
        if layers is not None:
            assert row["layer"] == layers[place[0] // len(surface.x)]


def test_a_spectrum_is_no_surface_and_a_surface_no_spectrum(tmp_path: Path) -> None:
    surface = store.read(create(tmp_path / "s.h5"))
    with pytest.raises(LandscapeError, match=r"s\.h5 has no eigenvalues; format=eigenvalues is for"):
        eigenvalues_as_csv(surface)
    none = np.zeros((len(surface.x), 0))
    of_spectrum = replace(
        surface, spectrum=Spectra("ggn", False, None, [9], none, none, none[..., None], none[..., None])
    )
    for name in ("vtp", "tg"):
        with pytest.raises(LandscapeError, match="is a spectrum, no surface; choose format=eigenvalues"):
            FORMATS[name](of_spectrum)


def test_what_goldsteins_files_have_no_place_for_is_refused(tmp_path: Path) -> None:
    surface = store.read(create(tmp_path / "s.h5"))
    other = replace(surface, values={"test/largest_eigenvalue": surface.values["train/loss"]})
    with pytest.raises(
        LandscapeError, match=r"s\.h5 holds test/largest_eigenvalue, .*; choose format=csv or npz"
    ):
        as_goldstein(other)
