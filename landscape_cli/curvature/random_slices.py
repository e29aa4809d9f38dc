"""The curvature that lines and planes along random directions show of a Hessian."""

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.data.streams import stream


def unit_vectors(count: int, size: int, seed: int) -> Array:
    """Return random directions of length 1, uniformly distributed, of shape (count, size)."""
    drawn = stream(seed, "directions").standard_normal((count, size))
    return np.asarray(drawn / np.linalg.norm(drawn, axis=1, keepdims=True))


def principal_curvatures(hessian: Array, count: int, seed: int) -> Array:
    """Return the eigenvalues of D^T H D, ascending, of shape (count, 2), for random D with D^T D = 1.

    Args:
        hessian: H, of shape (p, p), p >= 2.
        count: of planes, each spanned by the two columns of its D.
        seed: of the planes.
    """
    draws = stream(seed, "planes")
    found = []
    for _ in range(count):
        plane, _ = np.linalg.qr(draws.standard_normal((len(hessian), 2)))
        found.append(np.linalg.eigvalsh(plane.T @ hessian @ plane))
    return np.array(found)
