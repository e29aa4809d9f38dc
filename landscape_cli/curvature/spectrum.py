"""The density of the eigenvalues of a symmetric matrix of which products alone are known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh_tridiagonal

from landscape_cli.arrays import Array

VANISHED = 1e-10  # of the largest coefficient so far: what a Krylov space leaves is rounding


class Spectrum(NamedTuple):
    """Point masses that stand for the density of the eigenvalues, of total mass 1 a vector.

    Attributes:
        values: where they lie, (k,), ascending; the outermost are close to the outermost eigenvalues.
        weights: their masses, (k,): all together they sum up to 1.
    """

    values: Array
    weights: Array

    def smooth(self, places: Array, width: float) -> Array:
        """Return the density at `places`, (n,), each mass spread as a Gaussian of that standard deviation."""
        off = (places[:, None] - self.values) / width
        return np.asarray(np.exp(-(off**2) / 2) @ self.weights / (width * np.sqrt(2 * np.pi)))


def spectrum(
    product: Callable[[Array], Array], size: int, steps: int, vectors: int, random: np.random.RandomState
) -> Spectrum:
    """Return the density of a symmetric matrix's eigenvalues by stochastic Lanczos quadrature.

    From each random vector v of norm 1, Lanczos steps with full orthogonalization give a tridiagonal matrix.
    Its eigenvalues, with the squares of the first entries of its eigenvectors, are Gauss's quadrature of the
    density seen from v: exact for polynomials up to degree 2 `steps` - 1 (Golub and Meurant 1994; Ghorbani,
    Krishnan and Xiao 2019, arXiv:1901.10159). The mean over v estimates the density of all.

    Args:
        product: vector (size,) -> the matrix times it.
        size: rows of the matrix.
        steps: products for each vector, at most; fewer where its Krylov space is exhausted.
        vectors: how many.
        random: where they come from: standard normal, normalized.
    """
    values, weights = [], []
    for _ in range(vectors):
        diagonal, beside = _lanczos(product, random.standard_normal(size), min(steps, size))
        found, eigenvectors = eigh_tridiagonal(diagonal, beside)
        values.append(found)
        weights.append(eigenvectors[0] ** 2 / vectors)
    order = np.argsort(np.concatenate(values))
    return Spectrum(np.concatenate(values)[order].astype(float), np.concatenate(weights)[order].astype(float))


def _lanczos(product: Callable[[Array], Array], start: Array, steps: int) -> tuple[Array, Array]:
    """Return the diagonal and what stands beside it of the matrix in its Krylov space's own basis."""
    basis = np.empty((steps, len(start)))
    diagonal: list[float] = []
    beside: list[float] = []
    vector = start / np.linalg.norm(start)
    for step in range(steps):
        basis[step] = vector
        image = product(vector)
        diagonal.append(float(image @ vector))
        for _ in range(2):  # once leaves rounding that grows
            image = image - basis[: step + 1].T @ (basis[: step + 1] @ image)
        length = float(np.linalg.norm(image))
        if step == steps - 1 or length <= VANISHED * max(map(abs, diagonal + beside)):
            break
        beside.append(length)
        vector = image / length
    return np.array(diagonal), np.array(beside)
