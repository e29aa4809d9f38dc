"""Means and the jackknife beside closed forms, and its bias and coverage over many repetitions."""

import numpy as np
import pytest

from landscape_cli.measures.estimates import jackknife, ratio_of_means, standard_error


def test_of_a_mean_it_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(0).standard_normal(50)
    found = jackknife(lambda means: float(means[0]), values[:, None])
    assert found.value == pytest.approx(values.mean(), rel=1e-12)
    assert found.error == pytest.approx(values.std(ddof=1) / np.sqrt(50), rel=1e-12)


def test_of_a_ratio_it_agrees_with_leaving_out_by_hand() -> None:
    random = np.random.default_rng(1)
    above, below = random.exponential(size=9), 1 + random.exponential(size=9)
    found = ratio_of_means(above, below)
    without = [np.delete(above, n).mean() / np.delete(below, n).mean() for n in range(9)]
    assert found.value == pytest.approx(above.mean() / below.mean(), rel=1e-12)
    assert found.error == pytest.approx(np.sqrt(8) * np.std(without), rel=1e-12)


def test_errors_cover_the_truth_as_often_as_they_should() -> None:
    random, truth = np.random.default_rng(2), 3.0
    found = []
    for _ in range(200):
        below = 2 + random.standard_normal(60)
        found.append(ratio_of_means(truth * below + random.standard_normal(60), below))
    off = np.array([(each.value - truth) / each.error for each in found])
    assert abs(off.mean()) < 3 / np.sqrt(200)
    assert 0.9 <= (np.abs(off) <= 2).mean() <= 0.985  # 0.95 of a Gaussian, give or take three of its 0.015


def test_a_standard_error_needs_two() -> None:
    values = np.random.default_rng(0).standard_normal((50, 3))
    np.testing.assert_allclose(standard_error(values), values.std(axis=0, ddof=1) / np.sqrt(50))
    assert np.isnan(standard_error(values[:1])).all()
