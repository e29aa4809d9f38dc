"""Linear least squares of more unknowns than equations, or fewer, in float64."""

import numpy as np

from landscape_cli.arrays import Array

SMALLEST = 1e-12  # singular values below this, relative to the largest, count as zero


def min_norm(features: Array, targets: Array) -> Array:
    """Return the least-squares solution (N, k) of the least norm: features (n, N), targets (n, k).

    Where there are at least as many independent features as samples, it fits the targets exactly.
    """
    return np.asarray(np.linalg.lstsq(features, targets, rcond=SMALLEST)[0], dtype=np.float64)


def ridge(features: Array, targets: Array, penalty: float) -> Array:
    """Return the minimizer (N, k) of |features a - targets|^2 + penalty |a|^2."""
    n, count = features.shape
    if count <= n:
        gram = features.T @ features + penalty * np.eye(count)
        return np.asarray(np.linalg.solve(gram, features.T @ targets))
    return np.asarray(features.T @ np.linalg.solve(features @ features.T + penalty * np.eye(n), targets))


def fourier(inputs: Array, frequencies: Array, phases: Array) -> Array:
    """Return random Fourier features sqrt(2 / N) cos(<v, x> + b), (n, N) (Rahimi and Recht 2007).

    Args:
        inputs: (n, d).
        frequencies: v, (N, d); of N(0, I / sigma^2) for a Gaussian kernel of width sigma.
        phases: b, (N,), uniform in [0, 2 pi).
    """
    return np.asarray(np.sqrt(2 / len(phases)) * np.cos(inputs @ frequencies.T + phases))
