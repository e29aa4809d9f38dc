"""What is certified: two wells of different depth, a saddle, and the minima of a ReLU student."""

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.certified import spurious_minima
from landscape_cli.analytic.function import differentiated
from landscape_cli.analytic.relu_teacher import relu_teacher


def wells(x: Tensor) -> Tensor:
    """Return (x^2 - 1)^2 + (x + 1)^2 / 10 + y^2: minima at (-1, 0), of the value 0, and near (0.97, 0)."""
    first = x[..., 0]
    return (first.square() - 1).square() + (first + 1).square() / 10 + x[..., 1].square()


def test_the_higher_of_two_wells_is_spurious_and_what_stays_on_the_ridge_is_undecided() -> None:
    function = differentiated(wells, ((-2.0, 2.0),) * 2, (1.0, 1.0), 0.01)
    ridge = torch.linspace(-0.2, 0.2, 4_000_001, dtype=torch.float64)
    top = ridge[wells(torch.stack([ridge, torch.zeros_like(ridge)], dim=-1)).argmax()]
    start = torch.tensor([[-0.7, 0.5], [0.8, 0.5], [float(top), 0.0]], dtype=torch.float64)
    ends = spurious_minima(function, start, rounds=4, steps=100, reached=1e-6)
    assert ends.spurious.tolist() == [False, True, False]
    assert float(ends.points[1, 0]) == pytest.approx(0.9740, abs=1e-3)
    early = spurious_minima(function, start, rounds=1, steps=1, reached=1e-6)
    # Newton's steps lead from the second start to its well, and from the ridge to the saddle on it
    assert early.spurious.tolist() == [False, True, False]
    assert early.undecided.tolist()[2]


def test_spurious_minima_of_a_student_are_minima() -> None:
    """Around each of them the loss rises in every random direction."""
    function, random = relu_teacher(torch.eye(8, dtype=torch.float64), 8), torch.Generator().manual_seed(0)
    start = torch.randn(40, 64, generator=random, dtype=torch.float64) / 8**0.5
    ends = spurious_minima(function, start, rounds=5, steps=200, reached=1e-6)
    assert 1 <= int(ends.spurious.sum()) <= 20
    assert not (ends.spurious & ends.undecided).any()
    assert (ends.loss[~ends.spurious & ~ends.undecided] <= 1e-6).all()
    for point, loss in zip(ends.points[ends.spurious], ends.loss[ends.spurious], strict=True):
        assert float(function.gradient(point).norm()) < 1e-9
        moved = point + 1e-4 * torch.randn(200, 64, generator=random, dtype=torch.float64)
        assert float(function.value(moved).min()) > float(loss) > 1e-3
