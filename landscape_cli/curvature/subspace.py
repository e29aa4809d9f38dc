"""How much of a vector lies in a subspace, and how much of one subspace in another.

A subspace is given by orthonormal columns U, of shape (p, k), so that its projector is P = U U^T (Gur-Ari,
Roberts, Dyer 2018, "Gradient descent happens in a tiny subspace", arXiv:1812.04754).
"""

import numpy as np

from landscape_cli.arrays import Array

ORTHONORMAL = 1e-4  # largest entry of U^T U - I


def share(vector: Array, basis: Array) -> float:
    """Return |P v|^2 / |v|^2, in [0, 1]; of a random vector k / p on average. NaN for a vector of zeros.

    Args:
        vector: (p,).
        basis: (p, k), orthonormal columns.

    Raises:
        ValueError: the columns are not orthonormal.
    """
    _check(basis)
    square = float(vector @ vector)
    return float(np.square(basis.T @ vector).sum() / square) if square else np.nan


def overlap(one: Array, other: Array) -> float:
    """Return tr(P P') / k, in [0, 1]: 1 for the same subspace; of random ones k / p on average.

    Args:
        one: (p, k), orthonormal columns.
        other: (p, k), likewise.

    Raises:
        ValueError: the columns are not orthonormal, or the shapes differ.
    """
    if one.shape != other.shape:
        raise ValueError(f"subspaces must be of one shape, got {one.shape} and {other.shape}")
    _check(one)
    _check(other)
    return float(np.square(one.T @ other).sum() / one.shape[1])


def _check(basis: Array) -> None:
    off = np.abs(basis.T @ basis - np.eye(basis.shape[1])).max()
    if not off <= ORTHONORMAL:
        raise ValueError(f"columns must be orthonormal; products of them are {off:.2g} off")
