"""Measures of a loss landscape, from the losses over a line or a plane of the weights.

Every picture, claim and table takes them from here, so that a radius means the same everywhere. Coordinates
are in units of the directions that span the line or plane; the losses of a plane are ``loss[y, x]``, of shape
(ny, nx). What a surface file holds is understood as it is meant: +inf is a loss that was evaluated and is not
finite, hence higher than every threshold; NaN is a point not evaluated, and nothing is measured over gaps.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from scipy.ndimage import label

from landscape_cli.arrays import Array

ON_GRID = 1e-9  # of the extent of a grid: how near to zero its zero must be
NONCONVEX = 0.01  # a lambda_min above minus this part of |lambda_max| is no negative curvature
NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def barrier(alpha: Array, loss: Array) -> tuple[float, float]:
    """Return max over [0, 1] of L(alpha) - ((1 - alpha) L(0) + alpha L(1)), and the alpha where it is.

    Zero where the loss lies nowhere above the chord: the ends are on the grid. It is the barrier of
    Entezari et al. 2022 (arXiv:2110.06296).

    Args:
        alpha: coordinates, of shape (n,), with 0 and 1 among them.
        loss: of shape (n,).

    Raises:
        ValueError: 0 or 1 is not on the grid, or a loss at an end is not finite.
    """
    ends = [np.flatnonzero(np.isclose(alpha, end, atol=1e-9)) for end in (0.0, 1.0)]
    if any(len(end) == 0 for end in ends):
        raise ValueError("alpha 0 and 1 are not both on the grid; alpha=[-0.5,1.5,41] has them")
    start, end = (float(loss[index[0]]) for index in ends)
    if not (np.isfinite(start) and np.isfinite(end)):
        raise ValueError("the loss at an end is not finite")
    between = (alpha >= -1e-9) & (alpha <= 1 + 1e-9)
    rise = loss[between] - ((1 - alpha[between]) * start + alpha[between] * end)
    highest = int(np.argmax(rise))
    return float(rise[highest]), float(alpha[between][highest])


def line_radius(x: Array, loss: Array, threshold: float) -> float:
    """Return the mean over both signs of the smallest |alpha| with L(theta + alpha d) >= threshold.

    The crossing lies between the last grid point below the threshold, a, and the first one at or above it,
    b; it is put at a + (b - a) (threshold - L(a)) / (L(b) - L(a)), linear interpolation. Where L(b) is +inf
    that is a, its limit for L(b) -> inf: higher losses never give a larger radius. It is a number for
    what Li et al. 2018 (arXiv:1712.09913) call the width of a minimum in their one-dimensional plots.

    Args:
        x: alpha, increasing, of shape (n,), in norms of the direction; 0 is among them.
        loss: of shape (n,).
        threshold: a loss.

    Returns:
        A length in the units of x; 0 where L(0) >= threshold; +inf, censored, where a side of the grid
        ends below the threshold.

    Raises:
        ValueError: the shapes do not fit, x does not increase or lacks 0, a loss is NaN or -inf, or the
            threshold is not finite.
    """
    x, loss = _line(x, loss)
    _check_threshold(threshold)
    zero = int(np.argmin(np.abs(x)))
    if abs(x[zero]) > ON_GRID * (x[-1] - x[0]):
        raise ValueError(f"0 is not on the grid from {x[0]:g} to {x[-1]:g}; an odd number of points has it")
    if loss[zero] >= threshold:
        return 0.0
    backward = _reached(-x[zero::-1], loss[zero::-1], threshold)
    forward = _reached(x[zero:], loss[zero:], threshold)
    return (backward + forward) / 2


def mean_radius(lines: Iterable[tuple[Array, Array]], threshold: float) -> float:
    """Return the mean of `line_radius` over several lines through the same weights.

    One direction says little: a radius that is compared is that of five random directions or more.

    Args:
        lines: (x, loss) of each direction, both of shape (n,); n may differ.
        threshold: a loss.

    Returns:
        A length in the units of x; +inf where any of the lines is censored.

    Raises:
        ValueError: there are no lines, or one is refused by `line_radius`.
    """
    radii = [line_radius(x, loss, threshold) for x, loss in lines]
    if not radii:
        raise ValueError("no lines to measure a radius on")
    return float(np.mean(radii))


def plane_radius(x: Array, y: Array, loss: Array, threshold: float) -> float:
    """Return sqrt(area / pi) of the 4-connected component of {L < threshold} that holds the centre.

    The centre is the grid point nearest to (0, 0); the area is the number of points in the component times
    the area of a grid cell, dx dy. It is the radius of the disc as large as the contour line around the
    solution in the two-dimensional plots of Li et al. 2018 (arXiv:1712.09913).

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,); 0 is within both.
        loss: of shape (ny, nx).
        threshold: a loss.

    Returns:
        A length in the units of x and y; 0 where the loss at the centre is >= threshold; +inf, censored,
        where the component has a point on the border of the grid.

    Raises:
        ValueError: the shapes or coordinates are none of such a plane, a loss is NaN or -inf, or the
            threshold is not finite.
    """
    x, y, loss = _plane(x, y, loss)
    _check_threshold(threshold)
    row, column = _centre(x, y)
    components, _ = label(loss < threshold)  # by default it connects the four neighbours
    if components[row, column] == 0:
        return 0.0
    component = components == components[row, column]
    if component[0].any() or component[-1].any() or component[:, 0].any() or component[:, -1].any():
        return float("inf")
    return float(np.sqrt(component.sum() * _step(x) * _step(y) / np.pi))


def minima(x: Array, y: Array, loss: Array) -> int:
    """Return the number of strict local minima of a plane, without the one of the centre's basin.

    A strict local minimum is an interior point whose loss is below that of its eight neighbours. Points on
    the border are none: what lies behind them is not known. Points of a plateau are none.

    The basin of the centre is that of steepest descent on the grid: from the point nearest to (0, 0), go to
    the neighbour, of eight, with the largest (L - L') / distance > 0, the first in row-major order among
    equals, until no neighbour is lower. The minimum where that ends is left out; every other strict minimum
    is the end of a basin of its own. Where it ends on the border or a plateau there is none to leave out.

    Rounding makes minima too: there is no smallest depth.

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,); 0 is within both.
        loss: of shape (ny, nx).

    Raises:
        ValueError: the shapes or coordinates are none of such a plane, a loss is NaN or -inf, or the loss at
            the centre is not finite.
    """
    x, y, loss = _plane(x, y, loss)
    centre = _centre(x, y)
    if not np.isfinite(loss[centre]):
        raise ValueError("the loss at the centre is not finite, so no descent starts there")
    strict = np.pad(loss[1:-1, 1:-1] < _around(loss).min(axis=0), 1)
    return int(strict.sum()) - int(strict[_descend(loss, centre, _step(x), _step(y))])


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
    x, y, loss = _plane(x, y, loss)
    dx, dy = _step(x), _step(y)
    known = np.isfinite(loss)
    usable = known[1:-1, 1:-1] & _around(known).all(axis=0)
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


def spearman(a: Array, b: Array) -> float:
    """Return Spearman's rank correlation, that of Pearson between average ranks (`scipy.stats.spearmanr`).

    Infinities are ranked like numbers, so a censored radius is the largest. A perfect order gives -1 or 1 up
    to rounding.

    Args:
        a: of shape (n,), n >= 2.
        b: of shape (n,).

    Returns:
        rho, of -1 to 1; NaN where a or b is constant.

    Raises:
        ValueError: the shapes differ, n < 2, or a value is NaN.
    """
    from scipy.stats import spearmanr  # a third of a second, which drawing need not wait for

    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"a rank correlation needs two pairs or more, not shapes {a.shape} and {b.shape}")
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a value is NaN, which has no rank")
    if (a == a[0]).all() or (b == b[0]).all():
        return float("nan")  # SciPy would warn
    return float(spearmanr(a, b).statistic)


def _reached(distance: Array, loss: Array, threshold: float) -> float:
    """Return the distance at which the loss first reaches the threshold; the first loss is below it."""
    above = np.flatnonzero(loss >= threshold)
    if len(above) == 0:
        return float("inf")
    after = int(above[0])
    before = after - 1
    part = (threshold - loss[before]) / (loss[after] - loss[before])  # 0 where the loss is +inf
    return float(distance[before] + (distance[after] - distance[before]) * part)


def _around(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the eight neighbours of each interior point of (ny, nx): of shape (8, ny - 2, nx - 2)."""
    rows, columns = values.shape
    return np.stack([values[1 + i : rows - 1 + i, 1 + j : columns - 1 + j] for i, j in NEIGHBOURS])


def _descend(loss: Array, start: tuple[int, int], dx: float, dy: float) -> tuple[int, int]:
    """Return the point where steepest descent by eight neighbours from `start` ends."""
    row, column = start
    while True:
        steepest, lowest = 0.0, (row, column)
        for down, right in NEIGHBOURS:
            beside = (row + down, column + right)
            if not (0 <= beside[0] < loss.shape[0] and 0 <= beside[1] < loss.shape[1]):
                continue
            slope = float(loss[row, column] - loss[beside]) / float(np.hypot(down * dy, right * dx))
            if slope > steepest:
                steepest, lowest = slope, beside
        if lowest == (row, column):
            return lowest
        row, column = lowest


def _centre(x: Array, y: Array) -> tuple[int, int]:
    """Return row and column of the grid point nearest to (0, 0); of two equally near, the lower."""
    for name, axis in (("x", x), ("y", y)):
        if not axis[0] <= 0 <= axis[-1]:
            raise ValueError(
                f"the plane has no centre: {name} goes from {axis[0]:g} to {axis[-1]:g}, without 0"
            )
    return int(np.argmin(np.abs(y))), int(np.argmin(np.abs(x)))


def _step(axis: Array) -> float:
    return float(axis[-1] - axis[0]) / (len(axis) - 1)


def _line(x: Array, loss: Array) -> tuple[Array, Array]:
    x, loss = np.asarray(x, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    if x.ndim != 1 or loss.shape != x.shape or len(x) < 2:
        raise ValueError(
            f"a line has two coordinates or more and as many losses, not shapes {x.shape} and {loss.shape}"
        )
    _check_increasing("x", x)
    _check_losses(loss)
    return x, loss


def _plane(x: Array, y: Array, loss: Array) -> tuple[Array, Array, Array]:
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    loss = np.asarray(loss, dtype=np.float64)
    if x.ndim != 1 or y.ndim != 1 or loss.shape != (len(y), len(x)) or min(loss.shape) < 3:
        raise ValueError(
            f"a plane has losses of shape (ny, nx), both 3 or more, not {loss.shape} "
            f"for y of shape {y.shape} and x of shape {x.shape}"
        )
    for name, axis in (("x", x), ("y", y)):
        _check_increasing(name, axis)
        if not np.allclose(np.diff(axis), _step(axis), rtol=1e-4, atol=0):  # coordinates may be float32
            raise ValueError(f"{name} is not equally spaced")
    _check_losses(loss)
    return x, y, loss


def _check_increasing(name: str, axis: Array) -> None:
    if not (np.isfinite(axis).all() and (np.diff(axis) > 0).all()):
        raise ValueError(f"{name} does not increase from point to point")


def _check_losses(loss: Array) -> None:
    if np.isnan(loss).any():
        raise ValueError(f"{int(np.isnan(loss).sum())} of {loss.size} losses are NaN: not evaluated yet")
    if np.isneginf(loss).any():
        raise ValueError("a loss is -inf")


def _check_threshold(threshold: float) -> None:
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold is {threshold}, and must be finite")
