"""Momentum's forms beside powers of their iterations, and a barrier that momentum rolls over."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.arrays import Array
from landscape_cli.phenomena import momentum
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "momentum-nesterov"
LECTURE, AHEAD, CHANGE, IMPLICIT, RAVINE, SHRUNK, BOURRELY, STUCK, OVER = range(9)
CURVATURE, RATE, BETA = np.array([1.0, 20.0]), 0.03, 0.8
START = np.array([1.0, -0.7])


def slope(w: Array) -> Array:
    return CURVATURE * w


def by_powers(matrix: Any, steps: int) -> Array:
    """Return w of (w_s, w_(s-1)) = M^s (w_0, w_0), M of each curvature."""
    return np.array(
        [
            [
                (np.linalg.matrix_power(matrix(c), s) @ [x, x])[0]
                for c, x in zip(CURVATURE, START, strict=True)
            ]
            for s in range(steps + 1)
        ]
    )


def test_forms_are_powers_of_their_iterations() -> None:
    heavy = by_powers(lambda c: np.array([[1 + BETA - RATE * c, -BETA], [1, 0]]), 12)
    np.testing.assert_allclose(momentum.lecture_form(slope, START, np.full(12, RATE), BETA), heavy)
    np.testing.assert_allclose(momentum.torch_form(slope, START, np.full(12, RATE), BETA), heavy)
    implicit = by_powers(lambda c: np.array([[1 + BETA, -BETA], [1 + RATE * c, 0]]) / (1 + RATE * c), 12)
    np.testing.assert_allclose(momentum.gradient_ahead(CURVATURE, START, RATE, BETA, 12), implicit)
    shrunk = [(1 - 0.2 - RATE * CURVATURE) ** s * START for s in range(13)]
    np.testing.assert_allclose(momentum.shrunk(slope, START, 0.2, RATE, 12), shrunk)


def test_look_ahead_by_hand() -> None:
    (_, first, second) = momentum.look_ahead_form(slope, START, RATE, BETA, 2)
    velocity = -RATE * slope(START)
    np.testing.assert_allclose(first, START + velocity + BETA * velocity)
    again = BETA * velocity - RATE * slope(first)
    np.testing.assert_allclose(second, START + velocity + again + BETA * again)


def test_a_schedule_tells_the_forms_apart_by_the_kept_velocity() -> None:
    rates = np.array([0.03, 0.003])
    torchs, lectures = (
        form(slope, START, rates, BETA) for form in (momentum.torch_form, momentum.lecture_form)
    )
    np.testing.assert_allclose(torchs[1], lectures[1])
    np.testing.assert_allclose(torchs[2] - lectures[2], BETA * slope(START) * (0.03 - 0.003))


def failing(found: list[Measured]) -> list[int]:
    """Return the claims that fail if three seeds give what one gave."""
    return [number for number, verdict in enumerate(verdicts(NAME, found * 3)) if verdict == "fails"]


def measured(seeds: int = 1, **settings: Any) -> list[Measured]:
    made = [MadeLab({}, seed=seed) for seed in range(seeds)]
    return measure(NAME, made, **{"steps": 350, "well_steps": 100, "starts": 30, **settings})


def test_claims_hold() -> None:
    found = measured(3)
    assert verdicts(NAME, found) == ["holds"] * 9
    assert list(drawn(NAME, found)) == ["momentum"]
    (seed, *_) = found
    gd, heavy = (seed["losses"][name] for name in ("gradient descent", "momentum"))
    steps = [next(s for s, loss in enumerate(each) if loss <= 1e-3) for each in (heavy, gd)]
    assert seed["momentum_over_gd"] == steps[0] / steps[1]


@pytest.mark.parametrize(
    ("settings", "refuted"),
    [
        ({"momentum": 1e-9}, [CHANGE, RAVINE, BOURRELY, OVER]),
        ({"momentum": 0.9, "steps": 30, "target": 2.0}, [RAVINE, BOURRELY]),
        ({"target": 1e-40}, [RAVINE]),  # neither reaches it
        ({"wells": {"narrow": 8.0, "wide": 2.0, "rise": 0.0}}, [OVER]),
        ({"lr": 0.4}, [STUCK]),
    ],
)
def test_claims_fail(settings: dict[str, Any], refuted: list[int]) -> None:
    assert failing(measured(**settings)) == refuted


def test_gradient_descent_that_does_not_reach_the_target_has_taken_all_steps() -> None:
    (seed,) = measured(steps=200)
    heavy = next(s for s, loss in enumerate(seed["losses"]["momentum"]) if loss <= 1e-3)
    assert (seed["losses"]["gradient descent"] > 1e-3).all()
    assert seed["momentum_over_gd"] == heavy / 200


def test_other_forms_than_torchs_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    right, other = momentum.lecture_form, momentum.look_ahead_form
    monkeypatch.setattr(momentum, "lecture_form", lambda s, x, rates, beta: right(s, x, rates * 1.001, beta))
    monkeypatch.setattr(momentum, "look_ahead_form", lambda s, x, r, beta, n: other(s, x, r * 1.001, beta, n))
    assert failing(measured()) == [LECTURE, AHEAD]


def test_slides_that_were_momentum_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    def as_torch(curvature: Array, start: Array, rate: float, beta: float, steps: int) -> Array:
        return momentum.lecture_form(lambda w: curvature * w, start, np.full(steps, rate), beta)

    def on_changes(form: momentum.Gradient, start: Array, alpha: float, rate: float, steps: int) -> Array:
        return momentum.lecture_form(form, start, np.full(steps, rate), 1 - alpha)

    monkeypatch.setattr(momentum, "gradient_ahead", as_torch)
    monkeypatch.setattr(momentum, "shrunk", on_changes)
    assert failing(measured()) == [IMPLICIT, SHRUNK]


def test_at_the_origin_the_rule_as_written_is_right() -> None:
    """With its minimum there W is what has to shrink: the claim is of a minimum elsewhere."""
    path = momentum.shrunk(slope, START, 0.1, RATE, 300)
    assert np.linalg.norm(path[-1]) < 1e-12
