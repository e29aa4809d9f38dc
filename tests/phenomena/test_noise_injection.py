"""Ravines and planted minima, beside plain loops, and where noise and momentum do not help."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.quadratics import dented_ravine
from landscape_cli.phenomena import noise_injection
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, labs, measure, verdicts

RAVINE, FIXES = "bottou-ravine", "bourrely-fixes"


def ravine(seeds: int = 1, **settings: Any) -> list[Measured]:
    return measure(RAVINE, labs(seeds), **{"starts": 60, "long": 1500, "parts": 100, **settings})


def test_gradient_descent_is_at_the_minimum_of_the_steep_directions_alone_and_sgd_leaves_the_dent() -> None:
    found = ravine() * 3
    assert verdicts(RAVINE, found) == ["holds"] * 2
    assert list(drawn(RAVINE, found)) == ["ravine"]
    eigenvalues = 1000 ** np.linspace(0, 1, 20)
    first = MadeLab({}).random("starts").standard_normal((60, 20))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    excess = eigenvalues * (first * (1 - eigenvalues / 1000) ** 100) ** 2 / 2  # each coordinate by itself
    assert found[0]["in_the_bottom"] == pytest.approx((excess[:, :10].sum(1) / excess.sum(1)).min())
    assert found[0]["left_at_the_top"] < 1e-4 < 0.1 < found[0]["left_at_the_bottom"]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"steps": 1}, ["fails", "holds"]),  # the steep directions are not at their minimum yet
        ({"spread": 0.5}, ["holds", "fails"]),  # too little noise to leave
        ({"dent": {"depth": 0.1}}, ["holds", "fails"]),  # no local minimum: the noise only harms
    ],
)
def test_without_a_ravine_or_a_dent_or_noise_the_claims_are_refuted(
    settings: dict[str, Any], expected: list[str]
) -> None:
    assert verdicts(RAVINE, ravine(**settings) * 3) == expected


def fixes(seeds: int = 1, **settings: Any) -> list[Measured]:
    few = {"starts": 50, "steps": 1200, "eta": 2e4, "constants": [30.0]}
    return measure(FIXES, labs(seeds), **{**few, **settings})


def test_momentum_and_annealed_noise_get_past_and_the_form_in_print_shrinks() -> None:
    found = fixes(constants=[10.0, 30.0], steps=2000) * 3
    assert verdicts(FIXES, found)[:4] == ["holds"] * 4
    assert verdicts(FIXES, found)[5:] == ["holds"] * 3
    assert list(drawn(FIXES, found)) == ["fixes"]
    levels = dict(zip(found[0]["constant_escaped"], found[0]["constant_final"], strict=True))
    best = min(final for escaped, final in levels.items() if escaped >= 0.8)
    assert found[0]["annealed_minus_constant"] == pytest.approx(found[0]["annealed_final"] - best)


@pytest.mark.parametrize(
    ("settings", "failing"),
    [
        ({"dent": {"place": 2.0, "depth": 0.1}}, [0, 7]),  # nothing to be caught in
        ({"dent": {"place": 2.0, "depth": 20.0}}, [1, 2, 3, 4]),  # too deep for both
        ({"momentum": 0.1}, [1]),
        ({"eta": 10.0}, [2, 3]),
        ({"eta": 3e5, "gamma": 0.3}, [2, 3, 4]),  # it is not let fall in time
        ({"moved": [0.0, 0.0]}, [6]),  # the minimum is where the form shrinks to
    ],
)
def test_what_does_not_help_is_refuted(settings: dict[str, Any], failing: list[int]) -> None:
    found = verdicts(FIXES, fixes(**settings) * 3)
    assert [number for number, verdict in enumerate(found) if verdict == "fails"] == failing


def test_the_form_in_print_is_that_of_the_text_and_real_momentum_is_refuted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    function, start = dented_ravine(), torch.tensor([[3.0, 0.2]], dtype=torch.float64)
    path = noise_injection.shrunk(function, start, 0.1, 0.05, 3, [1.0, 0.5])
    w = np.array([3.0, 0.2])
    for step in range(4):
        np.testing.assert_allclose(path[0, step], w, rtol=1e-12)
        slope = function.gradient(torch.from_numpy(w - [1.0, 0.5])).numpy()
        w = 0.9 * w - 0.05 * 0.1 * slope

    def remembering(function: Any, start: Any, alpha: float, epsilon: float, steps: int, moved: Any) -> Any:
        return noise_injection.descend(
            noise_injection.translated(function, moved),
            start,
            "heavy_ball",
            {"lr": 0.01, "momentum": 0.9},
            steps,
            0,
        ).points

    monkeypatch.setattr(noise_injection, "shrunk", remembering)
    assert verdicts(FIXES, fixes(steps=100, constants=[10.0]) * 3)[5] == "fails"


def test_little_noise_leaves_the_global_minimum_to_nobody_and_much_to_many() -> None:
    few, many = (
        fixes(eta=eta, gamma=gamma, steps=300, starts=20)[0] for eta, gamma in ((0.0, 1.0), (3e4, 0.0))
    )
    assert few["thrown_out"] == 0
    assert many["thrown_out"] > 0.2
    made = [verdicts(FIXES, [seed] * 3)[4] for seed in (few, many)]
    assert made == ["holds", "fails"]
