"""Densities of eigenvalues against those of matrices that are written out."""

import numpy as np
import pytest

from landscape_cli.curvature.spectrum import Spectrum, spectrum

SIZE = 40


def matrix(eigenvalues: np.ndarray) -> np.ndarray:
    basis, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((SIZE, SIZE)))
    return basis @ np.diag(eigenvalues) @ basis.T


EIGENVALUES = np.concatenate([np.linspace(-0.5, 1.5, SIZE - 2), [4.0, 9.0]])


def test_moments_are_those_of_the_vector() -> None:
    dense, steps = matrix(np.linspace(-1, 1, SIZE)), 6
    found = spectrum(lambda vector: dense @ vector, SIZE, steps, 1, np.random.RandomState(3))
    vector = np.random.RandomState(3).standard_normal(SIZE)
    vector /= np.linalg.norm(vector)
    assert len(found.values) == steps
    for degree in range(2 * steps):
        exact = vector @ np.linalg.matrix_power(dense, degree) @ vector
        np.testing.assert_allclose(found.weights @ found.values**degree, exact, atol=1e-12)
    beyond = vector @ np.linalg.matrix_power(dense, 2 * steps) @ vector
    assert abs(found.weights @ found.values ** (2 * steps) - beyond) > 1e-6


def test_all_steps_find_all_eigenvalues() -> None:
    dense = matrix(EIGENVALUES)
    found = spectrum(lambda vector: dense @ vector, SIZE, SIZE, 1, np.random.RandomState(0))
    np.testing.assert_allclose(found.values, np.sort(EIGENVALUES), atol=1e-6)


def test_the_mean_over_vectors_is_the_density_of_all() -> None:
    dense = matrix(EIGENVALUES)
    found = spectrum(lambda vector: dense @ vector, SIZE, 20, 400, np.random.RandomState(0))
    assert found.weights.sum() == pytest.approx(1)
    assert found.weights @ found.values == pytest.approx(EIGENVALUES.mean(), rel=0.1)
    assert found.weights[found.values > 2].sum() == pytest.approx(2 / SIZE, rel=0.15)
    assert found.weights[found.values < 0].sum() == pytest.approx((EIGENVALUES < 0).mean(), rel=0.15)
    assert (np.diff(found.values) >= 0).all()


def test_an_exhausted_space_ends_the_steps() -> None:
    dense = matrix(np.repeat([1.0, 3.0], SIZE // 2))
    found = spectrum(lambda vector: dense @ vector, SIZE, 10, 1, np.random.RandomState(0))
    np.testing.assert_allclose(found.values, [1, 3])
    zero = spectrum(np.zeros_like, SIZE, 10, 1, np.random.RandomState(0))
    np.testing.assert_allclose(zero.values, [0])


def test_the_smooth_density_has_the_mass() -> None:
    places = np.linspace(-10, 10, 4001)
    density = Spectrum(np.array([-1.0, 2.0]), np.array([0.75, 0.25])).smooth(places, 0.2)
    step = places[1] - places[0]
    assert density.sum() * step == pytest.approx(1)
    assert density[places > 0.5].sum() * step == pytest.approx(0.25)
    assert density.max() == pytest.approx(0.75 / (0.2 * np.sqrt(2 * np.pi)))
