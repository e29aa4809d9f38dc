"""What is certified: two wells of different depth, a saddle, and the minima of a ReLU student."""

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.certified import spurious_minima
from landscape_cli.analytic.function import differentiated
from landscape_cli.analytic.relu_teacher import relu_teacher


def wells(x: Tensor) -> Tensor:
    """Return (x^2 - 1)^2 + (x + 1)^2 / 10 + y^2, whose slope along x is (x + 1) (4 x (x - 1) + 1/5).

    The least value is that of (-1, 0), 0; a higher minimum has x = (1 + sqrt 0.8) / 2, a saddle the
    other root.
    """
    first = x[..., 0]
    return (first.square() - 1).square() + (first + 1).square() / 10 + x[..., 1].square()


def test_the_higher_of_two_wells_is_spurious_and_a_saddle_is_undecided() -> None:
    function = differentiated(wells, ((-2.0, 2.0),) * 2, (1.0, 1.0), 0.01)
    start = torch.tensor([[-0.7, 0.5], [0.8, 0.5], [0.06, 0.0]], dtype=torch.float64)
    ends = spurious_minima(function, start, rounds=5, steps=100, reached=1e-6)
    assert (ends.spurious.tolist(), ends.undecided.tolist()) == ([False, True, True], [False] * 3)
    torch.testing.assert_close(ends.points[1:, 0], torch.full((2,), (1 + 0.8**0.5) / 2).double())
    # after a step Newton's lead from the first start nowhere near, and from the last up: both are refused
    early = spurious_minima(function, start, rounds=1, steps=1, reached=1e-6)
    assert (early.spurious.tolist(), early.undecided.tolist()) == ([False, True, False], [True, False, True])
    assert float(early.points[2, 0]) == pytest.approx(0.06, abs=1e-3)


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
