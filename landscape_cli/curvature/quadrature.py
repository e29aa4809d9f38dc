"""The density of the eigenvalues of a symmetric matrix of which products alone are known."""

from collections.abc import Callable

import numpy as np
from scipy.linalg import eigh_tridiagonal

from landscape_cli.arrays import Array
from landscape_cli.curvature.lanczos import outside
from landscape_cli.measures.density import Quadrature

VANISHED = 1e-10  # of the largest coefficient so far: what a Krylov space leaves is rounding
BYTES = 1 << 30  # of Krylov spaces at a time


def quadrature(
    products: Callable[[Array], Array], size: int, steps: int, vectors: int, random: np.random.RandomState
) -> Quadrature:
    """Return the density of a symmetric matrix's eigenvalues by stochastic Lanczos quadrature.

    From each random vector v of norm 1, Lanczos steps with full orthogonalization give a tridiagonal matrix.
    Its eigenvalues, with the squares of the first entries of its eigenvectors, are Gauss's quadrature of the
    density seen from v: exact for polynomials up to degree 2 `steps` - 1 (Golub and Meurant 1994; Ghorbani,
    Krishnan and Xiao 2019, arXiv:1901.10159). The mean over v estimates the density of all.

    Args:
        products: rows (k, size) -> the matrix times each, as rows: several vectors go on together.
        size: rows of the matrix.
        steps: products for each vector, at most; fewer where its Krylov space is exhausted.
        vectors: how many.
        random: where they come from: standard normal, normalized.
    """
    steps = min(steps, size)
    together = max(1, BYTES // (8 * steps * size))
    nodes, weights = np.full((vectors, steps), np.nan), np.zeros((vectors, steps))
    starts = np.stack([random.standard_normal(size) for _ in range(vectors)])
    for first in range(0, vectors, together):
        found = _lanczos(products, starts[first : first + together], steps)
        for row, (diagonal, beside) in enumerate(found, start=first):
            values, eigenvectors = eigh_tridiagonal(diagonal, beside)
            nodes[row, : len(values)] = values
            weights[row, : len(values)] = eigenvectors[0] ** 2
    return Quadrature(nodes, weights)


def _lanczos(products: Callable[[Array], Array], starts: Array, steps: int) -> list[tuple[Array, Array]]:
    """Return for each row the diagonal, and what stands beside it, of the matrix in its Krylov space."""
    count, size = starts.shape
    basis = np.empty((count, steps, size))
    diagonal: list[list[float]] = [[] for _ in starts]
    beside: list[list[float]] = [[] for _ in starts]
    vectors = starts / np.linalg.norm(starts, axis=1, keepdims=True)
    active = [*range(count)]
    for step in range(steps):
        images = products(vectors[active])
        for row, image in zip(tuple(active), images, strict=True):
            basis[row, step] = vectors[row]
            diagonal[row].append(float(image @ vectors[row]))
            image, _ = outside(basis[row, : step + 1], image)
            length = float(np.linalg.norm(image))
            if step == steps - 1 or length <= VANISHED * max(map(abs, diagonal[row] + beside[row])):
                active.remove(row)
                continue
            beside[row].append(length)
            vectors[row] = image / length
        if not active:
            break
    return [(np.array(one), np.array(other)) for one, other in zip(diagonal, beside, strict=True)]
