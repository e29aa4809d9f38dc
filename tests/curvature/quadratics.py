"""A quadratic in float64, whose sharpness has closed forms."""

from collections.abc import Callable

import numpy as np

from landscape_cli.arrays import Array

POINT = np.array([0.0, -2.0, 0.5, 3.0, -0.1, 1.0])
SLOPE = np.array([0.3, -0.2, 0.05, 0.4, 0.0, -0.6])
LOSS = 0.7


def hessian(*eigenvalues: float) -> Array:
    """A symmetric matrix with these six eigenvalues."""
    basis, _ = np.linalg.qr(np.random.RandomState(1).standard_normal((6, 6)))
    return np.asarray(basis @ np.diag(eigenvalues) @ basis.T)


CONVEX = hessian(0.01, 0.1, 0.2, 0.5, 1.0, 4.0)
SADDLE = hessian(-1.5, -0.5, 0.0, 0.1, 1.0, 4.0)


def quadratic(matrix: Array, slope: Array = SLOPE) -> Callable[[Array], tuple[float, Array]]:
    """Point -> 0.7 + slope . d + d . H d / 2 with d the distance to `POINT`, and the gradient."""

    def function(point: Array) -> tuple[float, Array]:
        d = point - POINT
        return float(LOSS + slope @ d + d @ matrix @ d / 2), slope + matrix @ d

    return function
