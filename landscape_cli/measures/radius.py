"""How far from the weights the loss reaches a threshold: the radius of the valley they lie in."""

from collections.abc import Iterable, Sequence

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.grid import centre, checked_line, checked_plane, nearest, step
from landscape_cli.measures.places import loss_at

ON_GRID = 1e-9  # of the extent of a grid: how near to zero its zero must be


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
    x, loss = checked_line(x, loss)
    _check_threshold(threshold)
    zero = nearest(x, 0.0)
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


def valley_radius(lines: Sequence[tuple[Array, Array]], rise: float) -> float:
    """Return the mean distance at which the loss has risen by `rise` above that at the weights, L*.

    Args:
        lines: (x, loss) of each direction, both of shape (n,), all through the same weights at x = 0; L* is
            read off the first.
        rise: in units of the loss.

    Returns:
        The `mean_radius` at the threshold L* + rise; +inf where any of the lines is censored.

    Raises:
        ValueError: there are no lines, or one is refused by `line_radius`.
    """
    if not lines:
        raise ValueError("no lines to measure a radius on")
    return mean_radius(lines, loss_at(*lines[0], 0.0) + rise)


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
    from scipy.ndimage import label  # a tenth of a second, which lines need not wait for

    x, y, loss = checked_plane(x, y, loss)
    _check_threshold(threshold)
    row, column = centre(x, y)
    components, _ = label(loss < threshold)  # by default it connects the four neighbours
    if components[row, column] == 0:
        return 0.0
    component = components == components[row, column]
    if component[0].any() or component[-1].any() or component[:, 0].any() or component[:, -1].any():
        return float("inf")
    return float(np.sqrt(component.sum() * step(x) * step(y) / np.pi))


def _reached(distance: Array, loss: Array, threshold: float) -> float:
    """Return the distance at which the loss first reaches the threshold; the first loss is below it."""
    above = np.flatnonzero(loss >= threshold)
    if len(above) == 0:
        return float("inf")
    after = int(above[0])
    before = after - 1
    part = (threshold - loss[before]) / (loss[after] - loss[before])  # 0 where the loss is +inf
    return float(distance[before] + (distance[after] - distance[before]) * part)


def _check_threshold(threshold: float) -> None:
    if not np.isfinite(threshold):
        raise ValueError(f"the threshold is {threshold}, and must be finite")
