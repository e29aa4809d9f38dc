"""The gradient noise scale of McCandlish et al. 2018 (arXiv:1812.06162): B_simple = tr(Sigma) / |G|^2.

Sigma is the covariance of the gradients of single samples, G their mean. A batch of B independent samples has
a gradient with E |G_B|^2 = |G|^2 + tr(Sigma) / B. From this at two batch sizes (their appendix A.1)

    |G|^2     = (B_big |G_big|^2 - B_small |G_small|^2) / (B_big - B_small)
    tr(Sigma) = (|G_small|^2 - |G_big|^2) / (1 / B_small - 1 / B_big)

are unbiased. Numerator and denominator are averaged over draws apart: the mean of their ratios is far off.
Networks are in evaluation mode: in training mode BatchNorm couples samples, and there is no Sigma.
"""

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures.estimates import Estimate, ratio_of_means, standard_error


def squares_of_two_sizes(small: Array, big: Array, small_size: int, big_size: int) -> tuple[Array, Array]:
    """Return unbiased estimates of tr(Sigma) and of |G|^2, each (draws,); of the second some may be negative.

    Args:
        small: |G_small|^2 of each draw, averaged over the small batches of which its big one is the union.
        big: |G_big|^2 of each draw.
        small_size: samples of a small batch.
        big_size: samples of a big one.

    Raises:
        ValueError: the big batches are no larger.
    """
    if not 0 < small_size < big_size:
        raise ValueError(f"big batches must be larger than small ones, got {big_size} and {small_size}")
    squared = (big_size * big - small_size * small) / (big_size - small_size)
    trace = (small - big) / (1 / small_size - 1 / big_size)
    return trace, squared


def noise_scale_of_two_sizes(small: Array, big: Array, small_size: int, big_size: int) -> Estimate:
    """Return B_simple, in samples, from squared norms as `squares_of_two_sizes` takes them.

    It is negative where the draws do not tell |G|^2 from zero; the standard error is then larger than it.
    """
    return ratio_of_means(*squares_of_two_sizes(small, big, small_size, big_size))


def noise_scale_of_batches(noise: Array, gradient: Array, batch_size: int) -> Estimate:
    """Return B_simple, in samples, where the mean gradient is known: the big batch is all there is.

    Args:
        noise: G_B - G of independent batches, (draws, p).
        gradient: G, (p,).
        batch_size: B.
    """
    traces = batch_size * np.einsum("ij,ij->i", noise, noise, dtype=np.float64)
    return mean_over(traces, float(gradient.astype(np.float64) @ gradient))


def noise_scale_of_samples(gradients: Array) -> float:
    """Return B_simple, in samples, of the gradients (n, p) of all samples there are; Sigma with n - 1."""
    return float(gradients.var(axis=0, ddof=1).sum() / np.square(gradients.mean(axis=0)).sum())


def mean_over(draws: Array, divisor: float) -> Estimate:
    """Return the mean of draws (n,) over a number that is known, with its standard error."""
    return Estimate(float(draws.mean() / divisor), float(standard_error(draws) / abs(divisor)))
