"""How far apart numbers are: as a ratio, or in standard errors."""

import math

import numpy as np

from landscape_cli.arrays import Array


def ratio(one: float, other: float) -> float:
    """Return one / other: infinite where `other` alone is zero, NaN where both are zero or both infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(np.float64(one) / np.float64(other))


def z_score(values: Array, expected: float) -> float:
    """Return the distance of the mean from what is expected, in standard errors of the mean.

    Args:
        values: independent draws, of shape (n,), n >= 2.
        expected: the mean under the hypothesis.
    """
    return float((values.mean() - expected) / (values.std(ddof=1) / math.sqrt(len(values))))
