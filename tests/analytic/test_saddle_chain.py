"""The chain of saddles: its pieces, its stationary points, and how long it holds a descent."""

import itertools
import math

import numpy as np
import pytest
import torch

from landscape_cli.analytic.catalogue import build
from landscape_cli.analytic.first_steps import first_steps
from landscape_cli.analytic.saddle_chain import saddle_chain
from landscape_cli.analytic.stationary import classify
from landscape_cli.errors import LandscapeError

RATIOS = [0.5, 1.0, 2.0]


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("border", [1.0, 2.0])
def test_pieces_join_with_two_derivatives(ratio: float, border: float) -> None:
    function = saddle_chain(3, ratio)
    for signs in itertools.product([-1.0, 1.0], repeat=3):
        at = border * torch.tensor([signs], dtype=torch.float64)
        inside, outside = at * (1 - 1e-9), at * (1 + 1e-9)
        for part in (function.value, function.gradient, function.hessian):
            torch.testing.assert_close(part(inside), part(outside), rtol=0, atol=1e-5)


def test_where_coordinates_have_left_those_behind_are_pulled_in() -> None:
    """On the way the function is a quadratic: of three coordinates one has left, the next one leaves."""
    function = saddle_chain(3, 2.0)
    nu = -function.lowest / 3 if function.lowest is not None else math.nan
    x, y, z = 3.0, 0.3, 0.1
    expected = (2 * (x - 4) ** 2 - nu) - y**2 + 2 * z**2
    assert float(function.value(torch.tensor([x, y, z], dtype=torch.float64))) == pytest.approx(expected)


def test_every_saddle_is_strict_and_the_corners_are_minima() -> None:
    function = saddle_chain(3)
    left = torch.tensor([[4.0 * (i < k) for i in range(3)] for k in range(4)], dtype=torch.float64)
    assert classify(function, left).names == ["strict saddle"] * 3 + ["minimum"]
    assert len(function.minima) == 8
    corners = torch.tensor(function.minima, dtype=torch.float64)
    assert classify(function, corners).names == ["minimum"] * 8
    assert function.value(corners).tolist() == pytest.approx([function.lowest] * 8)
    anywhere = 12 * torch.rand(1000, 3, generator=torch.Generator().manual_seed(1)).double() - 6
    assert function.lowest is not None
    assert float(function.value(anywhere).min()) > function.lowest


def test_a_saddle_more_takes_longer_by_the_factor_of_its_rates() -> None:
    factor = 1 + math.log(1 / (1 - 2 * 0.25)) / math.log(1 + 2 * 0.25)
    steps = [
        first_steps(
            saddle_chain(d),
            torch.full((1, d), 1e-3, dtype=torch.float64),
            "gd",
            {"lr": 0.25},
            lambda points: (points.abs() >= 3).all(-1),
            most=2000,
            seed=0,
        )[0]
        for d in (3, 4, 5)
    ]
    assert np.diff(steps)[1] / np.diff(steps)[0] == pytest.approx(factor, rel=0.05)


@pytest.mark.parametrize(
    ("options", "words"), [({"dimension": 1}, "at least 2"), ({"ratio": 0.0}, "positive number, got 0.0")]
)
def test_what_is_no_chain_is_refused(options: dict[str, float], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        build({"name": "saddle_chain", **options})
