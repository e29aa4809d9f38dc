"""Stationary points whose kind is known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.function import differentiated
from landscape_cli.analytic.stationary import classify

BOX = ((-1.0, 1.0), (-1.0, 1.0))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (lambda x: x[..., 0] ** 2 + x[..., 1] ** 2, "minimum"),
        (lambda x: -(x[..., 0] ** 2) - x[..., 1] ** 2, "maximum"),
        (lambda x: x[..., 0] ** 2 - x[..., 1] ** 2, "strict saddle"),
        (lambda x: x[..., 0] ** 2 + x[..., 1] ** 3, "degenerate"),
        (lambda x: x[..., 0] ** 2 + x[..., 1] ** 4, "degenerate"),
        (lambda x: x[..., 0] ** 2 + x[..., 1], "not stationary"),
    ],
)
def test_the_origin_is_of_its_kind(value: Callable[[Tensor], Tensor], kind: str) -> None:
    function = differentiated(value, BOX, (0.0, 0.0), 1.0)
    assert classify(function, torch.zeros(1, 2, dtype=torch.float64)).names == [kind]


def test_tolerances_decide() -> None:
    function = differentiated(lambda x: 1e-4 * x[..., 0] ** 2 + x[..., 1] ** 2, BOX, (0.0, 0.0), 1.0)
    beside = torch.tensor([[0.0, 1e-4]], dtype=torch.float64)
    assert classify(function, beside).names == ["not stationary"]
    assert classify(function, beside, gradient=1e-3).names == ["minimum"]
    assert classify(function, beside, gradient=1e-3, curvature=1e-3).names == ["degenerate"]


def test_a_point_at_infinity_is_not_stationary() -> None:
    function = differentiated(lambda x: (x**2).sum(-1), BOX, (0.0, 0.0), 1.0)
    found = classify(function, torch.tensor([[torch.inf, 0.0]], dtype=torch.float64))
    assert found.names == ["not stationary"]
