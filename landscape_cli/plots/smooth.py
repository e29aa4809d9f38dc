"""Smooth curves between the points of a coarse grid: through every value, with no peaks of their own."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from landscape_cli.arrays import Array
from landscape_cli.store import Surface

Indices = NDArray[np.intp]

FINE = 160
"""Cells along an axis from which on straight pieces between points look smooth."""


def is_coarse(surface: Surface) -> bool:
    """Whether a plane has an axis that `smooth` refines."""
    assert surface.y is not None
    return min(len(surface.x), len(surface.y)) - 1 < FINE // 2


def note(surfaces: Sequence[Surface]) -> str:
    """Return what a picture says of its smooth curves; empty where no plane is coarse."""
    sizes = {
        f"{len(each.x)}\N{MULTIPLICATION SIGN}{len(each.y)}"
        for each in surfaces
        if each.y is not None and is_coarse(each)
    }
    return f"level lines are smooth curves through {' and '.join(sorted(sizes))} points" if sizes else ""


def smooth(x: Array, y: Array, heights: Array) -> tuple[Array, Array, Array]:
    """Return a finer grid and the heights on it, by monotone cubic pieces along y, then along x.

    The points of the coarse grid are among those of the fine one, with their heights; between two of them in
    a row or column the curve rises or falls as they do (Fritsch & Carlson 1980). Cells with a masked corner
    are masked.

    Args:
        x: coordinates, (nx,), increasing.
        y: coordinates, (ny,), likewise.
        heights: (ny, nx), a masked array.
    """
    masked = np.ma.getmaskarray(heights)
    filled = np.ma.filled(heights, np.ma.max(heights))
    fine_x, fine_y = _finer(x), _finer(y)
    fine = np.asarray(filled, dtype=np.float64)
    for axis, coarse, finer in ((0, y, fine_y), (1, x, fine_x)):
        if len(finer) > len(coarse):
            with np.errstate(divide="ignore"):  # level stretches have a slope of 1 / infinity
                fine = PchipInterpolator(coarse, fine, axis=axis)(finer)
    across = [_cells(*both) for both in ((y, fine_y), (x, fine_x))]
    corners = [masked[np.ix_(rows, columns)] for rows in across[0] for columns in across[1]]
    return fine_x, fine_y, np.ma.masked_array(fine, mask=np.any(corners, axis=0))


def _finer(coordinates: Array) -> Array:
    """Return the coordinates with equally many new ones in each interval."""
    cells = len(coordinates) - 1
    parts = -(-FINE // cells) if cells < FINE // 2 else 1
    numbers = np.arange(cells * parts + 1) / parts
    fine = np.interp(numbers, np.arange(cells + 1), coordinates)
    fine[::parts] = coordinates
    return fine


def _cells(coarse: Array, fine: Array) -> tuple[Indices, Indices]:
    """Return the coarse points before and after each fine one; twice itself for one of them."""
    after = np.searchsorted(coarse, fine)
    before = np.where(coarse[after] == fine, after, after - 1)
    return before, after
