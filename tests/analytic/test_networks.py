"""Losses of small networks, sample by sample; the least value of linear ones; a bad minimum."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.analytic.networks import (
    linear_chain,
    linear_minimum,
    linear_network,
    quadratic_network,
    relu_network,
)
from landscape_cli.analytic.stationary import classify
from landscape_cli.errors import LandscapeError

RANDOM = torch.Generator().manual_seed(1)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=RANDOM, dtype=torch.float64)


@pytest.mark.parametrize("depth", [2, 3, 4])
def test_a_chain(depth: int) -> None:
    function, points = linear_chain(depth), normal(5, depth)
    expected = [(math.prod(point) - 1) ** 2 / 2 for point in points.tolist()]
    assert function.value(points).tolist() == pytest.approx(expected)
    assert_gradient(function, points)
    origin = torch.zeros(1, depth, dtype=torch.float64)
    assert classify(function, origin).names == ["strict saddle" if depth == 2 else "degenerate"]


def test_a_chain_of_one() -> None:
    with pytest.raises(LandscapeError, match="at least 2"):
        linear_chain(1)


def test_a_linear_network() -> None:
    inputs, outputs, points = normal(9, 3), normal(9, 4), normal(2, 2 * 3 + 5 * 2 + 4 * 5)
    function = linear_network(inputs, outputs, [2, 5])
    for point, value in zip(points, function.value(points), strict=True):
        first, second, third = point[:6].reshape(2, 3), point[6:16].reshape(5, 2), point[16:].reshape(4, 5)
        off = [third @ (second @ (first @ x)) - y for x, y in zip(inputs, outputs, strict=True)]
        assert float(value) == pytest.approx(sum(float(row @ row) for row in off) / 18)
    assert_gradient(function, points)


@pytest.mark.parametrize("widths", [[2], [6], [4, 1, 4]])
def test_the_least_value_of_a_linear_network(widths: list[int]) -> None:
    """Alternating least squares over the two factors of the product, of the rank of the narrowest layer."""
    inputs, outputs = normal(20, 3), normal(20, 4)
    rank = min([3, 4, *widths])
    right = normal(rank, 3)
    for _ in range(200):
        left = torch.linalg.lstsq(inputs @ right.T, outputs).solution  # (rank, 4)
        target = torch.linalg.lstsq(inputs, outputs @ torch.linalg.pinv(left)).solution
        right = target.T
    best = float((inputs @ right.T @ left - outputs).square().sum()) / 40
    assert linear_network(inputs, outputs, widths).lowest == pytest.approx(best, rel=1e-6)


def test_a_quadratic_network() -> None:
    inputs, labels, signs = normal(7, 3), normal(7), torch.tensor([1.0, -1.0, 1.0, -1.0]).double()
    function, points = quadratic_network(inputs, labels, signs), normal(2, 12)
    for point, value in zip(points, function.value(points), strict=True):
        rows = point.reshape(4, 3)
        off = [
            sum(float(a) * float(w @ x) ** 2 for a, w in zip(signs, rows, strict=True)) - float(y)
            for x, y in zip(inputs, labels, strict=True)
        ]
        assert float(value) == pytest.approx(sum(number**2 for number in off) / 14)
    assert_gradient(function, points)


@pytest.mark.parametrize(
    ("samples", "signs", "least"), [(3, [1, -1] * 2, 0.0), (4, [1, -1] * 2, None), (3, [1, 1, -1], None)]
)
def test_a_quadratic_network_fits_any_labels_if_it_is_said_to(
    samples: int, signs: list[int], least: float | None
) -> None:
    """Two inputs: x^T S x with S of three entries, found by least squares and split by its eigenvectors."""
    inputs, labels = normal(samples, 2), normal(samples)
    function = quadratic_network(inputs, labels, torch.tensor(signs).double())
    assert function.lowest == least
    if least is not None:
        monomials = torch.stack([inputs[:, 0] ** 2, 2 * inputs.prod(1), inputs[:, 1] ** 2], dim=1)
        a, b, c = torch.linalg.solve(monomials, labels).tolist()
        values, vectors = torch.linalg.eigh(torch.tensor([[a, b], [b, c]], dtype=torch.float64))
        point, places = torch.zeros(4, 2, dtype=torch.float64), {1.0: [0, 2], -1.0: [1, 3]}
        for value, vector in zip(values, vectors.T, strict=True):
            point[places[float(value.sign())].pop()] = value.abs().sqrt() * vector
        assert float(function.value(point.flatten())) == pytest.approx(0, abs=1e-15)


def test_a_relu_network() -> None:
    inputs, labels, points = normal(6, 2), normal(6), normal(2, 13)
    function = relu_network(inputs, labels, width=3)
    for point, value in zip(points.tolist(), function.value(points), strict=True):
        weights, biases, outer, last = point[:6], point[6:9], point[9:12], point[12]
        total = 0.0
        for (x, z), y in zip(inputs.tolist(), labels.tolist(), strict=True):
            hidden = [max(weights[2 * j] * x + weights[2 * j + 1] * z + biases[j], 0) for j in range(3)]
            total += (sum(a * h for a, h in zip(outer, hidden, strict=True)) + last - y) ** 2
        assert float(value) == pytest.approx(total / 12)


def test_the_linear_minimum_is_stationary_with_the_loss_of_least_squares() -> None:
    inputs, labels = normal(30, 2), normal(30)
    function, point = relu_network(inputs, labels, 4), linear_minimum(inputs, labels, 4)[None]
    padded = torch.cat([inputs, torch.ones(30, 1)], dim=1)
    rest = padded @ torch.linalg.lstsq(padded, labels[:, None]).solution - labels[:, None]
    assert float(function.value(point)) == pytest.approx(float(rest.square().mean()) / 2)
    assert float(function.gradient(point).abs().max()) < 1e-12
    weights, biases = point[0, :8].reshape(4, 2), point[0, 8:12]
    active = [float(w @ x + c) for (w, c), x in product(zip(weights, biases, strict=True), inputs)]
    assert min(active) == pytest.approx(1.0)


def assert_gradient(function: Function, points: Tensor) -> None:
    twin = differentiated(function.value, function.box, function.start, function.lr)
    torch.testing.assert_close(function.gradient(points), twin.gradient(points), rtol=1e-12, atol=1e-12)
