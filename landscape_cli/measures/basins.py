"""In which minimum each of many descents ended."""

import numpy as np

from landscape_cli.arrays import Array

ELSEWHERE = -1
"""The number of a descent that ended in no minimum."""

NEAR = 1e-2  # of the extent of the starts, within which two ends are one place
FLAT = 1e-2  # length of the gradient, relative to the median at the starts, below which a descent has arrived


def basins(
    starts: Array, ends: Array, slopes: tuple[Array, Array], minima: Array
) -> tuple[np.ndarray[tuple[int], np.dtype[np.int64]], Array]:
    """Return the number of each end's minimum, (n,), `ELSEWHERE` for none, and the minima, (m, d).

    Known minima are taken as they are: an end is in the nearest one if it lies near it. Without any, ends
    that have arrived are put together where they lie near one another, largest group first. What is near,
    and what flat, the starts tell: one descent that went far would make all others arrived.

    Args:
        starts: (n, d), where the descents began.
        ends: (n, d), where they ended; NaN where they left for infinity.
        slopes: lengths of the gradient at the starts and at the ends, (n,) each.
        minima: (m, d), those that are known, or (0, d).
    """
    found = np.full(len(ends), ELSEWHERE)
    finite = np.isfinite(ends).all(axis=1)
    if not finite.any():
        return found, minima
    near = NEAR * max(float(np.ptp(starts, axis=0).max()), 1e-12)
    places = minima
    if not len(minima):
        at_starts, at_ends = slopes
        places = _groups(ends[finite & (at_ends <= FLAT * np.median(at_starts))], near)
    if len(places):
        distance = np.linalg.norm(ends[finite][:, None] - places[None], axis=-1)
        found[finite] = np.where(distance.min(axis=1) <= near, distance.argmin(axis=1), ELSEWHERE)
    return found, places


def _groups(ends: Array, near: float) -> Array:
    """Return one place for each group of ends that lie within `near` of its first, largest group first."""
    places: list[Array] = []
    counts: list[int] = []
    left = ends
    while len(left):
        close = np.linalg.norm(left - left[0], axis=1) <= near
        places.append(left[close].mean(axis=0))
        counts.append(int(close.sum()))
        left = left[~close]
    order = np.argsort(counts, kind="stable")[::-1]
    return np.array(places).reshape(-1, ends.shape[1])[order]
