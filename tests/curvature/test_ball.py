"""The rise of the loss in a ball, against the exact solution of the trust-region problem."""

import numpy as np
import pytest
import torch
from curvature.quadratics import CONVEX, LOSS, POINT, SADDLE, SLOPE, quadratic
from scipy.optimize import brentq

from landscape_cli.arrays import Array
from landscape_cli.curvature.ball import ETA, Rise, rise_in_ball
from landscape_cli.training.sam import asam, sam

SCALES = np.abs(POINT) + ETA


def rise(matrix: Array, slope: Array, radius: float, scales: Array | float = 1.0, starts: int = 3) -> Rise:
    how = {"starts": starts, "steps": 60, "random": np.random.RandomState(0)}
    return rise_in_ball(quadratic(matrix, slope), POINT, radius, scales, **how)  # type: ignore[arg-type]


def highest(matrix: Array, slope: Array, radius: float) -> float:
    """max slope . d + d . H d / 2 over ||d|| <= radius: on the border d = (l - H)^-1 slope (More 1983)."""
    values, vectors = np.linalg.eigh(matrix)
    along = vectors.T @ slope
    root = brentq(
        lambda over: np.linalg.norm(along / (values[-1] + over - values)) - radius, 1e-12, 1e6, xtol=1e-14
    )
    d = along / (values[-1] + root - values)
    return float(along @ d + d @ (values * d) / 2)


@pytest.mark.parametrize("radius", [0.01, 0.3, 3.0])
@pytest.mark.parametrize("matrix", [CONVEX, SADDLE], ids=["convex", "saddle"])
@pytest.mark.parametrize("scales", [1.0, SCALES], ids=["SAM", "ASAM"])
def test_it_is_the_highest_of_the_ball(matrix: Array, radius: float, scales: Array | float) -> None:
    inner = np.diag(scales * np.ones(6))
    expected = highest(inner @ matrix @ inner, inner @ SLOPE, radius)
    found = rise(matrix, SLOPE, radius, scales)
    assert found.highest == pytest.approx(expected, rel=1e-4)
    assert found.first_order <= found.highest
    if radius < 1:
        assert found.apart < 1e-3 * expected


def test_a_lower_summit_on_the_other_side_is_told_apart() -> None:
    along = np.linalg.eigh(CONVEX)[1][:, -1]
    found = rise(CONVEX, 0.1 * along, 3.0)
    assert found.highest == pytest.approx(4.0 * 3.0**2 / 2 + 0.3, rel=1e-6)
    assert found.apart == pytest.approx(0.6, rel=1e-4)


def test_the_first_place_is_that_of_the_optimizers_step() -> None:
    weights, gradient = torch.from_numpy(POINT), torch.from_numpy(SLOPE)
    for perturb, scales in ((sam, 1.0), (asam, SCALES)):
        (step,) = perturb([weights], [gradient], 0.3)
        expected = quadratic(CONVEX)(POINT + step.numpy())[0] - LOSS
        assert rise(CONVEX, SLOPE, 0.3, scales).first_order == pytest.approx(expected, rel=1e-12)


def test_at_a_minimum_random_starts_find_the_top_eigenvector() -> None:
    found = rise(CONVEX, 0 * SLOPE, 0.5)
    assert found.first_order == 0
    assert found.highest == pytest.approx(4.0 * 0.5**2 / 2, rel=1e-6)
    assert found.apart == pytest.approx(found.highest)  # the first start stays in the middle
    assert rise(CONVEX, 0 * SLOPE, 0.5, starts=1).highest == 0


def test_where_all_falls_nothing_rises() -> None:
    assert rise(-CONVEX, 0 * SLOPE, 0.5).highest == 0


def test_a_loss_that_is_not_finite_rises_without_end() -> None:
    def cliff(point: Array) -> tuple[float, Array]:
        if np.linalg.norm(point - POINT) > 0.1:
            raise FloatingPointError
        return quadratic(CONVEX)(point)

    random = np.random.RandomState(0)
    assert rise_in_ball(cliff, POINT, 0.2, starts=1, steps=3, random=random) == (np.inf,) * 3
