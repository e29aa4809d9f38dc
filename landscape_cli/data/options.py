"""Numbers read from the configuration of a data set, or refused in words."""

import math
from typing import Any

from landscape_cli.errors import LandscapeError


def whole(options: dict[str, Any], key: str, *, at_least: int) -> int:
    """Return ``options[key]``, a whole number not below `at_least`.

    Raises:
        LandscapeError: it is missing, something else, or too small.
    """
    value = options.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
        raise LandscapeError(f"dataset.{key} must be a whole number of at least {at_least}, got {value!r}")
    return value


def real(options: dict[str, Any], key: str, *, at_least: float, at_most: float = math.inf) -> float:
    """Return ``options[key]``, a finite number in [at_least, at_most].

    Raises:
        LandscapeError: it is missing, something else, or out of range.
    """
    value: Any = options.get(key)
    wrong_type = isinstance(value, bool) or not isinstance(value, int | float)
    if wrong_type or not math.isfinite(value) or not at_least <= value <= at_most:
        bounds = f"of at least {at_least:g}" if at_most == math.inf else f"from {at_least:g} to {at_most:g}"
        raise LandscapeError(f"dataset.{key} must be a number {bounds}, got {value!r}")
    return float(value)
