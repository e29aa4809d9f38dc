"""Radii of lines and planes, beside a walk and a flood fill, and at their edges."""

import math

import numpy as np
import pytest
from measures.planes import SEEDS, bowl, centre_twin, random_plane

from landscape_cli.arrays import Array
from landscape_cli.measures import line_radius, mean_radius, plane_radius, valley_radius


def line_radius_twin(x: list[float], loss: list[float], threshold: float) -> float:
    zero = x.index(0.0)
    lengths = []
    for step in (-1, 1):
        here = zero
        while 0 <= here < len(x) and loss[here] < threshold:
            here += step
        if not 0 <= here < len(x):
            lengths.append(math.inf)
        elif here == zero:
            lengths.append(0.0)
        elif loss[here] == math.inf:
            lengths.append(abs(x[here - step]))
        else:
            below = here - step
            share = (threshold - loss[below]) / (loss[here] - loss[below])
            lengths.append(abs(x[below]) + share * (abs(x[here]) - abs(x[below])))
    return sum(lengths) / 2


def plane_radius_twin(x: Array, y: Array, loss: Array, threshold: float) -> float:
    """Flood fill from the centre."""
    found: set[tuple[int, int]] = set()
    stack = [centre_twin(x, y)]
    while stack:
        i, j = stack.pop()
        if not (0 <= i < len(y) and 0 <= j < len(x)) or (i, j) in found or not loss[i, j] < threshold:
            continue
        found.add((i, j))
        stack += [(i + 1, j), (i - 1, j), (i, j + 1), (i, j - 1)]
    if any(i in (0, len(y) - 1) or j in (0, len(x) - 1) for i, j in found):
        return math.inf
    return math.sqrt(len(found) * (x[1] - x[0]) * (y[1] - y[0]) / math.pi)


class TestLineRadius:
    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("threshold", [0.5, 0.9])
    def test_is_that_of_steps_outward(self, seed: int, threshold: float) -> None:
        rng = np.random.default_rng(seed)
        x = np.sort(np.append(rng.uniform(-2, 1, 12), 0.0))
        loss = rng.random(13)
        loss[rng.random(13) < 0.1] = np.inf
        expected = line_radius_twin(x.tolist(), loss.tolist(), threshold)
        assert line_radius(x, loss, threshold) == pytest.approx(expected, rel=1e-12)

    def test_of_straight_lines_is_exact_and_the_mean_of_both_signs(self) -> None:
        x = np.linspace(-1, 1, 21)
        assert line_radius(x, np.where(x < 0, -4 * x, 2 * x), 1.1) == pytest.approx((1.1 / 4 + 1.1 / 2) / 2)

    def test_of_a_parabola(self) -> None:
        x = np.linspace(-1, 1, 401)
        assert line_radius(x, 0.5 + 3 * x**2, 1.5) == pytest.approx(math.sqrt(1 / 3), rel=1e-4)

    def test_ends_at_the_first_crossing(self) -> None:
        x = np.arange(-4.0, 5.0)
        assert line_radius(x, np.array([9, 0, 2, 0, 0, 0, 2, 0, 9.0]), 2.0) == 2.0  # reached, not only passed
        assert line_radius(x, np.array([9, 0, 0, 0, 0, 0, 2, 0, 9.0]), 2.0) == (3 + 2 / 9 + 2) / 2

    def test_is_infinite_where_a_side_never_rises(self) -> None:
        x = np.linspace(-1, 1, 5)
        assert line_radius(x, np.abs(x), 1.0) == 1.0
        assert line_radius(x, np.abs(x), 1.01) == math.inf
        assert line_radius(x, np.where(x < 0, 0.0, x), 0.5) == math.inf
        assert line_radius(x[2:], np.abs(x[2:]), 0.5) == math.inf

    def test_is_zero_where_the_centre_is_high(self) -> None:
        x = np.linspace(-1, 1, 5)
        assert line_radius(x, np.full(5, 0.5), 0.5) == 0.0
        assert line_radius(x, np.full(5, np.inf), 0.5) == 0.0

    def test_an_infinite_loss_is_the_limit_of_high_ones(self) -> None:
        x = np.linspace(-1, 1, 5)
        losses = [np.array([top, 0.2, 0.1, 0.2, top]) for top in (1.0, 1e3, 1e12, np.inf)]
        radii = [line_radius(x, loss, 0.9) for loss in losses]
        assert radii == sorted(radii, reverse=True)
        assert radii[-1] == 0.5
        assert radii[-2] == pytest.approx(0.5)

    def test_zero_may_be_zero_up_to_rounding(self) -> None:
        x = np.linspace(-0.3, 0.3, 31) + 1e-17
        assert line_radius(x, np.abs(x), 0.115) == pytest.approx(0.115)

    @pytest.mark.parametrize(
        ("x", "loss", "threshold", "message"),
        [
            ([-1, 0, 1], [1, math.nan, 1], 0.5, "1 of 3 losses are NaN"),
            ([-1, 0, 1], [1, 0, -math.inf], 0.5, "-inf"),
            ([-1, 1], [1, 1], 0.5, "0 is not on the grid from -1 to 1"),
            ([0.5, 1], [1, 1], 0.5, "0 is not on the grid"),
            ([1, 0, -1], [1, 0, 1], 0.5, "x does not increase"),
            ([-1, 0, 0, 1], [1, 0, 0, 1], 0.5, "x does not increase"),
            ([-1, 0, 1], [1, 0], 0.5, r"shapes \(3,\) and \(2,\)"),
            ([0], [0], 0.5, "two coordinates"),
            ([-1, 0, 1], [1, 0, 1], math.nan, "threshold is nan"),
            ([-1, 0, 1], [1, 0, 1], math.inf, "threshold is inf"),
        ],
    )
    def test_refuses(self, x: list[float], loss: list[float], threshold: float, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            line_radius(np.array(x), np.array(loss), threshold)

    def test_mean_over_lines(self) -> None:
        x, wide = np.linspace(-1, 1, 21), np.linspace(-4, 4, 9)
        assert mean_radius([(x, 2 * np.abs(x)), (wide, np.abs(wide))], 1.0) == pytest.approx(0.75)
        assert mean_radius(iter([(x, 2 * np.abs(x)), (x, 0 * x)]), 1.0) == math.inf
        with pytest.raises(ValueError, match="no lines"):
            mean_radius([], 1.0)

    @pytest.mark.parametrize("rise", [0.25, 2.0])
    def test_of_a_valley_is_where_the_loss_has_risen(self, rise: float) -> None:
        x = np.linspace(-4, 4, 33)
        lines = [(x, 0.7 + slope * np.abs(x)) for slope in (1, 2, 8)]
        expected = rise * (1 + 1 / 2 + 1 / 8) / 3
        assert valley_radius(lines, rise) == pytest.approx(expected)
        assert valley_radius(lines, rise) == mean_radius(lines, 0.7 + rise)
        assert valley_radius([*lines, (x, 0.7 + 0 * x)], rise) == math.inf
        with pytest.raises(ValueError, match="no lines"):
            valley_radius([], rise)


class TestPlaneRadius:
    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
    def test_is_that_of_a_flood_fill(self, seed: int, threshold: float) -> None:
        plane = random_plane(seed)
        assert plane_radius(*plane, threshold) == pytest.approx(plane_radius_twin(*plane, threshold))

    @pytest.mark.parametrize(("a", "b", "threshold"), [(1, 1, 0.4), (2, 0.7, 0.4), (0.5, 3, 0.3)])
    def test_of_a_bowl(self, a: float, b: float, threshold: float) -> None:
        expected = math.sqrt(threshold / math.sqrt(a * b))
        assert plane_radius(*bowl(a, b), threshold) == pytest.approx(expected, rel=0.01)

    def test_a_diagonal_does_not_connect_and_other_components_do_not_count(self) -> None:
        x = y = np.arange(-3.0, 4.0)
        loss = np.ones((7, 7))
        loss[3, 3] = loss[4, 4] = loss[1, 1:4] = 0
        assert plane_radius(x, y, loss, 0.5) == pytest.approx(math.sqrt(1 / math.pi))
        loss[3, 4] = 0
        assert plane_radius(x, y, loss, 0.5) == pytest.approx(math.sqrt(3 / math.pi))

    def test_rows_are_y(self) -> None:
        x, y, loss = np.linspace(-2, 2, 5), np.linspace(-1, 1, 7), np.ones((7, 5))
        loss[1:6, 2] = 0
        assert plane_radius(x, y, loss, 0.5) == pytest.approx(math.sqrt(5 * 1 * (1 / 3) / math.pi))
        with pytest.raises(ValueError, match=r"shape \(ny, nx\)"):
            plane_radius(x, y, loss.T, 0.5)

    def test_is_infinite_from_the_border_on(self) -> None:
        x, y, loss = bowl(1, 1, 11, 11, (1, 1))
        assert plane_radius(x, y, loss, 0.99) < math.inf
        for row, column in ((0, 5), (10, 5), (5, 0), (5, 10)):
            open_loss = loss.copy()
            open_loss[row, column] = 0.98
            assert plane_radius(x, y, open_loss, 0.99) == math.inf

    def test_is_zero_where_the_centre_is_high(self) -> None:
        x, y, loss = bowl(1, 1, 11, 11)
        for centre in (0.5, np.inf):
            loss[5, 5] = centre
            assert plane_radius(x, y, loss, 0.5) == 0.0

    def test_an_infinite_loss_bounds_the_component(self) -> None:
        x, y, loss = bowl(1, 1, 11, 11)
        loss[np.maximum(abs(x[None]), abs(y[:, None])) > 0.5] = np.inf
        assert math.isfinite(plane_radius(x, y, loss, 1e9))

    def test_without_a_point_at_zero_the_nearest_is_the_centre(self) -> None:
        x, y = np.linspace(-1, 2, 6), np.linspace(-0.7, 1, 5)  # nearest: -0.4 or 0.2, and 0.15
        loss = np.ones((5, 6))
        loss[2, 2] = 0
        assert plane_radius(x, y, loss, 0.5) == pytest.approx(math.sqrt(0.6 * 0.425 / math.pi))
