"""How far the loss rises, on the average, where normal noise is added to the weights: expected sharpness.

Neyshabur et al. 2017 (arXiv:1706.08947), section 3, and Jiang et al. 2020 (arXiv:1912.02178), appendix C.5.
"""

from collections.abc import Callable

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.estimates import standard_error


def expected_rise(
    value: Callable[[Array], float],
    point: Array,
    sigma: float,
    scales: Array | float = 1.0,
    *,
    pairs: int,
    random: np.random.RandomState,
) -> tuple[float, float]:
    """Return the mean of L(w + sigma s z) - L(w) over standard normal z, and its standard error.

    Each z is drawn with its opposite, whose linear terms cancel: the mean over pairs is exact to first order.
    To second order it is sigma^2 / 2 times the trace of S H S, S = diag(s).

    Args:
        value: the loss at a point, +inf where it is not finite.
        point: w, (n,).
        sigma: standard deviation, in units of s.
        scales: s, (n,) or one number.
        pairs: how many, two or more.
        random: draws z.

    Returns:
        Both infinite where a loss is.
    """
    loss, rises = value(point), []
    for _ in range(pairs):
        noise = sigma * scales * random.standard_normal(len(point))
        rises.append((value(point + noise) + value(point - noise)) / 2 - loss)
    if not np.isfinite(rises).all():
        return np.inf, np.inf
    return float(np.mean(rises)), float(standard_error(rises))
