"""The quadratic model around a trained network's minimum, beside torch's own derivatives."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian
from landscape_cli.phenomena import quadratic_model
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "taylor-quadratic-model"
ORDER, ERROR, BEYOND, NO_HALF, COORDINATES = range(5)
DECAY = 0.01


@pytest.fixture(scope="module")
def labs(lab: MakeLab) -> list[Lab]:
    words = [
        *["dataset=digits", "dataset.train_size=50", "dataset.pool=2", "architecture=mlp", "epochs=3"],
        *["architecture.widths=[2]", "architecture.activation=tanh", f"optimizer.weight_decay={DECAY}"],
        "batch_size=50",
    ]
    return [lab({"mlp": words}, seed) for seed in range(3)]


def measured(labs: Sequence[Lab]) -> list[Measured]:
    return measure(NAME, labs, directions=4, steps=10)


def objective(made: Lab) -> Callable[[torch.Tensor], torch.Tensor]:
    """Return cross-entropy and weight decay of the flat weights, written out."""
    split = made.data("mlp").train
    inputs = split.inputs.double().flatten(1)

    def loss(vector: torch.Tensor) -> torch.Tensor:
        first, bias, second, shift = vector.split([32, 2, 20, 10])
        hidden = torch.tanh(inputs @ first.view(2, 16).T + bias)
        outputs = hidden @ second.view(10, 2).T + shift
        return torch.nn.functional.cross_entropy(outputs, split.targets) + DECAY / 2 * (vector**2).sum()

    return loss


def test_the_model_is_that_of_the_training_objective_at_its_minimum(labs: list[Lab]) -> None:
    (found,) = measured(labs[:1])
    loss = objective(labs[0])
    start = torch.nn.utils.parameters_to_vector(labs[0].network("mlp").parameters()).detach().double()
    point = quadratic_model.stationary_point(loss, start)
    gradient = torch.autograd.functional.jacobian(loss, point)
    assert float(gradient.norm()) <= 1e-12
    assert found["gradient_norm"] <= 1e-12
    assert loss(point) < loss(start)
    hessian = torch.autograd.functional.hessian(loss, point).numpy()
    eigenvalues, basis = np.linalg.eigh(hessian)
    assert eigenvalues[0] > 0
    assert found["lambda_min"] == pytest.approx(eigenvalues[0])
    assert found["lambda_max"] == pytest.approx(eigenvalues[-1])
    stiffest = torch.from_numpy(basis[:, -1].copy())
    far = found["distances"] * float(point.norm())
    for number in (5, 10, 15):  # the error does not depend on the sign but by odd terms: either will do
        errors = [
            abs(
                float(loss(point + sign * far[number] * stiffest) - loss(point))
                / (eigenvalues[-1] * far[number] ** 2 / 2)
                - 1
            )
            for sign in (1, -1)
        ]
        assert min(abs(found["errors"]["model"][4, number] / error - 1) for error in errors) < 1e-3
    factor = 1 - 0.9 * 2 / eigenvalues[-1] * eigenvalues[-1]
    np.testing.assert_allclose(found["foretold"][0], factor ** np.arange(11))


def test_claims_hold(labs: list[Lab]) -> None:
    found = measured(labs)
    told = verdicts(NAME, found)
    assert [told[number] for number in (ORDER, ERROR, NO_HALF, COORDINATES)] == ["holds"] * 4
    assert list(drawn(NAME, found)) == ["model"]


@pytest.mark.parametrize(
    ("factor", "failing"), [(1.2, [ORDER, ERROR, BEYOND]), (0.5, [ORDER, ERROR, BEYOND, NO_HALF])]
)
def test_another_curvature_is_refuted(
    labs: list[Lab], monkeypatch: pytest.MonkeyPatch, factor: float, failing: list[int]
) -> None:
    def scaled(loss: Any, point: torch.Tensor) -> Array:
        return factor * dense_hessian(loss, point)

    monkeypatch.setattr(quadratic_model, "dense_hessian", scaled)
    told = verdicts(NAME, measured(labs[:1]) * 3)
    assert [number for number, verdict in enumerate(told) if verdict == "fails"] == failing


def test_another_step_size_than_told_is_refuted(labs: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    right = quadratic_model.descent
    monkeypatch.setattr(quadratic_model, "descent", lambda g, x, rate, n: right(g, x, rate * (1 + 1e-6), n))
    assert verdicts(NAME, measured(labs[:1]))[COORDINATES] == "fails"
