"""Traces and Frobenius norms against the matrix itself: no bias, and errors that are errors."""

from collections.abc import Callable

import numpy as np
import pytest
from curvature_cases import matrix_with

from landscape_cli.curvature.trace import Moments, moments

EIGENVALUES = np.concatenate([np.random.default_rng(5).normal(0, 0.05, 95), [0.5, 1.0, 2.0, 4.0, 8.0]])
DENSE = matrix_with(EIGENVALUES)
TRACE, NORM = EIGENVALUES.sum(), np.linalg.norm(EIGENVALUES)


def products(rows: np.ndarray) -> np.ndarray:
    return rows @ DENSE


def test_estimates_are_unbiased_and_their_errors_cover() -> None:
    found = [moments(products, 100, 10, np.random.RandomState(seed)) for seed in range(200)]
    exact: dict[str, tuple[float, Callable[[Moments], tuple[float, float]]]] = {
        "trace": (TRACE, lambda one: (one.trace, one.trace_error)),
        "frobenius": (NORM, lambda one: (one.frobenius, one.frobenius_error)),
    }
    for name, (truth, of) in exact.items():
        values, errors = np.array([of(one) for one in found]).T
        spread = values.std(ddof=1)
        assert abs(values.mean() - truth) < 3 * spread / np.sqrt(200), name
        assert np.sqrt(np.mean(errors**2)) == pytest.approx(spread, rel=0.15), name
        covered = np.mean(np.abs(values - truth) < 2 * errors)
        assert 0.85 < covered < 0.99, name  # of ten: Student's t within 2 has 0.92
    assert {one.products for one in found} == {30}


def test_the_large_part_is_exact() -> None:
    """With five large eigenvalues of 100 the error is that of the rest, far below Hutchinson's."""
    random, plain = np.random.RandomState(0), []
    for _ in range(200):
        signs = np.where(random.randint(2, size=(30, 100)) > 0, 1.0, -1.0)
        plain.append(np.mean(np.sum(signs * products(signs), axis=1)))
    ours = [moments(products, 100, 10, np.random.RandomState(seed)).trace for seed in range(200)]
    assert np.std(ours) < 0.3 * np.std(plain)


def test_a_small_matrix_is_computed_exactly() -> None:
    found = moments(products, 100, 100, np.random.RandomState(0))
    assert found.trace == pytest.approx(TRACE, abs=1e-10)
    assert found.frobenius == pytest.approx(NORM, abs=1e-10)
    assert (found.trace_error, found.frobenius_error) == (0, 0)
    nothing = moments(np.zeros_like, 100, 5, np.random.RandomState(0))
    assert nothing[:4] == (0, 0, 0, 0)
