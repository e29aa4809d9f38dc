"""The k largest, and the k smallest, eigenvalues of a symmetric matrix of which products alone are known."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array

LOOKS = 20  # vectors for each step between two looks, which cost the eigenvectors of a small matrix
SCALE = 0.1  # of the largest magnitude: below this, eigenvalues are as good as the magnitude allows
VANISHED = 1e-12  # of the largest magnitude: what a Krylov space leaves is rounding
BYTES = 1 << 31  # of the Krylov space
VECTORS = 300  # in it, at most
SPARE = 10  # at least beyond those that are wanted
RESTARTS = 30


Random = np.random.RandomState | np.random.Generator


class Pairs(NamedTuple):
    """Eigenpairs.

    Attributes:
        values: (n,), ascending: the smallest, then the largest.
        vectors: their eigenvectors of norm 1, as rows, (n, size).
        residuals: ||A v - lambda v|| / (|lambda| + max |lambda| / 10) of each, (n,): there is an eigenvalue
            so close to it.
        products: how many products they took.
    """

    values: Array
    vectors: Array
    residuals: Array
    products: int


def eigenpairs(
    product: Callable[[Array], Array],
    size: int,
    largest: int,
    smallest: int,
    random: Random,
    *,
    tolerance: float = 1e-3,
    most: int | None = None,
    start: Array | None = None,
) -> Pairs:
    """Return eigenpairs at the ends of the spectrum by Lanczos' method with thick restarts.

    Each product adds a vector to a Krylov space, orthogonalized against all of it, until the pairs at the
    ends have residuals of at most `tolerance`; a space that is full is restarted from its outer eigenvectors
    (Wu and Simon 2000). The residual is what the space leaves of A v, so it costs no product. An eigenvalue
    that is there several times is found once, as in each method that starts from one vector; the next one
    has its place then, with a residual as small.

    Args:
        product: vector (size,) -> the matrix times it.
        size: rows of the matrix.
        largest: how many of the largest eigenvalues; all there are at most.
        smallest: how many of the smallest; of what the largest leave.
        random: where the first vector comes from, and what goes on where a space holds whole eigenvectors.
        tolerance: of the residuals.
        most: vectors in the space; None: as many as `VECTORS` and `BYTES` allow.
        start: the first vector, in which what is sought has a large part; None: a random one.

    Raises:
        FloatingPointError: a product is not finite.
    """
    largest = min(largest, size)
    wanted = largest + min(smallest, size - largest)
    room = max(min(most or VECTORS, BYTES // (8 * size)), wanted + SPARE)
    space = _Space(product, size, min(room, size), random, start)
    restarts = 0
    while True:
        full = space.grow()
        if not full and space.count % (1 + space.count // LOOKS) and not space.exhausted:
            continue
        if space.count < wanted:
            continue
        values, vectors, residuals = space.ritz()
        chosen = np.r_[: wanted - largest, space.count - largest : space.count]
        scale = np.abs(values) + SCALE * np.abs(values).max()
        relative = np.divide(residuals, scale, out=np.zeros_like(residuals), where=scale > 0)
        done = (relative[chosen] <= tolerance).all() or space.exhausted or restarts == RESTARTS
        if done:
            found = vectors[:, chosen].T @ space.basis[: space.count]
            return Pairs(values[chosen], found, relative[chosen], space.products)
        if full:
            space.restart(values, vectors, largest, wanted - largest)
            restarts += 1


class _Space:
    """An orthonormal basis, the matrix in it, and what one more product leaves outside of it."""

    def __init__(
        self,
        product: Callable[[Array], Array],
        size: int,
        room: int,
        random: Random,
        start: Array | None,
    ) -> None:
        self._product, self._random = product, random
        self.basis, self.matrix = np.empty((room, size)), np.zeros((room, room))
        self.count = self.products = 0
        self.exhausted = False
        self._length = 0.0
        self._next = self._drawn() if start is None else start / np.linalg.norm(start)

    def grow(self) -> bool:
        """Add a vector; return whether there is room for no other."""
        self.basis[self.count] = self._next
        image = self._product(self._next)
        self.products += 1
        if not np.isfinite(image).all():
            raise FloatingPointError("a product with the matrix is not finite")
        self.count += 1
        rest, along = self._outside(image)
        self.matrix[self.count - 1, : self.count] = self.matrix[: self.count, self.count - 1] = along
        self._length = float(np.linalg.norm(rest))
        full = self.count == len(self.basis)
        if self._length > VANISHED * np.abs(self.matrix[: self.count, : self.count]).max():
            self._next = rest / self._length
        elif self.count == self.basis.shape[1]:
            self.exhausted = True
        else:  # the space holds whole eigenvectors: go on in what it leaves out
            self._next, self._length = self._drawn(), 0.0
            self.exhausted = full
        return full

    def ritz(self) -> tuple[Array, Array, Array]:
        """Return the eigenvalues in the space, ascending, the vectors in its basis, and their residuals."""
        values, vectors = np.linalg.eigh(self.matrix[: self.count, : self.count])
        return values, vectors, self._length * np.abs(vectors[-1])

    def restart(self, values: Array, vectors: Array, largest: int, smallest: int) -> None:
        """Keep the outer eigenvectors: those that are wanted, and of the others at each end half as many."""
        spare = (self.count - largest - smallest) // 2
        low = smallest + (spare // 2 if smallest else 0)
        high = largest + (spare // 2 if largest else 0)
        kept = np.r_[:low, self.count - high : self.count]
        self.basis[: len(kept)] = vectors[:, kept].T @ self.basis[: self.count]
        self.matrix[:] = 0
        self.matrix[range(len(kept)), range(len(kept))] = values[kept]
        self.count = len(kept)

    def _drawn(self) -> Array:
        vector, _ = self._outside(self._random.standard_normal(self.basis.shape[1]))
        return vector / np.linalg.norm(vector)

    def _outside(self, vector: Array) -> tuple[Array, Array]:
        return outside(self.basis[: self.count], vector)


def outside(basis: Array, vector: Array) -> tuple[Array, Array]:
    """Return what an orthonormal basis leaves of a vector, (size,), and the vector's coordinates in it, (k,).

    Args:
        basis: rows (k, size).
        vector: (size,).
    """
    along = basis @ vector
    vector = vector - along @ basis
    again = basis @ vector  # once leaves rounding that grows
    return vector - again @ basis, along + again
