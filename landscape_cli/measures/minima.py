"""Where a plane is lower than around: its local minima, and its lowest point."""

from dataclasses import dataclass

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.grid import NEIGHBOURS, around, centre, checked_plane, step


@dataclass(frozen=True)
class Lowest:
    """The lowest point of a plane.

    Attributes:
        loss: there.
        x, y: where that is.
        cells: how far from the plane's centre, in cells of the grid, the larger of the two coordinates.
    """

    loss: float
    x: float
    y: float
    cells: int


def lowest(x: Array, y: Array, loss: Array) -> Lowest:
    """Return the lowest grid point of a plane, the first in row-major order among equals.

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,); 0 is within both.
        loss: of shape (ny, nx).

    Raises:
        ValueError: the shapes or coordinates are none of such a plane, or a loss is NaN or -inf.
    """
    x, y, loss = checked_plane(x, y, loss)
    row, column = divmod(int(loss.argmin()), len(x))
    middle = centre(x, y)
    cells = max(abs(row - middle[0]), abs(column - middle[1]))
    return Lowest(float(loss[row, column]), float(x[column]), float(y[row]), cells)


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
    x, y, loss = checked_plane(x, y, loss)
    start = centre(x, y)
    if not np.isfinite(loss[start]):
        raise ValueError("the loss at the centre is not finite, so no descent starts there")
    strict = np.pad(loss[1:-1, 1:-1] < around(loss).min(axis=0), 1)
    return int(strict.sum()) - int(strict[_descend(loss, start, step(x), step(y))])


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
