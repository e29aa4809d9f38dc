"""A surface file, read: arrays, directions, and what cannot be read."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from store.made import X, Y, create, fill

from landscape_cli import store
from landscape_cli.errors import LandscapeError


def test_arrays_are_y_x(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    with store.writing(path) as writer:
        fill(writer)
    surface = store.read(path)
    assert surface.evaluated.all()
    np.testing.assert_allclose(surface.values["train/loss"], 100 * X[None, :] + Y[:, None])
    np.testing.assert_allclose(surface.values["test/loss"], 100 * X[None, :] + Y[:, None] + 0.25)


def test_a_line_is_one_dimensional(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5", y=None)
    with store.writing(path) as writer:
        fill(writer)
    surface = store.read(path)
    assert surface.y is None
    np.testing.assert_allclose(surface.values["train/loss"], 100 * X)


def test_the_directions_are_read_as_they_were_written(tmp_path: Path) -> None:
    path = create(tmp_path / "s.h5")
    found = store.directions(path)
    assert list(found) == ["x", "y"]
    assert list(found["x"]) == list(found["y"]) == ["0.weight"]
    assert found["x"]["0.weight"].dtype == np.float32
    np.testing.assert_array_equal(found["x"]["0.weight"], np.ones((2, 3)))
    np.testing.assert_array_equal(found["y"]["0.weight"], np.zeros((2, 3)))
    assert list(store.directions(create(tmp_path / "line.h5", y=None))) == ["x"]


def test_a_direction_keeps_every_name_and_shape(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    shapes = {"b": (), "a.weight": (2, 1, 3), "a.bias": (4,), "one/of/a/kind": (2, 2)}
    direction = {name: rng.random(shape).astype(np.float32) for name, shape in shapes.items()}
    found = store.directions(create(tmp_path / "s.h5", y=None, directions={"x": direction}))["x"]
    assert list(found) == sorted(shapes)
    for name, array in direction.items():
        np.testing.assert_array_equal(found[name], array)


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["train_loss"] = np.zeros((3, 3))


def truncated(path: Path) -> None:
    content = create(path).read_bytes()
    path.write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no file"),
        (foreign, "is not a surface of landscape"),
        (truncated, "cannot be read as HDF5"),
        (lambda path: path.write_text("x,y,loss"), "cannot be read as HDF5"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(tmp_path: Path, make: object, words: str) -> None:
    path = tmp_path / "s.h5"
    make(path)  # type: ignore[operator]
    with pytest.raises(LandscapeError, match=words):
        store.read(path)
