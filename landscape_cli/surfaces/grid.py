"""The coordinates of a grid. Never imports torch; nor NumPy before there is one: help is to be quick."""

import math
from collections.abc import Sequence
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


def check_grid(key: str, got: Sequence[Any]) -> None:
    """Refuse what is no grid.

    Raises:
        LandscapeError: it is not first, last and count, first below last, and two points or more.
    """
    holds = (
        len(got) == 3
        and all(isinstance(value, int | float) and not isinstance(value, bool) for value in got)
        and all(math.isfinite(value) for value in got)
        and got[0] < got[1]
        and got[2] == int(got[2])
        and got[2] >= 2
    )
    require(holds, key, got, "[first, last, count] with first < last and a whole count of at least 2")
