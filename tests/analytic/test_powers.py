"""Sums of powers, also in other coordinates, beside automatic differentiation."""

import pytest
import torch

from landscape_cli.analytic.function import differentiated
from landscape_cli.analytic.powers import powers, rotated
from landscape_cli.analytic.stationary import classify

CASES = [([1.0, 1.0], [2, 2]), ([1.0, 1.0], [2, 3]), ([-1.0, 2.0, 0.5], [2, 4, 3])]


@pytest.mark.parametrize(("coefficients", "exponents"), CASES)
def test_derivatives_are_those_of_automatic_differentiation(
    coefficients: list[float], exponents: list[int]
) -> None:
    random = torch.Generator().manual_seed(0)
    dimension = len(exponents)
    plain = powers(coefficients, exponents)
    turn = torch.linalg.qr(torch.randn(dimension, dimension, generator=random).double()).Q
    points = torch.randn(20, dimension, generator=random).double()
    for function in (plain, rotated(plain, turn, points[0])):
        slow = differentiated(function.value, function.box, function.start, function.lr)
        torch.testing.assert_close(function.gradient(points), slow.gradient(points), rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(function.hessian(points), slow.hessian(points), rtol=1e-12, atol=1e-12)


def test_values_are_sums_of_powers() -> None:
    points = torch.tensor([[2.0, 3.0], [-1.0, -2.0]], dtype=torch.float64)
    assert powers([1.0, -2.0], [2, 3]).value(points).tolist() == [4 - 54, 1 + 16]


def test_a_rotation_turns_the_first_axis_into_the_first_column() -> None:
    turn = torch.tensor([[0.0, -1.0], [1.0, 0.0]], dtype=torch.float64)
    function = rotated(powers([1.0, 1.0], [2, 4]), turn, torch.tensor([5.0, 7.0]))
    points = torch.tensor([[5.0, 9.0], [2.0, 7.0]], dtype=torch.float64)  # 2 along x, 3 along y
    assert function.value(points).tolist() == [4, 81]
    assert function.minima == ((5.0, 7.0),)
    assert classify(function, torch.tensor(function.minima).double()).names == ["degenerate"]
