"""How heavy the tails of gradient noise are: the tail index and the kurtosis.

The tail index alpha is that of symmetric alpha-stable laws: 2 is Gaussian, less is heavier, 1 is Cauchy. A
sum of K1 such numbers is K1^(1 / alpha) times as wide as one. Hence the estimator of Mohammadi, Mohammadpour
and Ogata (2015), which Simsekli, Sagun and Gurbuzbalaban (2019, arXiv:1901.06053) took to gradients: of
numbers X_1 ... X_K, K = K1 K2, with Y_i the sum of K1 consecutive ones,

    1 / alpha = (mean ln|Y| - mean ln|X|) / ln K1.

Of a law of finite variance the sums come near a Gaussian as K1 grows, and alpha near 2, but only as fast as
1 / ln K1: a million numbers of Laplace's law give 1.85, and 100 draws a coordinate 1.62. So an index below 2
says that the numbers are not Gaussian, and not that their variance is infinite.

Numbers that are exactly zero, as of dead units and blank pixels, are left out: their logarithms would destroy
it.
"""

import math

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.estimates import Estimate, jackknife, standard_error

PIECES = 20  # consecutive parts of the numbers, whose scatter gives the standard error
FEWEST = 4  # numbers: two sums of two
NOTHING = Estimate(math.nan, math.nan)


def tail_index(values: Array) -> Estimate:
    """Return alpha of numbers of one law, in their order; NaN of fewer than four that are not zero.

    Of a matrix (draws, p) of gradient noise, row after row, this is the estimate of Simsekli et al.: all
    coordinates count as draws of one law. Coordinates of different scales look like heavy tails where they
    are mixed, so their order is kept. K1 is the largest whole number up to sqrt(K), and the few numbers
    beyond K1 K2 are left out.

    The standard error is from consecutive pieces, which are taken for independent.

    Args:
        values: of any shape.
    """
    kept = values[values != 0]
    if len(kept) < FEWEST:
        return NOTHING
    length = math.isqrt(len(kept))
    blocks = kept[: len(kept) // length * length].reshape(-1, length)
    return _index(_exponents(blocks)[:, None])


def coordinate_tail_index(noise: Array) -> Estimate:
    """Return alpha of the noise of each coordinate by itself, over draws: scales of coordinates cancel.

    Exponents 1 / alpha are averaged over coordinates. NaN for fewer than four draws.

    Args:
        noise: (draws, p), of independent draws; coordinates that are zero in a draw are left out.
    """
    length, alive = math.isqrt(len(noise)), _alive(noise)
    if len(noise) < FEWEST or not alive.size:
        return NOTHING
    blocks = alive[: len(noise) // length * length].reshape(-1, length, alive.shape[1])
    return _index(np.stack([_exponents(block.T) for block in blocks]))


def kurtosis(noise: Array) -> Estimate:
    """Return E x^4 / (E x^2)^2 over all coordinates and draws that are not zero: 3 for a Gaussian.

    Args:
        noise: (draws, p), about zero.
    """
    square = np.square(noise, dtype=np.float64)
    sums = np.stack([(noise != 0).sum(axis=1), square.sum(axis=1), np.square(square).sum(axis=1)], axis=1)
    if not square.any():
        return NOTHING
    return jackknife(lambda means: float(means[0] * means[2] / means[1] ** 2), sums.astype(np.float64))


def coordinate_kurtosis(noise: Array) -> Estimate:
    """Return the mean over coordinates j of E x_j^4 / (E x_j^2)^2 over draws: 3 for a Gaussian.

    With the factor (n + 2) / n, by which it is 3 on average for n Gaussian draws of known mean. Of the noise
    of batches of B independent samples it is 3 + (that of single samples - 3) / B.

    Args:
        noise: (draws, p), of independent draws, about zero; coordinates that are zero in a draw are left out.
    """
    square = np.square(_alive(noise), dtype=np.float64)
    if not square.size:
        return NOTHING
    draws, second, fourth = len(square), square.sum(axis=0), np.square(square).sum(axis=0)

    def of(count: int, second: Array, fourth: Array) -> float:
        return float((count + 2) * (fourth / np.square(second)).mean())

    without = np.array([of(draws - 1, second - row, fourth - np.square(row)) for row in square])
    error = np.sqrt((draws - 1) / draws * np.square(without - without.mean()).sum())
    return Estimate(of(draws, second, fourth), float(error))


def _alive(noise: Array) -> Array:
    """Return the coordinates that are not zero in any draw."""
    return noise[:, (noise != 0).all(axis=0)]


def _exponents(blocks: Array) -> Array:
    """Return (ln|sum| - mean ln|x|) / ln K1 of each row (n, K1): 1 / alpha; NaN where the sum is zero."""
    sums = np.abs(blocks.sum(axis=1, dtype=np.float64))
    widths = np.log(np.where(sums > 0, sums, np.nan))
    return np.asarray(
        (widths - np.log(np.abs(blocks)).mean(axis=1, dtype=np.float64)) / np.log(blocks.shape[1])
    )


def _index(exponents: Array) -> Estimate:
    """Return alpha from exponents (n, m), consecutive rows first; its error by the delta method."""
    known = np.nanmean(exponents[np.isfinite(exponents).any(axis=1)], axis=1)
    alpha = 1 / known.mean()
    if len(known) < 2:
        return Estimate(float(alpha), math.nan)
    pieces = [piece.mean() for piece in np.array_split(known, min(PIECES, len(known)))]
    return Estimate(float(alpha), float(alpha**2 * standard_error(pieces)))
