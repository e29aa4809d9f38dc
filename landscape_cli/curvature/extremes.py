"""The largest and the smallest eigenvalue of a symmetric matrix of which products alone are known."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from landscape_cli.arrays import Array

# Measured on 121 Hessians of a small network, 1,480 weights each, to a tolerance of 1e-2: both ends from one
# Krylov space of 20 vectors took 22 products a point from the neighbour's eigenvectors and 41 from a random
# vector, one space for each end 38 and 63, LOBPCG 32 with wrong values. Spaces of 8 to 24 vectors differ
# little there; from a random vector on ResNet-20, spaces of 8, 20 and 30 vectors took 53, 38 and 31.
KRYLOV = 20  # vectors, from a neighbour's eigenvectors
FIRST = 30  # from a random vector; a matrix no larger is written out
RESTARTS = 100
RETRIES = 2
SCALE = 0.1  # of the largest magnitude: below this, eigenvalues are as good as the magnitude allows
ANY = 1e6  # a tolerance that every estimate meets
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
    """Return both ends of the spectrum, by the implicitly restarted Lanczos method (SciPy's ARPACK).

    An end lambda is accepted when ||Hv - lambda v|| is at most tolerance (|lambda| + max |lambda| / 10). The
    second term keeps an end near zero, as the smallest at a minimum, from being sought more exactly than the
    products are known; ARPACK, whose criterion is relative to the eigenvalue, works on H shifted by it. Where
    that does not come about, `residual` says so: it is larger than `tolerance`.

    Args:
        product: v -> H v, both of shape (size,).
        size: the number of rows.
        tolerance: relative, of the eigenvalues.
        random: for the starting vector.
        start: the ends at a point nearby, from whose eigenvectors to start.
    """
    tried = _once(product, size, tolerance, random, start)
    products = tried.products
    for _ in range(RETRIES):  # the neighbour's magnitude, by which the first try goes, may be far larger
        if tried.residual <= tolerance:
            break
        tried = _once(product, size, tolerance, random, tried)
        products += tried.products
    return dataclasses.replace(tried, products=products)


def _once(
    product: Callable[[Array], Array],
    size: int,
    tolerance: float,
    random: np.random.Generator,
    start: Extremes | None,
) -> Extremes:
    """Return the ends to a tolerance that goes by the magnitude of `start`, where that is given."""
    count = 0

    def counted(vector: Array) -> Array:
        nonlocal count
        count += 1
        result = product(np.ascontiguousarray(vector.reshape(size), dtype=np.float64))
        if not np.isfinite(result).all():
            raise FloatingPointError("a product with the Hessian is not finite")
        return result

    if size <= FIRST:
        matrix = np.stack([counted(row) for row in np.eye(size)])
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return _ends(values[[0, -1]], vectors[:, [0, -1]], matrix @ vectors[:, [0, -1]], count)
    operator = LinearOperator((size, size), matvec=counted, dtype=np.float64)
    noise = random.standard_normal(size)
    noise /= np.linalg.norm(noise)
    magnitude = max(start.smallest, start.largest, key=abs) if start is not None else 0.0
    if start is not None and magnitude:
        near, space = start.vectors.sum(axis=1), KRYLOV
    else:
        if not counted(noise).any():  # nothing to start from: as where a network's outputs have died
            return _ends(np.zeros(2), np.zeros((size, 2)), np.zeros((size, 2)), count)
        (magnitude,), first = _arpack(operator, noise, k=1, which="LM", ncv=6, tol=0.1)
        near, space = first[:, 0], FIRST
    shift = SCALE * magnitude
    shifted = LinearOperator((size, size), matvec=lambda v: operator.matvec(v) - shift * v, dtype=np.float64)
    values, vectors = _arpack(shifted, near + NOISE * noise, k=2, which="BE", ncv=space, tol=tolerance)
    images = np.stack([counted(vector) for vector in vectors.T], axis=1)
    return _ends(values + shift, vectors, images, count)


def _arpack(operator: LinearOperator, start: Array, *, tol: float, **options: Any) -> tuple[Array, Array]:
    """Return eigenvalues, ascending, and eigenvectors; or those of a first Krylov space."""
    try:
        values, vectors = eigsh(operator, v0=start, tol=tol, maxiter=RESTARTS, **options)
    except ArpackNoConvergence:
        values, vectors = eigsh(operator, v0=start, tol=ANY, **options)
    order = np.argsort(values)
    return values[order], vectors[:, order]


def _ends(values: Array, vectors: Array, images: Array, products: int) -> Extremes:
    """Return the extremes with the residual that the images H v of the vectors leave."""
    scale = np.abs(values) + SCALE * np.abs(values).max()
    norms = np.linalg.norm(images - vectors * values, axis=0)
    residual = np.max(norms / scale) if scale.all() else 0.0
    return Extremes(float(values[0]), float(values[1]), vectors, float(residual), products)
