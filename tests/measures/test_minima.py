"""Minima of planes, beside a search and closed forms, and at their edges."""

import math

import numpy as np
import pytest
from measures.planes import SEEDS, bowl, centre_twin, random_plane

from landscape_cli.arrays import Array
from landscape_cli.measures import Lowest, lowest, minima


def around(place: tuple[int, int], loss: Array) -> list[tuple[int, int]]:
    i, j = place
    near = [(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1) if a or b]
    return [(a, b) for a, b in near if 0 <= a < loss.shape[0] and 0 <= b < loss.shape[1]]


def minima_twin(x: Array, y: Array, loss: Array) -> int:
    """The end of the steepest descent from every strict minimum and from the centre; one basin each."""

    def end(place: tuple[int, int]) -> tuple[int, int]:
        slopes = [
            (loss[place] - loss[near]) / math.dist((y[place[0]], x[place[1]]), (y[near[0]], x[near[1]]))
            for near in around(place, loss)
        ]
        steepest = max(slopes)
        # equal up to rounding of the distances: the first
        first = next(k for k, slope in enumerate(slopes) if math.isclose(slope, steepest, abs_tol=1e-12))
        return place if steepest <= 0 else end(around(place, loss)[first])

    strict = [
        (i, j)
        for i in range(1, len(y) - 1)
        for j in range(1, len(x) - 1)
        if all(loss[i, j] < loss[near] for near in around((i, j), loss))
    ]
    return sum(place != end(centre_twin(x, y)) for place in strict)


class TestMinima:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_that_of_a_search(self, seed: int) -> None:
        plane = random_plane(seed)
        assert minima(*plane) == minima_twin(*plane)

    @pytest.mark.parametrize("seed", SEEDS)
    def test_from_wherever_the_descent_starts(self, seed: int) -> None:
        x, y, loss = random_plane(seed, infinite=0)
        x = x + np.random.default_rng(seed).uniform(-0.8, 0.8)
        assert minima(x, y, loss) == minima_twin(x, y, loss)

    @pytest.mark.parametrize(("waves_x", "waves_y"), [(1, 1), (2, 2), (1, 3), (4, 2)])
    def test_of_cosines(self, waves_x: int, waves_y: int) -> None:
        x, y = np.linspace(-1, 1, 16 * waves_x + 1), np.linspace(-2, 2, 16 * waves_y + 1)
        loss = -np.cos(2 * np.pi * waves_x * x)[None] - np.cos(np.pi * waves_y * y)[:, None]
        inside = (2 * waves_x - 1) * (2 * waves_y - 1)  # those on the border are none
        assert minima(x, y, loss) == inside - 1
        assert minima(y, x, loss.T) == inside - 1

    def test_a_bowl_has_no_other(self) -> None:
        assert minima(*bowl(1, 3, 21, 31)) == 0

    def test_of_two_wells_the_one_below_the_centre_is_left_out(self) -> None:
        x, y = np.linspace(-2, 2, 41), np.linspace(-1, 1, 21)
        loss = (x[None] ** 2 - 1) ** 2 + 0.2 * x[None] + y[:, None] ** 2
        assert minima(x, y, loss) == 1  # the centre is on a slope
        assert minima(x + 1.5, y, loss) == 1

    def test_where_the_descent_leaves_the_grid_every_minimum_counts(self) -> None:
        x = y = np.arange(-3.0, 4.0)
        loss = np.broadcast_to(-x, (7, 7)).copy()
        loss[3, 1] = -9
        assert minima(x, y, loss) == 1

    def test_a_plateau_is_none(self) -> None:
        x = y = np.arange(-3.0, 4.0)
        loss = np.ones((7, 7))
        loss[3, 3:5] = 0
        assert minima(x, y, loss) == 0
        loss[1, 1] = loss[5, 5] = 0
        assert minima(x, y, loss) == 2

    def test_the_descent_goes_by_slope_not_by_drop(self) -> None:
        x, y = np.arange(-3.0, 4.0), np.arange(-3.0, 4.0) / 10
        loss = np.full((7, 7), 5.0)
        loss[3, 3] = 1.0
        loss[3, 4:7] = 0.5, 0.25, 0.0  # drops by more, over steps ten times as long, and leaves the grid
        loss[2, 3], loss[1, 3] = 0.8, 0.7
        assert minima(x, y, loss) == 0
        assert minima(x / 100, y, loss) == 1

    def test_refuses_to_start_at_infinity(self) -> None:
        x, y, loss = bowl(1, 1, 5, 5)
        loss[2, 2] = np.inf
        with pytest.raises(ValueError, match="centre is not finite"):
            minima(x, y, loss)


class TestLowest:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_that_of_a_search(self, seed: int) -> None:
        x, y, loss = random_plane(seed)
        i, j = min(((i, j) for i in range(len(y)) for j in range(len(x))), key=lambda place: loss[place])
        middle = centre_twin(x, y)
        cells = max(abs(i - middle[0]), abs(j - middle[1]))
        assert lowest(x, y, loss) == Lowest(loss[i, j], x[j], y[i], cells)

    def test_of_a_bowl_off_the_centre(self) -> None:
        x, y = np.linspace(-1, 1, 21), np.linspace(-2, 2, 11)
        found = lowest(x, y, (x[None] - 0.3) ** 2 + (y[:, None] + 0.8) ** 2 + 5)
        assert (found.loss, found.x, found.y) == pytest.approx((5, 0.3, -0.8))
        assert found.cells == 3
        assert type(found.cells) is int
