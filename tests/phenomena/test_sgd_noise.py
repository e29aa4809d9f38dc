"""The floor of SGD at a constant step size, beside what is known of it in closed form."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.rules import RULES, Step
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "sgd-vs-gd-noise-floor"
SMALL = {
    "condition": 3.0,
    "dimension": 2,
    "rates": [0.16, 0.08],
    "batches": [1, 4],
    "chains": 300,
    "steps": 300,
    "draws": 5000,
}


def measured(seeds: int = 3, **settings: Any) -> list[Measured]:
    made = [MadeLab({}, seed=seed) for seed in range(seeds)]
    return measure(NAME, made, **{**SMALL, **settings})


def test_the_floor_is_the_stationary_one_of_its_noise() -> None:
    (found,) = measured(1, spread=2.0)
    random = torch.Generator().manual_seed(0)  # the tilts of the rule, drawn first
    tilts = 2.0 * torch.randn(1000, 2, generator=random, dtype=torch.float64).numpy()
    variance = tilts.var(axis=0)
    for (rate, batch), floor in zip([(0.16, 1), (0.08, 1), (0.04, 4)], found["floors"], strict=True):
        step = 0.16 if batch == 4 else rate
        expected = (step * variance / (2 * batch * (2 - step * np.array([1.0, 3.0])))).sum()
        assert floor == pytest.approx(expected, rel=0.05)
    np.testing.assert_allclose(found["scale"], [0.16, 0.08, 0.04])
    np.testing.assert_allclose(found["variances"], variance.sum() / np.array([1, 4]), rtol=0.1)
    one, half, quarter = found["floors"]
    assert found["off_half"] == {"0.16": pytest.approx(abs(half / one * 2 - 1))}
    assert found["off_double"] == {"1": pytest.approx(abs(quarter / one * 2 - 1))}
    start = MadeLab({}).random("start").standard_normal(2)
    losses = [
        (np.array([1, 3]) * ((1 - 0.16 * np.array([1, 3])) ** s * start) ** 2).sum() / 2 for s in range(9)
    ]
    np.testing.assert_allclose(found["gradient_descent"][:9], losses)


def test_the_floor_falls_with_the_step_and_with_one_over_the_batch() -> None:
    found = measured(batches=[1, 2])
    assert verdicts(NAME, found) == ["holds"] * 5
    (picture,) = drawn(NAME, found).values()
    _, floor, variance = picture.axes
    assert [axes.get_lines()[0].get_label() for axes in (floor, variance)] == ["in theory"] * 2
    assert "small steps" in floor.get_title()
    assert "small steps" not in variance.get_title()


def test_a_floor_that_is_not_of_noise_is_told() -> None:
    """Where nothing has come to rest, the losses are those of the start: neither halves them."""
    found = measured(1, batches=[1, 2], rates=[0.002, 0.001], steps=10)
    assert verdicts(NAME, found * 3)[:3] == ["fails"] * 3


def test_gradients_that_miss_the_mean_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    right = RULES["sgd"]

    def biased(function: Function, start: torch.Tensor, random: torch.Generator, **options: Any) -> Step:
        step, points = right(function, start, random, **options), start.clone()

        def pushed() -> torch.Tensor:
            return points.copy_(step() - options["lr"] * 2.0)

        return pushed

    monkeypatch.setitem(RULES, "sgd", biased)
    assert verdicts(NAME, measured(1, batches=[1, 2, 4]) * 3)[-2:] == ["fails", "fails"]
