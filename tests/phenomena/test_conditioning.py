"""Steps of gradient descent and momentum on a quadratic, beside powers of their iteration."""

import numpy as np
import pytest

from made_lab import MadeLab, drawn, measure, verdicts

CONDITIONS, DIMENSION, EXCESS = [10.0, 40.0, 160.0], 5, 1e-4


def steps_by_powers(kappa: float, start: np.ndarray, momentum: bool) -> int:
    """Return the steps until the loss has fallen to EXCESS of it: M_i^k of each coordinate's two numbers."""
    root = np.sqrt(kappa)
    rate = 4 / (root + 1) ** 2 if momentum else 2 / (kappa + 1)
    beta = ((root - 1) / (root + 1)) ** 2 if momentum else 0.0
    curvature = np.geomspace(1, kappa, len(start))
    iterations = [np.array([[1 + beta - rate * each, -beta], [1.0, 0.0]]) for each in curvature]

    def loss(count: int) -> float:
        places = [
            (np.linalg.matrix_power(one, count) @ [x, x])[0] for one, x in zip(iterations, start, strict=True)
        ]
        return float((curvature * np.square(places)).sum())

    return next(count for count in range(10**6) if loss(count) <= EXCESS * loss(0))


def test_steps_are_those_of_powers_of_the_iteration() -> None:
    made = MadeLab({}, seed=2)
    start = made.random("start").standard_normal(DIMENSION)
    (found,) = measure("condition-number", [made], conditions=CONDITIONS, dimension=DIMENSION, excess=EXCESS)
    slopes = []
    for name in ("gradient descent", "momentum"):
        expected = [steps_by_powers(kappa, start, name == "momentum") for kappa in CONDITIONS]
        assert found["steps"][name].tolist() == expected
        slopes.append(np.polyfit(np.log(CONDITIONS), np.log(expected), 1)[0])
    assert found["off_one"] == pytest.approx(abs(slopes[0] - 1))
    assert found["off_a_half"] == pytest.approx(abs(slopes[1] - 0.5))


def test_the_steps_grow_like_the_condition_number_and_its_root() -> None:
    found = measure("condition-number", [MadeLab({}, seed=seed) for seed in range(3)])
    assert verdicts("condition-number", found) == ["holds", "holds"]
    assert list(drawn("condition-number", found)) == ["steps"]


def test_where_a_single_step_is_enough_they_do_not() -> None:
    made = [MadeLab({}, seed=seed) for seed in range(3)]
    found = measure("condition-number", made, conditions=[1.01, 1.02, 1.05], excess=0.5)
    assert verdicts("condition-number", found) == ["fails", "fails"]
