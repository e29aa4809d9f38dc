"""Where the loss curves down: along a line, which proves that it is not convex, and over a plane."""

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.grid import around, checked_plane, step

NONCONVEX = 0.01  # a lambda_min above minus this part of |lambda_max| is no negative curvature


def nonconvex_fraction(x: Array, y: Array, loss: Array) -> float:
    """Return the fraction of interior points with lambda_min < -0.01 |lambda_max|.

    These are the smaller and the larger eigenvalue of the 2 x 2 Hessian of the plane by central differences,
    with losses L[row, column] relative to the point:

        L_xx = (L[0, 1] - 2 L[0, 0] + L[0, -1]) / dx^2
        L_yy = (L[1, 0] - 2 L[0, 0] + L[-1, 0]) / dy^2
        L_xy = (L[1, 1] - L[1, -1] - L[-1, 1] + L[-1, -1]) / (4 dx dy)
        lambda = (L_xx + L_yy) / 2 -+ sqrt((L_xx - L_yy)^2 / 4 + L_xy^2)

    They are in units of loss per squared unit of the directions. A point with a +inf among its nine losses
    has no curvature and is left out, of numerator and denominator. On a flat or linear loss the sign is that
    of rounding. Li et al. 2018 (arXiv:1712.09913) map |lambda_min / lambda_max| of the whole Hessian.

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,).
        loss: of shape (ny, nx).

    Returns:
        Of 0 to 1.

    Raises:
        ValueError: the shapes or coordinates are none of such a plane, a loss is NaN or -inf, or no interior
            point has nine finite losses.
    """
    x, y, loss = checked_plane(x, y, loss)
    dx, dy = step(x), step(y)
    known = np.isfinite(loss)
    usable = known[1:-1, 1:-1] & around(known).all(axis=0)
    if not usable.any():
        raise ValueError("no interior point has a finite loss and eight finite ones around it")
    filled = np.where(known, loss, 0.0)  # inf - inf would warn; what comes of it is not usable
    middle = filled[1:-1, 1:-1]
    xx = (filled[1:-1, 2:] - 2 * middle + filled[1:-1, :-2]) / dx**2
    yy = (filled[2:, 1:-1] - 2 * middle + filled[:-2, 1:-1]) / dy**2
    xy = (filled[2:, 2:] - filled[2:, :-2] - filled[:-2, 2:] + filled[:-2, :-2]) / (4 * dx * dy)
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, xy)
    nonconvex = mean - half < -NONCONVEX * np.abs(mean + half)
    return float(nonconvex[usable].mean())


def second_differences(loss: Array) -> Array:
    """Return L[i + 1] - 2 L[i] + L[i - 1] along a line of equally spaced points, not divided by h^2.

    One that is negative proves that the loss is not convex; none negative proves nothing.

    Args:
        loss: of shape (n,), n >= 3.

    Returns:
        Of shape (n - 2,), in units of the loss.

    Raises:
        ValueError: there are fewer than three losses, or one is not finite.
    """
    loss = np.asarray(loss, dtype=np.float64)
    if loss.ndim != 1 or len(loss) < 3:
        raise ValueError(f"second differences need three losses of a line or more, not shape {loss.shape}")
    if not np.isfinite(loss).all():
        raise ValueError("a loss of the line is not finite, so it has no second differences")
    return loss[2:] - 2 * loss[1:-1] + loss[:-2]
