"""Calibrated weights, against the definition, and their standard error, against many draws."""

import numpy as np
import pytest

from landscape_cli.surfaces.calibration import Calibration, anchor_points

POPULATION, ANCHORS, N = 2000, 4, 200


def split(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Losses of a whole split at the anchors and at another point, which these explain in part."""
    losses = random.exponential(1.0, (ANCHORS, POPULATION)) * random.gamma(2.0, 1.0, POPULATION)
    other = 0.2 + 0.7 * losses[0] + 0.1 * losses[2] ** 1.2 + 0.3 * random.exponential(1.0, POPULATION)
    return losses, other


def test_the_weights_solve_the_constrained_least_squares_problem() -> None:
    """Closed form: w = 1/n + A^T (A A^T)^-1 (t - A 1/n) for the rows 1 and the anchors' losses."""
    losses, _ = split(np.random.default_rng(0))
    means, subset = losses.mean(axis=1), losses[:, :N]
    weights = Calibration(subset, means, POPULATION).weights
    constraints = np.vstack([np.ones(N), subset])
    targets = np.append(1.0, means)
    equal = np.full(N, 1 / N)
    shift = constraints.T @ np.linalg.solve(constraints @ constraints.T, targets - constraints @ equal)
    np.testing.assert_allclose(weights, equal + shift, rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(constraints @ weights, targets, rtol=1e-10)


def test_what_the_anchors_explain_wholly_is_estimated_without_an_error() -> None:
    losses, _ = split(np.random.default_rng(1))
    known = 0.3 + 2.0 * losses[1] - 0.5 * losses[3]
    estimate = Calibration(losses[:, :N], losses.mean(axis=1), POPULATION).mean(known[:N], None)
    assert estimate.loss == pytest.approx(known.mean(), rel=1e-9)
    assert estimate.loss_stderr == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(estimate.accuracy)


def test_the_standard_error_is_the_spread_of_the_error_and_below_that_of_the_plain_mean() -> None:
    random = np.random.default_rng(2)
    losses, other = split(random)
    means, errors, told, plain = losses.mean(axis=1), [], [], []
    for _ in range(400):
        chosen = random.permutation(POPULATION)[:N]
        estimate = Calibration(losses[:, chosen], means, POPULATION).mean(other[chosen], other[chosen] > 1)
        errors.append(estimate.loss - other.mean())
        told.append(estimate.loss_stderr)
        plain.append(other[chosen].mean() - other.mean())
    assert np.mean(told) == pytest.approx(np.std(errors), rel=0.15)
    assert abs(np.mean(errors)) < 3 * np.std(errors) / np.sqrt(400)
    assert np.std(errors) < 0.5 * np.std(plain)


def test_accuracy_is_weighted_alike_and_stays_a_fraction() -> None:
    losses, other = split(np.random.default_rng(3))
    calibration = Calibration(losses[:, :N], losses.mean(axis=1), POPULATION)
    correct = (other[:N] > 1).astype(float)
    assert calibration.mean(other[:N], correct).accuracy == pytest.approx(calibration.weights @ correct)
    assert calibration.mean(other[:N], np.ones(N)).accuracy == pytest.approx(1.0, rel=1e-12)
    assert calibration.mean(other[:N], 1e3 * correct).accuracy == 1.0


def test_anchors_with_infinite_losses_or_that_repeat_others_do_not_count() -> None:
    losses, other = split(np.random.default_rng(4))
    means = losses.mean(axis=1)
    expected = Calibration(losses[:, :N], means, POPULATION).mean(other[:N], None)
    infinite = np.vstack([losses[:, :N], np.full(N, np.inf), losses[:1, :N]])
    with_more = Calibration(infinite, np.concatenate([means, [np.inf], means[:1]]), POPULATION)
    assert with_more.mean(other[:N], None).loss == pytest.approx(expected.loss, rel=1e-6)
    assert with_more.mean(other[:N], None).loss_stderr == pytest.approx(expected.loss_stderr, rel=1e-2)


def test_losses_that_are_not_finite_stay_so() -> None:
    losses, other = split(np.random.default_rng(5))
    for value in (np.inf, np.nan):
        other[3] = value
        estimate = Calibration(losses[:, :N], losses.mean(axis=1), POPULATION).mean(other[:N], None)
        assert (estimate.loss, estimate.loss_stderr) == (np.inf, np.inf)


def test_anchor_points_are_the_middles_of_equal_parts() -> None:
    assert anchor_points((51,), 3) == [(8,), (25,), (42,)]
    assert anchor_points((5, 51), 2) == [(1, 12), (1, 38), (3, 12), (3, 38)]
    assert anchor_points((2, 2), 5) == [(0, 0), (0, 1), (1, 0), (1, 1)]
