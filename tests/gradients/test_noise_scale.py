"""Noise scales of gradients whose covariance and mean are known, and beside slow twins in float64."""

import numpy as np
import pytest

from landscape_cli.arrays import Array
from landscape_cli.gradients.noise_scale import (
    noise_scale_of_batches,
    noise_scale_of_samples,
    noise_scale_of_two_sizes,
    squares_of_two_sizes,
)

P, SMALL, BIG = 20, 4, 64
MEAN = np.full(P, 0.2)
SPREAD = np.geomspace(0.2, 3, P)  # standard deviation of each coordinate
TRUTH = float(np.square(SPREAD).sum() / np.square(MEAN).sum())


def squares(random: np.random.Generator, draws: int) -> tuple[Array, Array]:
    """Return |G_small|^2, averaged over the parts, and |G_big|^2 of draws of Gaussian gradients."""
    samples = MEAN + SPREAD * random.standard_normal((draws, BIG // SMALL, SMALL, P))
    small, big = samples.mean(axis=2), samples.mean(axis=(1, 2))
    return np.square(small).sum(axis=2).mean(axis=1), np.square(big).sum(axis=1)


def test_squares_are_unbiased_and_may_be_negative() -> None:
    trace, squared = squares_of_two_sizes(*squares(np.random.default_rng(0), 3000), SMALL, BIG)
    for found, truth in ((trace, np.square(SPREAD).sum()), (squared, np.square(MEAN).sum())):
        assert abs(found.mean() - truth) < 4 * found.std() / np.sqrt(len(found))
    assert squared.min() < 0


def test_over_repetitions_it_is_unbiased_and_its_error_covers_the_truth() -> None:
    random, draws = np.random.default_rng(1), 40
    found = [noise_scale_of_two_sizes(*squares(random, draws), SMALL, BIG) for _ in range(200)]
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert abs(values.mean() / TRUTH - 1) < 0.05
    assert errors.mean() == pytest.approx(values.std(), rel=0.25)
    assert 0.88 <= (np.abs(values - TRUTH) <= 2 * errors).mean() <= 0.985


def test_the_ratio_of_means_is_taken_and_not_the_mean_of_ratios() -> None:
    trace, squared = squares_of_two_sizes(*squares(np.random.default_rng(2), 400), SMALL, BIG)
    assert abs(np.mean(trace / squared) / TRUTH - 1) > 0.3
    ratio = noise_scale_of_two_sizes(*squares(np.random.default_rng(2), 400), SMALL, BIG)
    assert ratio.value == pytest.approx(trace.mean() / squared.mean(), rel=1e-12)
    assert ratio.value == pytest.approx(TRUTH, rel=0.15)


def test_sizes_must_differ() -> None:
    with pytest.raises(ValueError, match="must be larger than small ones, got 4 and 4"):
        noise_scale_of_two_sizes(np.ones(3), np.ones(3), 4, 4)


def test_of_samples_it_is_the_trace_over_the_square() -> None:
    gradients = np.random.default_rng(3).standard_normal((30, P)) + 0.3
    mean = [sum(row[j] for row in gradients) / 30 for j in range(P)]
    trace = sum((row[j] - mean[j]) ** 2 for row in gradients for j in range(P)) / 29
    assert noise_scale_of_samples(gradients) == pytest.approx(trace / sum(m * m for m in mean), rel=1e-12)


def test_batches_of_a_known_mean_agree_with_the_samples() -> None:
    random = np.random.default_rng(4)
    gradients = MEAN + SPREAD * random.standard_normal((200, P))
    exact = noise_scale_of_samples(gradients) * 199 / 200  # drawn with replacement: Sigma with n
    mean = gradients.mean(axis=0)
    found = []
    for _ in range(200):
        noise = gradients[random.integers(200, size=(50, 8))].mean(axis=1) - mean
        found.append(noise_scale_of_batches(noise, mean, 8))
    values, errors = np.array([each.value for each in found]), np.array([each.error for each in found])
    assert abs(values.mean() - exact) < 4 * values.std() / np.sqrt(200)
    assert 0.9 <= (np.abs(values - exact) <= 2 * errors).mean() <= 0.985
