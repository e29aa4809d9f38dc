"""Chains of layers: gradients by products of matrices, and claims that other chains refute."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.phenomena import depth
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "vanishing-exploding-gradients"
FORMULA, SLIDE, LINEAR, GROWING, TANH, VANISHED, VANISHED_TANH, EXPLODED, SATURATED = range(9)
SMALLER, SMALLER_TANH, LARGER, SIGMOID, BY_WEIGHTS, RESIDUAL, BATCHNORM, HE = range(9, 17)


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs())


def one(**settings: Any) -> list[Measured]:
    """Return what one seed gives, three times."""
    return measure(NAME, labs(1), **{"width": 32, "samples": 32, **settings}) * 3


def failing(found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(NAME, found)) if verdict == "fails"}


def test_all_holds_but_that_tanh_explodes(found: list[Measured]) -> None:
    assert failing(found) == {SATURATED}
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [4, 4]


def test_a_linear_chain_changes_gradients_by_s_a_layer(found: list[Measured]) -> None:
    (seed, *_) = found
    expected = 0.5 ** np.arange(20)[::-1]
    sizes = seed["gradient"]["linear, s = 0.5"]
    np.testing.assert_allclose(sizes / sizes[-1], expected)
    assert seed["ratio"]["linear, s = 1.5"] == pytest.approx(1.5**19)


def test_tanh_explodes_while_signals_are_small(monkeypatch: pytest.MonkeyPatch) -> None:
    class Small(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.tanh(1e-6 * x) * 1e6

    monkeypatch.setattr(depth.nn, "Tanh", Small)
    assert SATURATED not in failing(one())


@pytest.mark.parametrize(
    ("cures", "layers", "failed"),
    [
        ({name: depth.plain(nn.ReLU) for name in depth.CURES}, 20, {RESIDUAL, BATCHNORM}),
        (depth.CURES, 8, {VANISHED, VANISHED_TANH, EXPLODED}),
    ],
)
def test_other_chains_refute(
    monkeypatch: pytest.MonkeyPatch, cures: dict[str, depth.Layer], layers: int, failed: set[int]
) -> None:
    monkeypatch.setattr(depth, "CURES", cures)
    assert failing(one(layers=layers)) - {SATURATED} == failed


def test_a_formula_that_is_off_and_a_slide_that_is_right_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = depth._off_formula
    monkeypatch.setattr(
        depth, "_off_formula", lambda *chain, as_written=False: right(*chain, as_written=not as_written)
    )
    assert failing(one()) - {SATURATED} == {FORMULA, SLIDE}


def test_matrices_that_are_not_orthogonal_refute(monkeypatch: pytest.MonkeyPatch) -> None:
    def gaussian(weight: torch.Tensor, gain: float, generator: torch.Generator) -> None:
        nn.init.normal_(weight, std=0.8 * gain / math.sqrt(len(weight)), generator=generator)

    monkeypatch.setattr(depth.nn.init, "orthogonal_", gaussian)
    assert failing(one()) >= {LINEAR, GROWING, TANH, EXPLODED, BY_WEIGHTS}


def test_steep_sigmoids_and_wrong_variances_refute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth.nn, "Sigmoid", nn.Tanh)
    right = nn.init.kaiming_normal_

    def smaller(weight: torch.Tensor, **options: Any) -> None:
        right(weight, **options)
        with torch.no_grad():
            weight.mul_(0.5)

    monkeypatch.setattr(depth.nn.init, "kaiming_normal_", smaller)
    assert failing(one()) >= {SIGMOID, HE}


@pytest.mark.parametrize(("gain", "failed"), [(1.1, {SMALLER, SMALLER_TANH}), (0.9, {LARGER})])
def test_other_gains_refute(monkeypatch: pytest.MonkeyPatch, gain: float, failed: set[int]) -> None:
    right = depth._linear
    monkeypatch.setattr(depth, "_linear", lambda width, s, random: right(width, gain, random))
    assert failing(one()) >= failed


def test_the_formula_by_hand() -> None:
    """Of three layers of one unit: dJ/dw_2 = w_3 w_1 x v, and as written w_3 w_3 x v."""
    chain = [nn.Linear(1, 1, bias=False).double() for _ in range(3)]
    for layer, weight in zip(chain, (2.0, 3.0, 5.0), strict=True):
        nn.init.constant_(layer.weight, weight)
    x, v = torch.tensor([7.0]).double(), torch.tensor([11.0]).double()
    assert depth._off_formula(chain, x, v) == 0
    assert depth._off_formula(chain, x, v, as_written=True) == pytest.approx(5 / 2 - 1)
