"""The largest and the smallest eigenvalue of a symmetric matrix of which products alone are known."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.curvature.lanczos import SCALE, eigenpairs

NOISE = 0.1  # in a warm start: an eigenvector that the neighbour's have nothing of is found, too


@dataclass(frozen=True)
class Extremes:
    """The ends of a spectrum.

    Attributes:
        smallest: the algebraically smallest eigenvalue.
        largest: the algebraically largest.
        vectors: their eigenvectors, of norm 1, (n, 2), the smallest's first.
        residual: the larger ||Hv - lambda v|| / (|lambda| + max |lambda| / 10) of the two, computed from
            products: there is an eigenvalue of H so close to each.
        products: how many products that took.
    """

    smallest: float
    largest: float
    vectors: Array
    residual: float
    products: int

    @property
    def ratio(self) -> float:
        """|smallest / largest|, as in figure 7 of Li et al. (2018); 0 for a matrix of zeros."""
        if self.smallest == 0:
            return 0.0
        return abs(self.smallest / self.largest) if self.largest else np.inf


def extremes(
    product: Callable[[Array], Array],
    size: int,
    tolerance: float,
    random: np.random.Generator,
    start: Extremes | None = None,
) -> Extremes:
    """Return both ends of the spectrum by Lanczos' method, from one Krylov space.

    An end lambda is accepted when ||Hv - lambda v|| is at most tolerance (|lambda| + max |lambda| / 10). The
    second term keeps an end near zero, as the smallest at a minimum, from being sought more exactly than the
    products are known. Two last products say what the residual is; where products are too rough for the
    tolerance it is larger.

    Args:
        product: v -> H v, both of shape (size,).
        size: the number of rows.
        tolerance: relative, of the eigenvalues.
        random: for the starting vector.
        start: the ends at a point nearby, from whose eigenvectors to start.

    Raises:
        FloatingPointError: a product is not finite.
    """
    first = None
    if start is not None and size > 1:
        noise = random.standard_normal(size)
        first = start.vectors.sum(axis=1) + NOISE * noise / np.linalg.norm(noise)
    pairs = eigenpairs(product, size, 1, 1, random, tolerance=tolerance, start=first)
    ends = pairs.values[[0, -1]]
    vectors = pairs.vectors[[0, -1]].T
    images = np.stack([product(vector) for vector in np.ascontiguousarray(vectors.T)], axis=1)
    scale = np.abs(ends) + SCALE * np.abs(ends).max()
    norms = np.linalg.norm(images - vectors * ends, axis=0)
    residual = np.max(norms / scale) if scale.all() else 0.0
    return Extremes(float(ends[0]), float(ends[1]), vectors, float(residual), pairs.products + 2)
