"""Least squares against normal equations, and random features against the kernel that they approximate."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_cli.analytic.least_squares import fourier, min_norm, ridge


@pytest.mark.parametrize(("n", "count"), [(12, 5), (5, 12), (6, 6)])
def test_the_solution_of_the_least_norm(n: int, count: int) -> None:
    random = np.random.default_rng(0)
    features, targets = random.normal(size=(n, count)), random.normal(size=(n, 3))
    found = min_norm(features, targets)
    if count > n:
        expected = features.T @ np.linalg.solve(features @ features.T, targets)
        other = found + np.linalg.svd(features)[2][n:].T @ random.normal(size=(count - n, 3))
        assert_allclose(features @ other, targets, atol=1e-10)  # fits as well, and is longer
        assert np.linalg.norm(other) > np.linalg.norm(found)
    else:
        expected = np.linalg.solve(features.T @ features, features.T @ targets)
    assert_allclose(found, expected, rtol=1e-8, atol=1e-10)


def test_where_rows_repeat_the_norm_is_still_the_least() -> None:
    features = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    assert_allclose(min_norm(features, np.array([[2.0], [2.0]])), [[1.0], [1.0], [0.0]], atol=1e-12)


@pytest.mark.parametrize(("n", "count"), [(12, 5), (5, 12)])
def test_ridge_regression_is_stationary(n: int, count: int) -> None:
    random = np.random.default_rng(1)
    features, targets = random.normal(size=(n, count)), random.normal(size=(n, 2))
    found = ridge(features, targets, 0.3)
    assert_allclose(features.T @ (features @ found - targets) + 0.3 * found, 0, atol=1e-12)


def test_many_features_approximate_the_gaussian_kernel() -> None:
    random = np.random.default_rng(2)
    inputs, width = random.normal(size=(6, 3)), 1.7
    features = fourier(
        inputs, random.normal(size=(200_000, 3)) / width, random.uniform(0, 2 * np.pi, 200_000)
    )
    squares = np.square(inputs[:, None] - inputs[None]).sum(-1)
    assert_allclose(features @ features.T, np.exp(-squares / (2 * width**2)), atol=0.02)
    one = fourier(inputs[:1], np.array([[1.0, 2.0, 3.0]]), np.array([0.5]))
    assert one[0, 0] == pytest.approx(np.sqrt(2) * np.cos(inputs[0] @ [1, 2, 3] + 0.5))
