"""Ratios and distances in standard errors, beside closed forms."""

import math
import statistics

import numpy as np
import pytest

from landscape_cli.measures import ratio, z_score


def test_the_z_score() -> None:
    assert z_score(np.array([0.0, 2.0]), 0.0) == pytest.approx(1.0)  # sd sqrt(2), standard error 1
    assert z_score(np.array([0.0, 2.0]), 3.0) == pytest.approx(-2.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_z_score_is_that_of_its_definition(seed: int) -> None:
    values = np.random.default_rng(seed).normal(2.0, 3.0, 30)
    error = statistics.stdev(values.tolist()) / math.sqrt(30)
    assert z_score(values, 1.5) == pytest.approx((statistics.fmean(values.tolist()) - 1.5) / error)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (3.0, 2.0, 1.5),
        (0.0, 2.0, 0.0),
        (1.0, 0.0, math.inf),
        (math.inf, 2.0, math.inf),
        (2.0, math.inf, 0.0),
        (0.0, 0.0, math.nan),
        (math.inf, math.inf, math.nan),
    ],
)
def test_a_ratio_of_what_may_be_zero_or_infinite(one: float, other: float, expected: float) -> None:
    assert ratio(one, other) == pytest.approx(expected, nan_ok=True)
    assert type(ratio(one, other)) is float
