"""Expected sharpness against its closed form on a quadratic, and the coverage of its standard error."""

import numpy as np
import pytest
from curvature.quadratics import CONVEX, POINT, SADDLE, quadratic

from landscape_cli.arrays import Array
from landscape_cli.curvature.noisy_weights import expected_rise

SIGMA = 0.3
SCALES = np.array([1.0, 0.0, 2.0, 0.5, 1.0, 3.0])


def found(matrix: Array, scales: Array | float, seed: int, pairs: int = 40) -> tuple[float, float]:
    random = np.random.RandomState(seed)
    return expected_rise(lambda x: quadratic(matrix)(x)[0], POINT, SIGMA, scales, pairs=pairs, random=random)


@pytest.mark.parametrize("matrix", [CONVEX, SADDLE], ids=["convex", "saddle"])
@pytest.mark.parametrize("scales", [1.0, SCALES], ids=["raw", "scaled"])
def test_mean_and_error_are_those_of_the_closed_form(matrix: Array, scales: Array | float) -> None:
    """sigma^2 / 2 tr A with A = S H S; a pair's standard deviation is sigma^2 / 2 sqrt(2 tr A^2)."""
    inner = np.diag(scales * np.ones(6))
    scaled = inner @ matrix @ inner
    mean, error = SIGMA**2 / 2 * np.trace(scaled), SIGMA**2 / 2 * np.sqrt(2 * np.trace(scaled @ scaled))
    repeated = np.array([found(matrix, scales, seed) for seed in range(200)])
    assert repeated[:, 0].mean() == pytest.approx(mean, abs=4 * error / np.sqrt(40 * 200))
    assert repeated[:, 1].mean() == pytest.approx(error / np.sqrt(40), rel=0.05)
    inside = np.abs(repeated[:, 0] - mean) < 1.96 * repeated[:, 1]
    assert 0.88 < inside.mean() < 0.99


def test_a_linear_function_has_none() -> None:
    assert found(np.zeros((6, 6)), 1.0, 0) == pytest.approx((0, 0), abs=1e-15)


def test_a_loss_that_is_not_finite_is_infinitely_sharp() -> None:
    cliff = expected_rise(
        lambda x: 0.0 if (x == POINT).all() else np.inf,
        POINT,
        SIGMA,
        pairs=2,
        random=np.random.RandomState(0),
    )
    assert cliff == (np.inf, np.inf)
