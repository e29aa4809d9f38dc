"""Smoothed functions against closed forms and sums over fine grids."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.analytic.quadratics import quadratic
from landscape_cli.analytic.smoothing import smoothed
from landscape_cli.analytic.surfaces2d import rastrigin
from landscape_cli.errors import LandscapeError

X = torch.linspace(-2.0, 2.0, 41, dtype=torch.float64)[:, None]


def wave(k: float) -> Function:
    return differentiated(lambda x: torch.cos(k * x).sum(-1), ((-2.0, 2.0),), (1.0,), 0.1)


@pytest.mark.parametrize("width", [0.1, 0.5, 1.0])
def test_a_cosine_shrinks_by_the_variance_lambda_squared_over_two(width: float) -> None:
    k = 2 * math.pi
    found = smoothed(wave(k), width)
    torch.testing.assert_close(
        found.value(X), math.exp(-(k**2) * width**2 / 4) * torch.cos(k * X[:, 0]), rtol=0, atol=1e-12
    )


def test_a_quadratic_is_lifted_by_half_the_trace_times_the_variance() -> None:
    bowl = quadratic(torch.tensor([3.0, 7.0]))
    points = torch.randn(5, 2, dtype=torch.float64)
    torch.testing.assert_close(smoothed(bowl, 0.6).value(points), bowl.value(points) + 10 / 2 * 0.36 / 2)


@pytest.mark.parametrize("temperature", [0.5, 2.0, 1e6])
def test_the_effective_energy_of_a_quadratic_has_its_closed_form(temperature: float) -> None:
    """-T log E exp(-h (x + r)^2 / 2T), r of variance v: T/2 log(1 + h v / T) + h x^2 / 2 / (1 + h v / T)."""
    h, width = 3.0, 0.5
    more = h * width**2 / 2 / temperature
    found = smoothed(quadratic(torch.tensor([h])), width, temperature)
    expected = temperature / 2 * math.log1p(more) + h * X[:, 0] ** 2 / 2 / (1 + more)
    torch.testing.assert_close(found.value(X), expected, rtol=1e-8, atol=1e-9)


def summed(function: Function, at: Tensor, width: float, temperature: float) -> float:
    """By the rule of rectangles, node by node."""
    r = np.linspace(-8 * width, 8 * width, 20001)
    kernel = np.exp(-((r / width) ** 2)) / math.sqrt(math.pi) / width * (r[1] - r[0])
    values = function.value(at + torch.from_numpy(r)[:, None]).numpy()
    if math.isinf(temperature):
        return float((kernel * values).sum())
    return float(
        -temperature * np.log((kernel * np.exp(-(values - values.min()) / temperature)).sum()) + values.min()
    )


@pytest.mark.parametrize(("temperature", "nodes"), [(math.inf, 64), (20.0, 100)])
def test_rastrigin_is_the_sum_over_a_fine_grid(temperature: float, nodes: int) -> None:
    function = rastrigin(1)
    found = smoothed(function, 0.4, temperature, nodes)
    for at in X[::10]:
        assert found.value(at).item() == pytest.approx(summed(function, at, 0.4, temperature), rel=1e-7)


@pytest.mark.parametrize("temperature", [math.inf, 15.0])
def test_derivatives_are_those_of_automatic_differentiation(temperature: float) -> None:
    found = smoothed(rastrigin(2), 0.3, temperature, 24)
    points = torch.rand(4, 2, dtype=torch.float64) * 4 - 2
    twin = differentiated(found.value, found.box, found.start, found.lr)
    torch.testing.assert_close(found.gradient(points), twin.gradient(points), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(found.hessian(points), twin.hessian(points))


def test_without_a_width_it_is_the_function_and_mistakes_are_refused() -> None:
    function = rastrigin(1)
    assert smoothed(function, 0.0) is function
    with pytest.raises(LandscapeError, match="width must be a finite number of zero or more, got -1"):
        smoothed(function, -1.0)
    with pytest.raises(LandscapeError, match="temperature must be a positive number, got 0"):
        smoothed(function, 1.0, 0.0)
