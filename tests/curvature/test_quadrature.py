"""Densities of eigenvalues against those of matrices that are written out."""

import numpy as np
import pytest
from curvature_cases import matrix_with

from landscape_cli.curvature.quadrature import quadrature

SIZE = 40
EIGENVALUES = np.concatenate([np.linspace(-0.5, 1.5, SIZE - 2), [4.0, 9.0]])


def test_moments_are_those_of_the_vector() -> None:
    dense, steps = matrix_with(np.linspace(-1, 1, SIZE)), 6
    found = quadrature(lambda rows: rows @ dense, SIZE, steps, 1, np.random.RandomState(3))
    vector = np.random.RandomState(3).standard_normal(SIZE)
    vector /= np.linalg.norm(vector)
    assert found.nodes.shape == (1, steps)
    for degree in range(2 * steps):
        exact = vector @ np.linalg.matrix_power(dense, degree) @ vector
        np.testing.assert_allclose(found.mean(found.nodes**degree)[0], exact, atol=1e-12)
    beyond = vector @ np.linalg.matrix_power(dense, 2 * steps) @ vector
    assert abs(found.mean(found.nodes ** (2 * steps))[0] - beyond) > 1e-6


def test_all_steps_find_all_eigenvalues() -> None:
    dense = matrix_with(EIGENVALUES)
    found = quadrature(lambda rows: rows @ dense, SIZE, SIZE, 1, np.random.RandomState(0))
    np.testing.assert_allclose(found.nodes[0], np.sort(EIGENVALUES), atol=1e-6)


def test_the_mean_over_vectors_is_the_density_of_all() -> None:
    dense = matrix_with(EIGENVALUES)
    found = quadrature(lambda rows: rows @ dense, SIZE, 20, 400, np.random.RandomState(0))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)
    for values, exact in (
        (found.nodes, EIGENVALUES.mean()),
        (found.nodes**2, (EIGENVALUES**2).mean()),
        (found.nodes > 2, 2 / SIZE),
        (found.nodes < 0, (EIGENVALUES < 0).mean()),
    ):
        mean, error = found.mean(values)
        assert 0 < error < 0.15 * exact
        assert mean == pytest.approx(exact, abs=3 * error + 0.01)
    assert (np.diff(found.nodes, axis=1) >= 0).all()


@pytest.mark.parametrize("together", [1, 2, 5])
def test_vectors_that_go_on_together_see_the_same(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    dense, asked = matrix_with(EIGENVALUES), []

    def products(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return rows @ dense

    whole = quadrature(products, SIZE, 12, 5, np.random.RandomState(2))
    assert max(asked) == 5
    asked.clear()
    monkeypatch.setattr("landscape_cli.curvature.quadrature.BYTES", 8 * 12 * SIZE * together)
    parts = quadrature(products, SIZE, 12, 5, np.random.RandomState(2))
    assert max(asked) == together
    np.testing.assert_allclose(parts.nodes, whole.nodes, atol=1e-12)
    np.testing.assert_allclose(parts.weights, whole.weights, atol=1e-12)


def test_an_exhausted_space_ends_the_steps() -> None:
    dense = matrix_with(np.repeat([1.0, 3.0], SIZE // 2))
    found = quadrature(lambda rows: rows @ dense, SIZE, 10, 2, np.random.RandomState(0))
    np.testing.assert_allclose(found.nodes[:, :2], [[1, 3], [1, 3]])
    assert np.isnan(found.nodes[:, 2:]).all()
    assert (found.weights[:, 2:] == 0).all()
    zero = quadrature(np.zeros_like, SIZE, 10, 1, np.random.RandomState(0))
    assert zero.nodes[0, 0] == 0
    assert np.isnan(zero.nodes[0, 1:]).all()


def test_the_error_is_that_of_a_mean_over_vectors() -> None:
    """Over 200 repetitions the mean is unbiased, and within twice its error nineteen times of twenty."""
    dense, exact = matrix_with(EIGENVALUES), EIGENVALUES.mean()
    off = []
    for seed in range(200):
        found = quadrature(lambda rows: rows @ dense, SIZE, 3, 10, np.random.RandomState(seed))
        mean, error = found.mean(found.nodes)
        off.append((mean - exact) / error)
    assert abs(np.mean(off)) < 0.4  # of a standard error: the distribution is skewed to the right
    assert 0.85 < np.mean(np.abs(off) < 2) < 0.99
