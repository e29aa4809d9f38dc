"""Matrices with given eigenvalues."""

import numpy as np


def matrix_with(eigenvalues: np.ndarray) -> np.ndarray:
    """Return a symmetric matrix with these eigenvalues, its eigenvectors at random."""
    size = len(eigenvalues)
    basis, _ = np.linalg.qr(np.random.default_rng(1).standard_normal((size, size)))
    return basis @ np.diag(eigenvalues) @ basis.T
