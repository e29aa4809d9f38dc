"""The population loss of a ReLU student: by sampling, and its derivatives by finite differences."""

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.relu_teacher import relu_teacher

RANDOM = torch.Generator().manual_seed(2)
TEACHER = torch.tensor([[1.0, 0.0, 0.5], [0.0, 2.0, -1.0]], dtype=torch.float64)
FUNCTION = relu_teacher(TEACHER, width=3)


def normal(*shape: int) -> Tensor:
    return torch.randn(shape, generator=RANDOM, dtype=torch.float64)


def test_the_value_is_the_mean_over_samples() -> None:
    points, inputs = normal(3, 9), normal(400_000, 3)
    for point, value in zip(points, FUNCTION.value(points), strict=True):
        student = (inputs @ point.reshape(3, 3).T).clamp_min(0).sum(1)
        losses = (student - (inputs @ TEACHER.T).clamp_min(0).sum(1)).square() / 2
        error = float(losses.std()) / len(losses) ** 0.5
        assert error < 0.02 * float(value)
        assert float(losses.mean()) == pytest.approx(float(value), abs=4 * error)


def differences(function: Function, points: Tensor, step: float = 1e-5) -> tuple[Tensor, Tensor]:
    moves = step * torch.eye(points.shape[-1], dtype=torch.float64)
    ahead, behind = (points[:, None] + sign * moves for sign in (1, -1))
    slopes = (function.value(ahead) - function.value(behind)) / (2 * step)
    return slopes, (function.gradient(ahead) - function.gradient(behind)) / (2 * step)


def test_the_derivatives_are_those_of_finite_differences() -> None:
    points = normal(4, 9)
    gradient, hessian = differences(FUNCTION, points)
    torch.testing.assert_close(FUNCTION.gradient(points), gradient, rtol=0, atol=1e-8)
    torch.testing.assert_close(FUNCTION.hessian(points), hessian, rtol=0, atol=1e-8)


def test_derivatives_are_right_where_units_lie_on_the_teachers() -> None:
    """The angle's derivative is not finite there; the loss's is."""
    own = relu_teacher(torch.eye(3, dtype=torch.float64), width=3)
    at = torch.eye(3, dtype=torch.float64)[[1, 0, 2]].reshape(1, 9)
    assert float(own.value(at)) == pytest.approx(0, abs=1e-14)
    torch.testing.assert_close(own.gradient(at), torch.zeros_like(at), rtol=0, atol=1e-14)
    # the kernel's third derivatives jump there, so the differences are off by the order of the step
    torch.testing.assert_close(own.hessian(at), differences(own, at)[1], rtol=0, atol=1e-4)


def test_a_unit_split_in_two_is_the_same_network() -> None:
    split = torch.cat([0.3 * TEACHER[:1], 0.7 * TEACHER[:1], TEACHER[1:]]).reshape(1, 9)
    assert float(FUNCTION.value(split)) == pytest.approx(0, abs=1e-14)
    torch.testing.assert_close(FUNCTION.gradient(split), torch.zeros_like(split), rtol=0, atol=1e-8)
