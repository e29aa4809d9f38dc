"""Adagrad, RMSprop and Adam: formulas against scalar loops, and each claim made to fail."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_cli.analytic.quadratics import ravine
from landscape_cli.arrays import Array
from landscape_cli.phenomena import adaptive
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "adagrad-rmsprop-adam"
OPTIONS: dict[str, dict[str, Any]] = {
    "adagrad": {"lr": 0.1, "eps": 1e-10},
    "rmsprop": {"lr": 0.1, "alpha": 0.9, "eps": 1e-8},
    "adam": {"lr": 0.1, "betas": [0.8, 0.99], "eps": 1e-8},
}
IDS = list(OPTIONS)
Lower = Callable[[float, float], float]
ELSEWHERE: dict[str, Lower] = {
    "left out": lambda square, eps: square**0.5,
    "under the root": lambda square, eps: (square + eps) ** 0.5,
    "a hundredfold": lambda square, eps: square**0.5 + 100 * eps,
}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    made = [MadeLab({}, seed=seed) for seed in range(3)]
    return measure(NAME, made, steps=300, updates=10, dimension=4)


def test_all_claims_hold(found: list[Measured]) -> None:
    assert verdicts(NAME, found) == ["holds"] * 19


def beside_the_root(square: float, eps: float) -> float:
    return float(square**0.5 + eps)


def by_loops(
    name: str, start: float, curvature: float, steps: int, lower_of: Lower = beside_the_root
) -> list[float]:
    """Return one coordinate's path on curvature x^2 / 2, from sums over all gradients so far."""
    options, path, slopes = OPTIONS[name], [start], []
    for t in range(1, steps + 1):
        slopes.append(curvature * path[-1])
        ages = range(t - 1, -1, -1)
        if name == "adagrad":
            upper, lower = slopes[-1], sum(g**2 for g in slopes)
        elif name == "rmsprop":
            weights = [0.1 * 0.9**age for age in ages]
            upper, lower = slopes[-1], sum(w * g**2 for w, g in zip(weights, slopes, strict=True))
        else:
            mean = sum(0.8**age * g for age, g in zip(ages, slopes, strict=True))
            square = sum(0.99**age * g**2 for age, g in zip(ages, slopes, strict=True))
            upper, lower = mean / sum(0.8**age for age in ages), square / sum(0.99**age for age in ages)
        path.append(path[-1] - options["lr"] * upper / lower_of(lower, options["eps"]))
    return path


@pytest.mark.parametrize("name", IDS)
def test_the_formulas_are_those_of_loops_over_one_coordinate(name: str) -> None:
    start = np.array([1.0, -0.7])
    path = adaptive._by_formula(ravine(100.0), start, name, OPTIONS[name], 6)
    for axis, curvature in enumerate((1.0, 100.0)):
        assert_allclose(path[:, axis], by_loops(name, start[axis], curvature, 6), rtol=1e-10)


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("place", ["beside the root", *ELSEWHERE])
def test_only_eps_beside_the_root_is_torchs(monkeypatch: pytest.MonkeyPatch, name: str, place: str) -> None:
    def formula(function: Any, start: Array, name: str, options: Any, steps: int) -> Array:
        if not options["eps"]:  # 0 / 0, which is another claim's
            return np.full((2, 2), np.nan)
        lower = ELSEWHERE.get(place, beside_the_root)
        axes = zip(start.tolist(), (1.0, 100.0), strict=True)
        return np.array([by_loops(name, x, curvature, steps, lower) for x, curvature in axes]).T

    monkeypatch.setattr(adaptive, "_by_formula", formula)
    seed = adaptive._compared(ravine(100.0), np.array([1.0, -0.7]), name, OPTIONS[name], 6)
    assert (seed["off_torch"] <= 1e-6) == (place == "beside the root")
    assert seed["first_step_off"] <= 1e-6


@pytest.mark.parametrize("name", IDS)
def test_effective_rates_are_one_over_the_root_of_what_is_summed(name: str) -> None:
    gradients = np.array([[1.0], [2.0], [-2.0]])
    rates = adaptive._effective_rates(gradients, {name: OPTIONS[name]})[name]
    squares = {
        "adagrad": [1, 5, 9],
        "rmsprop": [0.1, 0.49, 0.841],
        "adam": [1, (0.99 + 4) / 1.99, (0.99**2 + 4 * 0.99 + 4) / (0.99**2 + 0.99 + 1)],
    }[name]
    assert_allclose(rates, 1 / np.sqrt(squares), rtol=1e-7)


def test_a_default_that_is_not_torchs_is_counted() -> None:
    options = {**OPTIONS["adam"], "lr": 0.001}
    seed = adaptive._compared(ravine(), np.array([1.0, 1.0]), "adam", options, 1)
    assert seed["changed_defaults"] == 1  # betas
    seed = adaptive._compared(ravine(), np.array([1.0, 1.0]), "adagrad", OPTIONS["adagrad"], 1)
    assert seed["changed_defaults"] == 1  # lr


@pytest.mark.parametrize(
    ("first", "quantity", "value"),
    [
        (0, "changed_defaults", 1),
        (3, "off_torch", 1e-3),
        (6, "first_step_off", 1e-3),
        (9, "undefined_without_eps", 0),
        (12, "undefined_in_torch", 1),
        (15, "loss_over_descent", 2.0),
    ],
)
def test_each_claim_can_fail(found: list[Measured], first: int, quantity: str, value: float) -> None:
    for number, name in enumerate(IDS):
        seeds = [{**seed, quantity: {**seed[quantity], name: value}} for seed in found]
        failing = [at for at, verdict in enumerate(verdicts(NAME, seeds)) if verdict == "fails"]
        assert failing == [first + number]


def test_a_rate_that_falls_otherwise_fails(found: list[Measured]) -> None:
    assert verdicts(NAME, [{**seed, "off_minus_a_half": 0.1} for seed in found])[-1] == "fails"


def test_where_the_ravine_is_round_gradient_descent_is_not_beaten() -> None:
    made = [MadeLab({}, seed=seed) for seed in range(3)]
    rates = {"gd": [1.0], "adagrad": [0.1], "rmsprop": [0.01], "adam": [0.01]}
    round_one = measure(NAME, made, steps=20, updates=2, dimension=4, condition=1.01, rates=rates)
    assert verdicts(NAME, round_one)[15:18] == ["fails"] * 3


def test_the_picture_has_losses_and_effective_rates(found: list[Measured]) -> None:
    (picture,) = drawn(NAME, found).values()
    labels = [[line.get_label() for line in axes.get_lines()] for axes in picture.axes]
    assert labels == [["gradient descent", "Adagrad", "RMSprop", "Adam"], ["Adagrad", "RMSprop", "Adam"]]
