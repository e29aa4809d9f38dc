"""The radius of a valley against that of a parabola, and where it is censored."""

import numpy as np
import pytest
from curvature.quadratics import CONVEX, POINT, SLOPE, quadratic

from landscape_cli.arrays import Array
from landscape_cli.curvature.valley import FAR, radius

DIRECTIONS = np.random.RandomState(0).standard_normal((5, 6))


def crossing(slope: float, curvature: float, rise: float) -> float:
    """The positive root of slope a + curvature a^2 / 2 = rise."""
    return float(-slope + np.sqrt(slope**2 + 2 * curvature * rise)) / curvature


@pytest.mark.parametrize("rise", [0.01, 0.5, 20.0])
def test_it_is_where_the_parabolas_have_risen(rise: float) -> None:
    radii = []
    for d in DIRECTIONS:
        slope, curvature = float(SLOPE @ d), float(d @ CONVEX @ d)
        radii.append((crossing(slope, curvature, rise) + crossing(-slope, curvature, rise)) / 2)
    found, error = radius(lambda x: quadratic(CONVEX)(x)[0], POINT, DIRECTIONS, rise)
    assert found == pytest.approx(np.mean(radii), rel=0.01)  # linear between distances 1.25 times apart
    assert error == pytest.approx(np.std(radii, ddof=1) / np.sqrt(5), rel=0.05)


def test_nothing_is_evaluated_beyond_the_crossing() -> None:
    visited: list[float] = []

    def value(x: Array) -> float:
        visited.append(float(np.abs(x - POINT).max()))
        return quadratic(CONVEX, 0 * SLOPE)(x)[0]

    found, _ = radius(value, POINT, [np.eye(6)[0], np.eye(6)[1]], 0.001)
    assert max(visited) < 2 * found


def test_a_loss_that_stays_low_has_a_censored_radius() -> None:
    found = radius(lambda x: quadratic(CONVEX, 0 * SLOPE)(x)[0], POINT, DIRECTIONS, 1e6)
    assert found[0] == np.inf
    assert np.isnan(found[1])
    assert np.sqrt(2e6 / 4) > FAR * np.linalg.norm(DIRECTIONS, axis=1).max()


def test_an_infinite_loss_ends_the_valley() -> None:
    def cliff(x: Array) -> float:
        return 0.0 if np.abs(x - POINT).max() < 1 else np.inf

    found, _ = radius(cliff, POINT, [np.eye(6)[0], np.eye(6)[1]], 0.5)
    assert 0.75 < found <= 1  # the last place below
