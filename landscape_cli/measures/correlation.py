"""Whether two quantities order the same things alike."""

from collections.abc import Sequence

import numpy as np

from landscape_cli.arrays import Array

DIGITS = 12  # a ratio of small whole numbers: rounding leaves 0.8 below 0.8
FEWEST = 3  # pairs of which an order is worth telling


def spearman(a: Array, b: Array) -> float:
    """Return Spearman's rank correlation, that of Pearson between average ranks (`scipy.stats.spearmanr`).

    Infinities are ranked like numbers, so a censored radius is the largest. A perfect order gives -1 or 1 up
    to rounding.

    Args:
        a: of shape (n,), n >= 2.
        b: of shape (n,).

    Returns:
        rho, of -1 to 1; NaN where a or b is constant.

    Raises:
        ValueError: the shapes differ, n < 2, or a value is NaN.
    """
    from scipy.stats import spearmanr  # a third of a second, which drawing need not wait for

    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(f"a rank correlation needs two pairs or more, not shapes {a.shape} and {b.shape}")
    if np.isnan(a).any() or np.isnan(b).any():
        raise ValueError("a value is NaN, which has no rank")
    if (a == a[0]).all() or (b == b[0]).all():
        return float("nan")  # SciPy would warn
    return round(float(spearmanr(a, b).statistic), DIGITS)


def rank_correlations(columns: Sequence[Array]) -> Array:
    """Return the matrix of Spearman's rank correlations between columns, (k, k).

    Each is over the rows in which both are known; NaN where these are fewer than three.

    Args:
        columns: k of shape (n,); NaN is what is not known.
    """
    found = np.full((len(columns), len(columns)), np.nan)
    for row, a in enumerate(columns):
        for column, b in enumerate(columns):
            known = ~np.isnan(a) & ~np.isnan(b)
            if known.sum() >= FEWEST:
                found[row, column] = spearman(a[known], b[known])
    return found
