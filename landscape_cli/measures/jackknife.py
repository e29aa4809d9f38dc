"""A function of means, with its standard error: the jackknife (Tukey 1958; Efron and Stein 1981)."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array


class Estimate(NamedTuple):
    """A number, and the standard error with which it is known."""

    value: float
    error: float


def jackknife(statistic: Callable[[Array], float], rows: Array) -> Estimate:
    """Return a function of the means of independent rows, with its standard error.

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
