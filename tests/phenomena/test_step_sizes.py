"""Bounds of step sizes beside the roots of the rules' polynomials, on quadratics and a tiny network."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.quadratics import quadratic
from landscape_cli.curvature.minimum import stationary_point
from landscape_cli.phenomena import step_sizes
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "lr-bound-2-over-lambdamax"
UNDER, OVER, BEST, SLOWEST, SQUARES, STAYS, LEAVES = [0, 1, 2], [3, 4, 5], [6, 7], 8, [9, 10], 11, 12
DECAY = 0.001


@pytest.fixture(scope="module")
def labs(lab: MakeLab) -> list[Lab]:
    words = [
        *["dataset=digits", "dataset.train_size=50", "dataset.pool=2", "architecture=mlp", "epochs=3"],
        *["architecture.widths=[4]", "architecture.activation=tanh", "batch_size=50"],
        f"optimizer.weight_decay={DECAY}",
    ]
    return [lab({"mlp": words}, seed) for seed in range(3)]


def measured(labs: Sequence[Lab], **settings: Any) -> list[Measured]:
    few = {
        "condition": 10.0,
        "dimension": 3,
        "steps": 1200,
        "rate_steps": 100,
        "samples": 20,
        "network_steps": 60,
    }
    return measure(NAME, labs, **{**few, **settings})


def radius(product: float, rule: str, beta: float) -> float:
    """Return the largest modulus of the roots of x_(s+1) in terms of x_s and x_(s-1)."""
    if rule == "gradient descent":
        return abs(1 - product)
    if rule == "heavy ball":
        return max(abs(np.roots([1, -(1 + beta - product), beta])))
    return max(abs(np.roots([1, -(1 + beta) * (1 - product), beta * (1 - product)])))


@pytest.mark.parametrize("rule", step_sizes.RULES)
@pytest.mark.parametrize("beta", [0.5, 0.9])
def test_at_its_bound_a_rule_neither_falls_nor_grows(rule: str, beta: float) -> None:
    bound = step_sizes.bounds(beta)[rule]
    assert radius(bound, rule, beta) == pytest.approx(1)
    assert radius(0.99 * bound, rule, beta) < 1 < radius(1.01 * bound, rule, beta)


@pytest.mark.parametrize("rule", step_sizes.RULES)
def test_rates_are_the_roots(rule: str) -> None:
    products = np.array([0.05, 0.7, 1.3, 3.9])
    found = step_sizes.rates(products, rule, 0.5, 100)
    np.testing.assert_allclose(found, [radius(each, rule, 0.5) for each in products], rtol=0.02)


def test_least_squares_are_powers() -> None:
    features = np.random.RandomState(0).standard_normal((6, 2))
    found = step_sizes.least_squares(features, np.array([1.0, -2.0]), 0.01, 5)
    step = np.eye(2) - 0.01 * 2 * features.T @ features
    off = [np.linalg.matrix_power(step, s) @ [-1.0, 2.0] for s in range(6)]
    np.testing.assert_allclose(found, [np.sum((features @ each) ** 2) for each in off])


def test_the_largest_eigenvalue_and_losses_on_a_known_function() -> None:
    matrix = torch.diag(torch.linspace(1, 4, 40, dtype=torch.float64))

    def loss(w: torch.Tensor) -> torch.Tensor:
        return w @ matrix @ w / 2

    point = torch.ones(40, dtype=torch.float64)
    assert step_sizes.largest_eigenvalue(loss, point, 0) == pytest.approx(4.0, rel=1e-4)
    losses = step_sizes.losses_of(loss, point, 0.1, 3)
    curvature = np.linspace(1, 4, 40)
    np.testing.assert_allclose(
        losses, [(curvature * (1 - 0.1 * curvature) ** (2 * s)).sum() / 2 for s in range(4)]
    )


def test_claims_hold(labs: list[Lab]) -> None:
    found = measured(labs)
    assert verdicts(NAME, found) == ["holds"] * 13
    assert list(drawn(NAME, found)) == ["bounds"]


def test_the_network_starts_beside_the_minimum_of_what_its_run_minimized(labs: list[Lab]) -> None:
    """Three epochs end far from it: a start from there only leads downhill, whatever the step size."""
    (found,) = measured(labs[:1], network_steps=500)
    split, model = labs[0].data("mlp").train, labs[0].network("mlp").double()

    def objective(vector: torch.Tensor) -> torch.Tensor:
        first, bias, second, shift = vector.split([64, 4, 40, 10])
        hidden = torch.tanh(split.inputs.double().flatten(1) @ first.view(4, 16).T + bias)
        outputs = hidden @ second.view(10, 4).T + shift
        return torch.nn.functional.cross_entropy(outputs, split.targets) + DECAY / 2 * (vector**2).sum()

    last = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    point = stationary_point(objective, last)
    assert float(torch.autograd.functional.jacobian(objective, point).norm()) <= 1e-11
    assert found["gradient_norm"] <= 1e-11
    hessian = torch.autograd.functional.hessian(objective, point)
    assert found["lambda_max"] == pytest.approx(float(torch.linalg.eigvalsh(hessian)[-1]), rel=1e-5)
    least, (first, *_, end) = float(objective(point)), found["losses"]["0.9"]
    assert objective(last) > 1.1 * least
    assert least <= end < first < 1.01 * least
    assert found["stays"] == pytest.approx(first / least, rel=1e-9)
    assert found["leaves"] == pytest.approx(found["losses"]["1.5"].max() / least, rel=1e-9)


def failing(found: Sequence[Measured]) -> list[int]:
    """Return the claims that fail if three seeds give what one gave."""
    told = verdicts(NAME, [*found, *found, *found])
    return [number for number, verdict in enumerate(told) if verdict == "fails"]


def test_other_bounds_are_refuted(labs: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    """Two are too high, so that what is below diverges, and one too low; the network's are exchanged."""
    factors = {"gradient descent": 1.1, "heavy ball": 0.9, "Nesterov": 1.1}
    wrong = {rule: factors[rule] * bound for rule, bound in step_sizes.bounds(0.9).items()}
    monkeypatch.setattr(step_sizes, "bounds", lambda momentum: wrong)
    found = measured(labs[:1], stays=1.5, leaves=0.9)
    assert failing(found) == [UNDER[0], UNDER[2], OVER[1], STAYS, LEAVES]


def test_another_curvature_is_refuted(labs: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    """A quadratic steeper by a fifth than told: bounds and the best rate are off."""
    right = step_sizes.ravine
    monkeypatch.setattr(step_sizes, "ravine", lambda condition, dimension: right(1.2 * condition, dimension))
    assert failing(measured(labs[:1])) == [*UNDER, *BEST]


def test_least_squares_and_floors_that_are_told_wrong_are_refuted(
    labs: list[Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rates exchanged between the two Hessians; a quadratic whose least curvature is half of the largest."""
    right, rates = step_sizes.least_squares, iter([2.0, 0.5])
    monkeypatch.setattr(
        step_sizes, "least_squares", lambda x, w, rate, steps: right(x, w, rate * next(rates), steps)
    )
    monkeypatch.setattr(
        step_sizes,
        "ravine",
        lambda condition, dimension: quadratic(torch.linspace(condition / 2, condition, dimension)),
    )
    assert failing(measured(labs[:1])) == [BEST[1], SLOWEST, *SQUARES]
