"""Random directions and planes of a Hessian: what they are drawn from, and what they show of it."""

import numpy as np

from landscape_cli.curvature.random_slices import principal_curvatures, unit_vectors
from landscape_cli.measures import z_score

MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])


def test_unit_vectors() -> None:
    vectors = unit_vectors(400, 30, seed=2)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.abs(vectors.T @ vectors * 30 / 400 - np.eye(30)).max() < 0.4  # no direction is preferred
    assert not np.allclose(vectors, unit_vectors(400, 30, seed=3))


def test_principal_curvatures() -> None:
    assert np.allclose(principal_curvatures(3.0 * np.eye(5), 4, seed=0), 3.0)
    eigenvalues = np.linalg.eigvalsh(MATRIX)
    found = principal_curvatures(MATRIX, 500, seed=0)
    assert found.min() >= eigenvalues[0]
    assert found.max() <= eigenvalues[-1]
    assert abs(z_score(found.mean(axis=1), np.trace(MATRIX) / 3)) < 3
    assert abs(z_score(found.mean(axis=1), np.trace(MATRIX) / 3 + 0.5)) > 3
