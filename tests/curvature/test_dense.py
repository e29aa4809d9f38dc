"""The whole Hessian beside closed forms, and beside differences of gradients, in float64."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

import reference
from cases import LOSSES, NETWORKS, images
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.weights.pca import flat

MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])
STEP = 1e-5


def quadratic(w: torch.Tensor) -> torch.Tensor:
    return w @ torch.from_numpy(MATRIX) @ w / 2


def test_the_hessian_of_a_quadratic() -> None:
    point = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    assert np.allclose(dense_hessian(quadratic, point), MATRIX, atol=1e-12)


def test_the_hessian_of_a_linear_softmax_model() -> None:
    """Closed form: the mean of (diag(p) - p p^T) (x) z z^T, z the inputs with a 1 for the bias."""
    split = images(12, shape=(2, 2, 2))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 3, bias=False))
    objective, point = objective_at(model, split, "cross_entropy")
    inputs = split.inputs.flatten(1).double().numpy()
    probabilities = torch.softmax(model.double()(split.inputs.double()), dim=1).detach().numpy()
    expected = np.mean(
        [
            np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z))
            for p, z in zip(probabilities, inputs, strict=True)
        ],
        axis=0,
    )
    hessian = dense_hessian(objective, point)
    assert np.allclose(hessian, expected, atol=1e-12)
    assert np.linalg.eigvalsh(hessian).min() > -1e-12  # a convex loss


def differences(model: nn.Module, split: Split, loss: str) -> np.ndarray:
    """Each column: the central difference of the float64 gradient over a step of one weight."""
    names = [name for name, _ in model.named_parameters()]
    columns = []
    for name, parameter in model.named_parameters():
        for entry in range(parameter.numel()):
            unit = torch.zeros(parameter.numel(), dtype=torch.float64)
            unit[entry] = 1.0
            direction = {name: unit.view_as(parameter)}
            above, below = (
                flat(reference.gradient(reference.moved(model, [(step, direction)]), split, loss), names)
                for step in (STEP, -STEP)
            )
            columns.append(((above - below) / (2 * STEP)).numpy())
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_hessian_is_the_difference_of_gradients(loss: str) -> None:
    split = images(6, shape=(1, 2, 2))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Dropout(0.5), nn.Linear(3, 3))
    hessian = dense_hessian(*objective_at(model, split, loss))
    assert hessian.dtype == np.float64
    assert np.array_equal(hessian, hessian.T)
    expected = differences(model, split, loss)
    assert np.abs(hessian - expected).max() <= 1e-8 * np.abs(expected).max()


def test_more_rows_than_are_computed_at_a_time() -> None:
    factors = torch.linspace(-1, 1, 150, dtype=torch.float64)
    hessian = dense_hessian(lambda w: (factors * w**3).sum() / 6, torch.ones(150, dtype=torch.float64))
    assert np.allclose(hessian, np.diag(factors.numpy()), atol=1e-15)


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet-batch"])
def test_the_objective_is_the_loss(name: str) -> None:
    model, split = NETWORKS[name](), images()
    before = evaluate(model, split, "mse").loss
    objective, point = objective_at(model, split, "mse")
    assert float(objective(point)) == pytest.approx(before, rel=1e-5)
    assert point.dtype == torch.float64


@pytest.mark.parametrize("name", NETWORKS)
def test_the_model_is_left_as_it_is(name: str) -> None:
    model, split = NETWORKS[name](), images()
    model.train()
    state = copy.deepcopy(model.state_dict())
    objective, point = objective_at(model, split, "cross_entropy")
    value = float(objective(point))
    objective(2 * point)
    assert all(module.training for module in model.modules())
    for key, tensor in model.state_dict().items():
        assert tensor.dtype == state[key].dtype
        assert torch.equal(tensor, state[key])
    assert all(parameter.grad is None for parameter in model.parameters())
    with torch.no_grad():  # and what becomes of the model afterwards does not matter
        for parameter in model.parameters():
            parameter.zero_()
    assert float(objective(point)) == value
