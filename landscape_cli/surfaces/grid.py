"""The coordinates of a grid. Never imports torch; nor NumPy before there is one: help is to be quick."""

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from landscape_cli.keys import require

if TYPE_CHECKING:
    from landscape_cli.arrays import Array


def grid(first: float, last: float, count: float) -> "Array":
    """Return `count` coordinates from first to last, float64; zero up to rounding is zero."""
    import numpy as np

    values = np.linspace(first, last, int(count))
    values[np.abs(values) < 1e-12 * (last - first)] = 0.0
    return values


def as_grid(key: str, got: Any) -> list[Any]:
    """Return [first, last, count] of a grid that is written so, as a tuple, or as ``first:last:count``.

    Raises:
        LandscapeError: it is none of these, first is not below last, or there are less than two points.
    """
    parts = [_number(word) for word in got.split(":")] if isinstance(got, str) else got
    holds = (
        isinstance(parts, list | tuple)
        and len(parts) == 3
        and all(isinstance(value, int | float) and not isinstance(value, bool) for value in parts)
        and all(math.isfinite(value) for value in parts)
        and parts[0] < parts[1]
        and parts[2] == int(parts[2])
        and parts[2] >= 2
    )
    require(holds, key, got, "first:last:count with first < last and a whole count of at least 2")
    return list(parts)


def _number(word: str) -> int | float | str:
    """Return the number that a word is, as a list of the command line would hold it; or the word."""
    for kind in (int, float):
        with suppress(ValueError):
            return kind(word)
    return word
