"""Numbers with their standard errors: of means, and by the jackknife of functions of means."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from landscape_cli.arrays import Array


class Estimate(NamedTuple):
    """A number, and the standard error with which it is known."""

    value: float
    error: float


def standard_error(draws: ArrayLike) -> Array:
    """Return the standard error of the mean over the first axis; NaN where that has one entry."""
    each = np.asarray(draws, dtype=np.float64)
    if len(each) < 2:
        return np.full(each.shape[1:], np.nan)
    return np.asarray(each.std(axis=0, ddof=1) / np.sqrt(len(each)))


def jackknife(statistic: Callable[[Array], float], rows: Array) -> Estimate:
    """Return a function of the means of independent rows, with its standard error (Efron and Stein 1981).

    Each row is left out once: the error is sqrt((n - 1) / n sum_i (s_i - mean s)^2).

    Args:
        statistic: of means (m,).
        rows: (n, m), what each draw gives; n at least 2.
    """
    count, total = len(rows), rows.sum(axis=0)
    without = np.array([statistic((total - row) / (count - 1)) for row in rows])
    error = np.sqrt((count - 1) / count * np.square(without - without.mean()).sum())
    return Estimate(float(statistic(total / count)), float(error))


def ratio_of_means(numerators: Array, denominators: Array) -> Estimate:
    """Return mean numerator / mean denominator over draws (n,), each: not the mean of ratios."""
    return jackknife(lambda means: float(means[0] / means[1]), np.stack([numerators, denominators], axis=1))
