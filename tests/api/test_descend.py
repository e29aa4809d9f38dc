"""`descend` from Python."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from landscape_cli import LandscapeError, descend, plot, read


def bowl(x: Tensor) -> Tensor:
    return (x[0] - 1) ** 2 + 10 * (x[1] + 0.5) ** 2


def other(x: Tensor) -> Tensor:
    return (x**4).sum()


def test_a_function_of_ones_own_goes_where_the_formula_says(tmp_path: Path) -> None:
    start = np.array([[0.0, 0.0], [2.0, 1.0]])
    found = descend(bowl, start, optimizer=["gd", "newton"], lr=0.01, steps=3, out=tmp_path / "d.h5")
    path = found.paths["gd"].points
    x = start.copy()
    for step in range(4):
        np.testing.assert_allclose(path[:, step], x, rtol=1e-12)
        x = x - 0.01 * np.stack([2 * (x[:, 0] - 1), 20 * (x[:, 1] + 0.5)], axis=1)
    np.testing.assert_allclose(found.paths["newton"].points[:, 1], [[1.0, -0.5]] * 2, atol=1e-12)
    assert found.values is not None
    assert plot(read(tmp_path / "d.h5"), tmp_path / "p.png", kind="contour").axes
    assert (tmp_path / "p.png").is_file()
    assert plot(found, out=tmp_path / "p.html", kind="interactive").axes
    assert (tmp_path / "p.html").read_text().startswith("<!DOCTYPE html>")


def test_another_function_in_the_same_file_is_refused(tmp_path: Path) -> None:
    other.__name__ = "bowl"
    descend(bowl, [1.0, 2.0], steps=2, out=tmp_path / "d.h5")
    descend(bowl, [1.0, 2.0], steps=2, out=tmp_path / "d.h5")
    with pytest.raises(LandscapeError, match="descents on another function"):
        descend(other, [1.0, 2.0], steps=2, out=tmp_path / "d.h5")
    with pytest.raises(LandscapeError, match="from other starts"):
        descend(bowl, [1.0, 3.0], steps=2, out=tmp_path / "d.h5")
    with pytest.raises(LandscapeError, match="steps: saved 2, asked for 3"):
        descend(bowl, [1.0, 2.0], steps=3, out=tmp_path / "d.h5")


def test_named_functions_with_options(tmp_path: Path) -> None:
    options = {"name": "ravine", "condition": 10.0}
    found = descend(options, "grid:5", adam={"lr": 0.1}, optimizer="adam", steps=2, out=tmp_path / "d.h5")
    assert found.grid == (5, 5)
    step = found.paths["adam"].points[0, 1] - found.paths["adam"].points[0, 0]
    np.testing.assert_allclose(np.abs(step), 0.1, rtol=1e-6)


def test_the_picture_has_the_box_that_was_asked_for(tmp_path: Path) -> None:
    box = [(-2.0, 3.0), (-1.0, 1.0)]
    found = descend(bowl, [0.0, 0.0], steps=2, box=box, out=tmp_path / "d.h5")
    assert found.x is not None
    assert found.y is not None
    assert (found.x[0], found.x[-1], found.y[0], found.y[-1]) == (-2.0, 3.0, -1.0, 1.0)
    with pytest.raises(LandscapeError, match="holds other descents"):  # the box also sets Adam's step size
        descend(bowl, [0.0, 0.0], steps=2, box=[(-20.0, 20.0)] * 2, out=tmp_path / "d.h5")
    with pytest.raises(LandscapeError, match="holds other descents"):
        descend(bowl, [0.0, 0.0], steps=2, out=tmp_path / "d.h5")


def test_mistakes(tmp_path: Path) -> None:
    for call, told in (
        (lambda: descend("beal", out=tmp_path / "d.h5"), "no function 'beal'"),
        (lambda: descend(bowl, out=tmp_path / "d.h5"), "start must be a point"),
        (lambda: descend(bowl, "random:10", out=tmp_path / "d.h5"), "start must be a point"),
        (lambda: descend(bowl, [0, 0], box=[(0, 1)], out=tmp_path / "d.h5"), "box must have 2 pairs"),
        (lambda: descend(bowl, [0, 0], box=[(0, 1), 3], out=tmp_path / "d.h5"), "box must have 2 pairs"),
        (lambda: descend("beale", box=[(0, 1)] * 3, out=tmp_path / "d.h5"), "box must have 2 pairs"),
        (lambda: descend("beale", box=[(0, 1), (1, 0)], out=tmp_path / "d.h5"), "box must have 2 pairs"),
        (lambda: descend({"name": "custom"}, out=tmp_path / "d.h5"), "needs function.source="),
        (
            lambda: descend({"name": "custom", "file": "x"}, out=tmp_path / "d.h5"),
            "no function.custom option",
        ),
        (
            lambda: descend({"name": "matrix_factorization", "eigenvalues": 3}, out=tmp_path / "d.h5"),
            "function.eigenvalues must be a list of numbers",
        ),
        (lambda: descend(lambda x: x, [0.0, 0.0], out=tmp_path / "d.h5"), "one float64 number"),
        (lambda: descend(lambda x: torch.tensor(1.0), [0.0, 0.0], out=tmp_path / "d.h5"), "fails at|float64"),
        (lambda: descend(bowl, [0.0, 0.0], optimizer="x", out=tmp_path / "d.h5"), "no optimizer 'x'"),
        (lambda: descend(bowl, [0.0, 0.0], gd={"rate": 1}, out=tmp_path / "d.h5"), "no gd option 'rate'"),
    ):
        with pytest.raises(LandscapeError, match=told):
            call()
    assert not list(tmp_path.iterdir())
