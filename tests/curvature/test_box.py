"""Keskar's sharpness on functions whose maximum in a box is known."""

import itertools

import numpy as np
import pytest
from curvature.quadratics import CONVEX, LOSS, POINT, SADDLE, SLOPE, quadratic

from landscape_cli.arrays import Array
from landscape_cli.curvature.box import keskar, random_columns

EPSILON = 0.01


def phi(matrix: Array, slope: Array = SLOPE, columns: Array | None = None) -> tuple[float, float]:
    random = np.random.RandomState(0)
    return tuple(keskar(quadratic(matrix, slope), POINT, EPSILON, random, columns))  # type: ignore[return-value]


def highest_corner(matrix: Array, slope: Array, limit: Array) -> float:
    """The maximum of a convex function over a box is in a corner; there are 64."""
    corners = [limit * signs for signs in itertools.product([-1, 1], repeat=len(limit))]
    return max(float(slope @ z + z @ matrix @ z / 2) for z in corners)


def test_the_box_is_absolute_for_small_weights_and_relative_for_large_ones() -> None:
    """Of a linear function the maximum is sum |g_i| epsilon (|x_i| + 1), also where x_i = 0."""
    expected = 100 * float(np.abs(SLOPE) @ (EPSILON * (np.abs(POINT) + 1))) / (1 + LOSS)
    found, apart = phi(np.zeros((6, 6)))
    assert found == pytest.approx(expected, rel=1e-12)
    assert apart < 1e-12


@pytest.mark.parametrize("matrix", [CONVEX, 100 * CONVEX, 1e-6 * CONVEX])
def test_of_a_convex_function_it_is_that_of_the_highest_corner(matrix: Array) -> None:
    limit = EPSILON * (np.abs(POINT) + 1)
    expected = 100 * highest_corner(matrix, SLOPE, limit) / (1 + LOSS)
    found, apart = phi(matrix)
    assert found <= expected * (1 + 1e-12)
    assert found == pytest.approx(expected, rel=0.02)
    assert found - apart > 0


def test_at_a_stationary_point_the_second_search_finds_it() -> None:
    diagonal = np.diag([0.1, 1.0, 2.0, 0.0, 5.0, 0.3])
    limit = EPSILON * (np.abs(POINT) + 1)
    expected = 100 * float(np.diag(diagonal) @ limit**2 / 2) / (1 + LOSS)
    found, apart = phi(diagonal, 0 * SLOPE)
    assert found == pytest.approx(expected, rel=1e-9)
    assert apart == pytest.approx(found)  # the first one stays where it is


def test_a_gradient_far_below_the_criteria_of_the_search_is_followed() -> None:
    """Of length 1e-7, where L-BFGS-B by default is content with 1e-5."""
    small = 1e-7 * SLOPE
    expected = 100 * float(np.abs(small) @ (EPSILON * (np.abs(POINT) + 1))) / (1 + LOSS)
    assert phi(np.zeros((6, 6)), small)[0] == pytest.approx(expected, rel=1e-6)


def test_it_is_a_maximum_and_never_negative() -> None:
    assert phi(-CONVEX, 0 * SLOPE) == (0, 0)
    assert phi(SADDLE)[0] > phi(0 * SADDLE)[0] * 0.99


def test_in_a_subspace_the_box_is_that_of_its_coordinates() -> None:
    """Of a linear function the maximum is sum |(A^T g)_j| epsilon (|(A^+ x)_j| + 1)."""
    columns = random_columns(6, np.random.RandomState(2), count=2)
    np.testing.assert_allclose(np.linalg.norm(columns, axis=0), 1)
    coordinates = np.linalg.pinv(columns) @ POINT
    expected = 100 * float(np.abs(columns.T @ SLOPE) @ (EPSILON * (np.abs(coordinates) + 1))) / (1 + LOSS)
    assert phi(np.zeros((6, 6)), columns=columns)[0] == pytest.approx(expected, rel=1e-12)


def test_a_loss_that_is_not_finite_is_infinitely_sharp() -> None:
    def cliff(point: Array) -> tuple[float, Array]:
        if point[3] > POINT[3] + EPSILON:
            raise FloatingPointError
        return quadratic(CONVEX)(point)

    assert keskar(cliff, POINT, EPSILON, np.random.RandomState(0)) == (np.inf, np.inf)
