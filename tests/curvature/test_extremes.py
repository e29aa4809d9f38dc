"""The ends of spectra that are known."""

from collections.abc import Callable

import numpy as np
import pytest

from landscape_cli.curvature.extremes import Extremes, extremes

SIZE = 200
FLAT = np.linspace(-0.01, 0.01, SIZE - 6)
SPECTRA = {
    "indefinite": [-3, -1, 10, 4, 3, 2],
    "the largest magnitude is negative": [-20, -10, -5, 3, 2, 1],
    "all negative": [-20, -10, -5, -1, -0.5, -0.2, *(FLAT - 0.1)],
    "minimum": [-0.02, 0.3, 50, 20, 10, 5],
    "positive definite, the smallest at the shift": [10, 8, 5, 4, 3, 2, *(FLAT + 1.01)],
    "the same magnitude": [-7, -2, 0, 1, 2, 7],
    "half a spectrum of zeros": [40, 20, 10, 5, 2, 1, *np.zeros(SIZE - 6)],
    "two values": [1, 1, 1, 1, 1, 1, *np.full(SIZE - 6, -1)],
    "one value": np.full(SIZE, 2.5),
    "tiny": 1e-9 * np.linspace(-3, 7, SIZE),
}


def matrix(values: object, seed: int = 0) -> np.ndarray:
    values = np.asarray(values, float)
    if len(values) == 6:
        values = np.concatenate([values, FLAT])
    vectors = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(values), len(values))))[0]
    return (vectors * values) @ vectors.T


class Counted:
    def __init__(self, matrix: np.ndarray, noise: float = 0.0) -> None:
        self.matrix, self.noise, self.count = matrix, noise, 0
        self.random = np.random.default_rng(5)

    def __call__(self, vector: np.ndarray) -> np.ndarray:
        self.count += 1
        product = self.matrix @ vector
        return product + self.noise * self.random.standard_normal(len(vector))


def find(
    product: Callable[..., np.ndarray], tolerance: float = 1e-2, start: Extremes | None = None
) -> Extremes:
    size = len(product.matrix) if isinstance(product, Counted) else SIZE
    return extremes(product, size, tolerance, np.random.default_rng(1), start)


def check(found: Extremes, matrix: np.ndarray, tolerance: float) -> None:
    values = np.linalg.eigvalsh(matrix)
    scale = 0.1 * np.abs(values[[0, -1]]).max()
    for value, expected in ((found.smallest, values[0]), (found.largest, values[-1])):
        assert abs(value - expected) <= tolerance * (abs(expected) + scale)
    assert found.residual <= tolerance
    norms = np.linalg.norm(matrix @ found.vectors - found.vectors * [found.smallest, found.largest], axis=0)
    ends = np.abs([found.smallest, found.largest])
    assert found.residual == pytest.approx(np.max(norms / (ends + 0.1 * ends.max())), rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("tolerance", [1e-2, 1e-6])
@pytest.mark.parametrize("spectrum", SPECTRA)
def test_both_ends_of_a_spectrum(spectrum: str, tolerance: float) -> None:
    product = Counted(matrix(SPECTRA[spectrum]))
    found = find(product, tolerance)
    check(found, product.matrix, tolerance)
    assert found.products == product.count
    assert found.ratio == pytest.approx(abs(found.smallest / found.largest))


@pytest.mark.parametrize("size", [1, 2, 3, 29, 30, 31, 32])
def test_small_matrices(size: int) -> None:
    product = Counted(matrix(np.random.default_rng(size).standard_normal(size)))
    check(find(product, 1e-3), product.matrix, 1e-3)


def test_from_the_neighbours_vectors_it_takes_fewer_products() -> None:
    rng = np.random.default_rng(3)
    change = rng.standard_normal((SIZE, SIZE))
    for values in (SPECTRA["indefinite"], SPECTRA["the largest magnitude is negative"]):
        first = matrix(values)
        second = Counted(first + 0.01 * (change + change.T))
        cold = find(second)
        warm = find(second, start=find(Counted(first)))
        check(cold, second.matrix, 1e-2)
        check(warm, second.matrix, 1e-2)
        assert warm.products < 0.75 * cold.products


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_a_start_that_knows_nothing_of_the_ends_is_no_trap(scale: float) -> None:
    """Exact eigenvectors, but of other eigenvalues; and a magnitude that is far from the matrix's."""
    product = Counted(matrix(SPECTRA["indefinite"]))
    values, vectors = np.linalg.eigh(product.matrix)
    start = Extremes(values[1] * scale, values[-2] * scale, vectors[:, [1, -2]], 0.0, 0)
    check(find(product, start=start), product.matrix, 1e-2)


def test_a_matrix_of_zeros() -> None:
    zeros = Counted(np.zeros((SIZE, SIZE)))
    found = find(zeros)
    assert (found.smallest, found.largest, found.ratio, found.residual) == (0, 0, 0, 0)
    indefinite = Counted(matrix(SPECTRA["indefinite"]))
    after = find(indefinite, start=found)
    check(after, indefinite.matrix, 1e-2)
    assert find(zeros, start=after).largest == pytest.approx(0, abs=1e-12)


def test_what_did_not_converge_says_so() -> None:
    product = Counted(matrix(SPECTRA["indefinite"]), noise=1e-3)
    found = find(product, tolerance=1e-8)
    assert 1e-8 < found.residual < 1e-2
    assert found.largest == pytest.approx(10, rel=1e-2)
    assert found.products == product.count


def test_products_that_are_not_finite_are_an_error() -> None:
    with pytest.raises(FloatingPointError):
        find(lambda vector: np.full(SIZE, np.nan))
