"""Steps to a loss over the batch size: from falling like 1 / B to constant."""

from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array


class Hyperbola(NamedTuple):
    """The fit S = S_min + E_min / B.

    Attributes:
        critical: E_min / S_min, the batch size at which S is twice S_min.
        r_squared: the share of the variance of log S that it explains.
        fitted: S of the fit, at the batch sizes.
    """

    critical: float
    r_squared: float
    fitted: Array


def hyperbola(batches: Array, steps: Array) -> Hyperbola:
    """Return the least-squares fit, in log S, of (S / S_min - 1) (E / E_min - 1) = 1 with E = B S samples.

    It is that of McCandlish et al. 2018 (arXiv:1812.06162), section 2.3. Infinite steps are left out.

    Args:
        batches: B, (n,).
        steps: S, (n,).

    Raises:
        ValueError: fewer than three steps are finite.
    """
    from scipy.optimize import least_squares  # a quarter of a second

    size, known = np.asarray(batches, dtype=np.float64), np.isfinite(steps)
    if known.sum() < 3:
        raise ValueError(f"a hyperbola needs three batch sizes with finite steps, got {known.sum()}")
    logs = np.log(np.asarray(steps, dtype=np.float64)[known])

    def model(logarithms: Array) -> Array:
        return np.asarray(np.logaddexp(logarithms[0], logarithms[1] - np.log(size)))

    def off(logarithms: Array) -> Array:
        return np.asarray(model(logarithms)[known] - logs)

    found = least_squares(off, [logs.min(), (logs + np.log(size[known])).min()]).x
    left = np.square(off(found)).sum() / np.square(logs - logs.mean()).sum()
    return Hyperbola(float(np.exp(found[1] - found[0])), float(1 - left), np.exp(model(found)))
