"""Whether two quantities order the same things alike."""

import numpy as np

from landscape_cli.arrays import Array


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
    return float(spearmanr(a, b).statistic)
