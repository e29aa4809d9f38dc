"""Softmax regression: its closed forms against a loss sample by sample and torch's derivatives of it."""

import pytest
import torch
from torch import Tensor, nn

import reference
from landscape_cli.analytic.softmax_regression import point_of, softmax_regression
from landscape_cli.data.load import Split

SAMPLES, FEATURES, CLASSES = 7, (2, 2), 3


def samples() -> Split:
    torch.manual_seed(0)
    return Split(torch.randn(SAMPLES, *FEATURES), torch.randint(0, CLASSES, (SAMPLES,)))


def linear() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(4, CLASSES)).double()


def by_hand(point: Tensor, split: Split, decay: float) -> Tensor:
    rows = torch.cat([split.inputs.double().flatten(1), torch.ones(SAMPLES, 1)], dim=1)
    outputs = rows @ point.reshape(CLASSES, 5).T
    return nn.functional.cross_entropy(outputs, split.targets) + decay / 2 * point.square().sum()


def test_value_and_gradient_are_those_sample_by_sample() -> None:
    split, model = samples(), linear()
    function = softmax_regression(split.inputs, split.targets, CLASSES)
    point = point_of(*model.parameters())
    loss, _ = reference.evaluation(model, split, "cross_entropy")
    assert float(function.value(point)) == pytest.approx(loss, rel=1e-12)
    wanted = reference.gradient(model, split, "cross_entropy")
    torch.testing.assert_close(function.gradient(point), point_of(*wanted.values()), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_derivatives_are_torchs_at_many_points_at_once(decay: float) -> None:
    split = samples()
    function = softmax_regression(split.inputs, split.targets, CLASSES, decay)
    torch.manual_seed(2)
    points = torch.randn(2, 3, function.dimension, dtype=torch.float64)
    for where in ((0, 0), (1, 2)):
        own = points[where]
        assert float(function.value(points)[where]) == pytest.approx(float(by_hand(own, split, decay)))
        slope = torch.func.grad(by_hand)(own, split, decay)
        torch.testing.assert_close(function.gradient(points)[where], slope, rtol=1e-10, atol=1e-12)
        curve = torch.func.jacrev(torch.func.grad(by_hand))(own, split, decay)
        torch.testing.assert_close(function.hessian(points)[where], curve, rtol=1e-10, atol=1e-12)


def test_the_step_size_is_below_one_over_every_curvature() -> None:
    split = samples()
    function = softmax_regression(split.inputs, split.targets, CLASSES, decay=0.1)
    torch.manual_seed(3)
    hessians = function.hessian(torch.randn(50, function.dimension, dtype=torch.float64))
    largest = float(torch.linalg.eigvalsh(hessians).max())
    assert 0.1 * largest < 1 / function.lr < 10 * largest
    assert function.lr * largest <= 1


def test_each_sample_adds_a_rank_of_one_less_than_the_classes() -> None:
    split = samples()
    for count in (1, 2):
        function = softmax_regression(split.inputs[:count], split.targets[:count], CLASSES)
        (hessian,) = function.hessian(torch.zeros(1, function.dimension, dtype=torch.float64))
        assert int(torch.linalg.matrix_rank(hessian)) == count * (CLASSES - 1)
