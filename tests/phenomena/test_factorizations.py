"""Factorizations from a few starts: stationary points that are known, and claims that hold and fail."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

SEEDS = range(3)


def measured(name: str, **settings: Any) -> list[Measured]:
    return measure(name, [MadeLab({}, seed=seed) for seed in SEEDS], **settings)


FACTORIZED = {"starts": 5, "steps": 300, "sought": 40}


def test_stationary_points_of_a_matrix_factorization_have_the_known_values_and_curvatures() -> None:
    found = measured("matrix-factorization", **FACTORIZED)
    assert verdicts("matrix-factorization", found) == ["holds"] * 7
    assert set(drawn("matrix-factorization", found)) == {"descent", "saddles"}
    for seed in found:
        heights, lowest = (seed[name]["symmetric, rank 1"] for name in ("heights", "eigenvalues"))
        # at sqrt(lambda_j) e_j the value is (|M|^2 - lambda_j^2) / 4, at 0 it is |M|^2 / 4
        known = {0.0: 2.0, 4.0: -2.0, 6.0: -4.0, 6.25: -5.0}
        assert len(heights) > 20
        for height, eigenvalue in zip(heights, lowest, strict=True):
            assert min(abs(height - each) for each in known) < 1e-8
            assert eigenvalue == pytest.approx(known[min(known, key=lambda each: abs(each - height))])
        assert seed["number_of_saddles"]["symmetric, rank 1"] == (heights > 1e-6).sum()


def test_descents_that_are_cut_short_and_minima_among_the_saddles_are_told() -> None:
    found = measured("matrix-factorization", **{**FACTORIZED, "steps": 3, "sought": 2})
    assert verdicts("matrix-factorization", found)[:3] == ["fails"] * 3
    worse = [
        {**seed, "largest_smallest_eigenvalue": {"made": 0.1}, "off_the_formula": [1.0]} for seed in found
    ]
    assert verdicts("matrix-factorization", worse)[3:] == ["fails", "fails"]


SENSED = {"dimension": 6, "rank": 1, "measurements": [0.5, 0.9, 5.0], "starts": 5, "steps": 400}


def test_a_matrix_is_sensed_from_enough_measurements_only() -> None:
    found = measured("matrix-sensing", **SENSED)
    assert verdicts("matrix-sensing", found) == ["holds"] * 3
    assert set(drawn("matrix-sensing", found)) == {"recovery"}
    for seed in found:
        for name, errors in seed["error"].items():
            assert seed["recovered"][name] == sum(error < 1e-3 for error in errors) / 5


def test_a_matrix_is_not_sensed_in_a_step_and_everything_is_near_enough_to_a_lax_eye() -> None:
    assert verdicts("matrix-sensing", measured("matrix-sensing", **{**SENSED, "steps": 1}))[0] == "fails"
    lax = measured("matrix-sensing", **SENSED, recovered=100.0)
    assert verdicts("matrix-sensing", lax) == ["holds", "fails", "fails"]


COMPLETED = {"dimension": 50, "rank": 1, "observed": [0.01, 0.02, 0.3, 0.5], "starts": 3, "steps": 1000}


def test_a_matrix_is_completed_from_enough_entries_only() -> None:
    found = measured("matrix-completion", **COMPLETED)
    assert verdicts("matrix-completion", found) == ["holds"] * 4
    assert set(drawn("matrix-completion", found)) == {"recovery"}
    errors = found[0]["error"]["0.3"]
    assert (found[0]["largest_error"]["0.3"], found[0]["smallest_error"]["0.3"]) == (max(errors), min(errors))
    early = measured("matrix-completion", **{**COMPLETED, "steps": 1})
    assert verdicts("matrix-completion", early) == ["fails", "fails", "holds", "holds"]
    known = [{**seed, "smallest_error": dict.fromkeys(seed["smallest_error"], 1e-6)} for seed in found]
    assert verdicts("matrix-completion", known)[2:] == ["fails", "fails"]


def test_components_of_a_tensor_are_found_unless_noise_is_large() -> None:
    found = measured("tensor-factorization", dimension=3, starts=4, steps=300)
    assert verdicts("tensor-factorization", found) == ["holds"]
    assert set(drawn("tensor-factorization", found)) == {"components"}
    assert all(seed["worst"][-1] == seed["worst_component"] for seed in found)
    assert all(len(seed["loss"]) == 301 for seed in found)
    noisy = measured("tensor-factorization", dimension=3, starts=4, steps=300, noise=20.0)
    assert verdicts("tensor-factorization", noisy) == ["fails"]
    assert np.isfinite(noisy[0]["loss"]).all()
