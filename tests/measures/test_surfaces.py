"""Each measure beside its slow twin on random grids, beside closed forms, and at its edges."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr

from landscape_cli.arrays import Array
from landscape_cli.measures import (
    barrier,
    line_radius,
    mean_radius,
    minima,
    nonconvex_fraction,
    plane_radius,
    second_differences,
    spearman,
)

ALPHA = np.linspace(-0.5, 1.5, 41)
SEEDS = range(40)
Plane = tuple[Array, Array, Array]


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


def centre_twin(x: Array, y: Array) -> tuple[int, int]:
    squares = {(i, j): b * b + a * a for i, b in enumerate(y.tolist()) for j, a in enumerate(x.tolist())}
    return min(squares, key=lambda place: squares[place])


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


def nonconvex_twin(x: Array, y: Array, loss: Array) -> float:
    """Eigenvalues by LAPACK, of difference quotients of difference quotients."""
    dx, dy = x[1] - x[0], y[1] - y[0]
    verdicts = []
    for i in range(1, len(y) - 1):
        for j in range(1, len(x) - 1):
            if not np.isfinite(loss[i - 1 : i + 2, j - 1 : j + 2]).all():
                continue
            xx = ((loss[i, j + 1] - loss[i, j]) / dx - (loss[i, j] - loss[i, j - 1]) / dx) / dx
            yy = ((loss[i + 1, j] - loss[i, j]) / dy - (loss[i, j] - loss[i - 1, j]) / dy) / dy
            above = (loss[i + 1, j + 1] - loss[i + 1, j - 1]) / (2 * dx)
            below = (loss[i - 1, j + 1] - loss[i - 1, j - 1]) / (2 * dx)
            xy = (above - below) / (2 * dy)
            smaller, larger = np.linalg.eigvalsh([[xx, xy], [xy, yy]])
            verdicts.append(smaller < -0.01 * abs(larger))
    return sum(verdicts) / len(verdicts)


def spearman_twin(a: list[float], b: list[float]) -> float:
    def ranks(values: list[float]) -> list[float]:
        return [sum(w < v for w in values) + (values.count(v) + 1) / 2 for v in values]

    first, second = ranks(a), ranks(b)
    middle = (len(a) + 1) / 2
    products = sum((p - middle) * (q - middle) for p, q in zip(first, second, strict=True))
    squares = [sum((p - middle) ** 2 for p in values) for values in (first, second)]
    return products / math.sqrt(squares[0] * squares[1])


def random_plane(seed: int, infinite: float = 0.1) -> Plane:
    """A plane of more columns than rows, of unequal steps, with plateaus where the seed is odd."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, 2 * rng.integers(4, 9) + 1)
    y = np.linspace(-0.3, 0.3, 2 * rng.integers(1, 4) + 1)
    loss = rng.integers(0, 6, (len(y), len(x))) / 6 if seed % 2 else rng.random((len(y), len(x)))
    loss[rng.random(loss.shape) < infinite] = np.inf
    loss[len(y) // 2, len(x) // 2] = rng.random() / 2
    return x, y, loss


def bowl(a: float, b: float, nx: int = 241, ny: int = 201, extent: tuple[float, float] = (1.2, 0.8)) -> Plane:
    x, y = np.linspace(-extent[0], extent[0], nx), np.linspace(-extent[1], extent[1], ny)
    return x, y, a * x[None] ** 2 + b * y[:, None] ** 2


class TestBarrier:
    def test_of_a_parabola_over_a_chord(self) -> None:
        chord = 1 + 2 * ALPHA
        height, where = barrier(ALPHA, chord + 4 * ALPHA * (1 - ALPHA) * 3)
        assert height == pytest.approx(3)
        assert where == pytest.approx(0.5)

    @pytest.mark.parametrize("seed", range(10))
    def test_is_that_of_a_loop(self, seed: int) -> None:
        loss = np.random.default_rng(seed).random(41)
        best = (-math.inf, 0.0)
        for alpha, value in zip(ALPHA.tolist(), loss.tolist(), strict=True):
            if -1e-6 < alpha < 1 + 1e-6:
                best = max(best, (value - ((1 - alpha) * loss[10] + alpha * loss[30]), alpha))
        assert barrier(ALPHA, loss) == pytest.approx(best)

    def test_what_lies_outside_of_the_segment_does_not_count(self) -> None:
        height, _ = barrier(ALPHA, np.where((ALPHA < -0.01) | (ALPHA > 1.01), 100.0, 0.5))
        assert height == 0

    def test_is_zero_below_the_chord_and_infinite_where_the_loss_is(self) -> None:
        assert barrier(ALPHA, ALPHA**2 - ALPHA)[0] == pytest.approx(0, abs=1e-12)
        loss = np.zeros(41)
        loss[20] = np.inf
        assert barrier(ALPHA, loss) == (np.inf, pytest.approx(0.5))

    @pytest.mark.parametrize(
        ("alpha", "loss"), [(ALPHA[11:], np.zeros(30)), (ALPHA, np.full(41, np.inf))], ids=["no 0", "inf"]
    )
    def test_needs_finite_ends(self, alpha: Array, loss: Array) -> None:
        with pytest.raises(ValueError, match=r"alpha 0 and 1|not finite"):
            barrier(alpha, loss)


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


class TestPlaneRadius:
    @pytest.mark.parametrize("seed", SEEDS)
    @pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
    def test_is_that_of_a_flood_fill(self, seed: int, threshold: float) -> None:
        plane = random_plane(seed)
        assert plane_radius(*plane, threshold) == pytest.approx(plane_radius_twin(*plane, threshold))

    def test_the_random_planes_have_every_kind(self) -> None:
        radii = [plane_radius(*random_plane(seed), 0.3) for seed in SEEDS]
        assert 0 in radii
        assert math.inf in radii
        assert sum(0 < radius < math.inf for radius in radii) > 5
        assert len({minima(*random_plane(seed)) for seed in SEEDS}) > 3

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


class TestNonconvexFraction:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_that_of_eigenvalues(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        x, y = np.linspace(-1, 1, 9), np.linspace(0, 0.4, 8)
        loss = 3 * x[None] ** 2 + 40 * y[:, None] ** 2 + 0.3 * rng.random((8, 9))
        loss[rng.random(loss.shape) < 0.03] = np.inf
        fraction = nonconvex_fraction(x, y, loss)
        assert 0 < fraction < 1
        assert fraction == pytest.approx(nonconvex_twin(x, y, loss))

    def test_of_bowls_saddles_and_domes(self) -> None:
        x, y, loss = bowl(1, 3)
        assert nonconvex_fraction(x, y, loss) == 0
        assert nonconvex_fraction(x, y, -loss) == 1
        assert nonconvex_fraction(*bowl(1, -1)) == 1
        assert nonconvex_fraction(x, y, x[None] * y[:, None]) == 1

    @pytest.mark.parametrize(("cross", "expected"), [(1.9, 0.0), (2.3, 1.0)])
    def test_counts_the_cross_term_at_its_scale(self, cross: float, expected: float) -> None:
        x, y, loss = bowl(1, 1, 41, 11)  # unequal steps
        assert nonconvex_fraction(x, y, loss + cross * x[None] * y[:, None]) == expected

    @pytest.mark.parametrize(("b", "expected"), [(-0.009, 0.0), (-0.011, 1.0)])
    def test_one_percent_of_the_larger_is_allowed(self, b: float, expected: float) -> None:
        assert nonconvex_fraction(*bowl(1, b, 21, 21)) == expected
        assert nonconvex_fraction(*bowl(b, 1, 21, 21)) == expected

    def test_of_cosines(self) -> None:
        x, y = np.linspace(-1, 1, 42), np.linspace(-1, 1, 37)
        across, along = np.cos(2 * np.pi * x), 2 * np.cos(np.pi * y)
        # second differences of a cosine are a multiple of it; the two directions do not mix
        curvature_x = across[1:-1] * (1 - np.cos(2 * np.pi * (x[1] - x[0]))) / (x[1] - x[0]) ** 2
        curvature_y = along[1:-1] * (1 - np.cos(np.pi * (y[1] - y[0]))) / (y[1] - y[0]) ** 2
        pairs = [sorted((a, b)) for a in curvature_x for b in curvature_y]
        expected = sum(smaller < -0.01 * abs(larger) for smaller, larger in pairs) / len(pairs)
        assert 0.5 < expected < 1
        assert nonconvex_fraction(x, y, -across[None] - along[:, None]) == pytest.approx(expected)

    def test_leaves_out_what_is_beside_an_infinite_loss(self) -> None:
        x = y = np.arange(-3.0, 4.0)
        loss = x[None] ** 2 * np.where(y > 0, -1.0, 1.0)[:, None] + 0 * y[:, None]
        whole = nonconvex_fraction(x, y, loss)
        loss[6] = np.inf  # leaves rows 1 to 4 of 1 to 5
        assert nonconvex_fraction(x, y, loss) == pytest.approx((whole * 25 - 5) / 20)
        with pytest.raises(ValueError, match="no interior point"):
            nonconvex_fraction(x, y, np.where(np.abs(x[None]) == 1, np.inf, loss))


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.5), minima, nonconvex_fraction])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, loss: (x, y, np.where(loss == loss.max(), np.nan, loss)), "4 of 35 losses are NaN"),
        (lambda x, y, loss: (x, y, np.where(loss == 0, -np.inf, loss)), "-inf"),
        (lambda x, y, loss: (x, y, loss[1:]), r"shape \(ny, nx\).*not \(4, 7\)"),
        (lambda x, y, loss: (x, y, loss.ravel()), "shape"),
        (lambda x, y, loss: (x[:2], y, loss[:, :2]), "3 or more"),
        (lambda x, y, loss: (x, y[::-1], loss), "y does not increase"),
        (lambda x, y, loss: (np.sinh(x), y, loss), "x is not equally spaced"),
    ],
)
def test_a_plane_that_is_none_is_refused(
    measure: Callable[..., float], change: Callable[..., Plane], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(*change(*bowl(1, 1, 7, 5)))


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.5), minima])
def test_a_plane_without_a_centre_is_refused(measure: Callable[..., float]) -> None:
    x, y, loss = bowl(1, 1, 7, 5)
    with pytest.raises(ValueError, match=r"x goes from 0\.8 to 3\.2, without 0"):
        measure(x + 2, y, loss)
    with pytest.raises(ValueError, match=r"y goes from -2\.8 to -1\.2, without 0"):
        measure(x, y - 2, loss)


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.6), minima, nonconvex_fraction])
@pytest.mark.parametrize("seed", range(5))
def test_measures_of_float32_are_those_of_float64_and_nothing_is_written(
    measure: Callable[..., float], seed: int
) -> None:
    single = [part.astype(np.float32) for part in random_plane(2 * seed, infinite=0)]
    kept = [part.copy() for part in single]
    assert measure(*single) == pytest.approx(measure(*[part.astype(np.float64) for part in single]))
    assert all(np.array_equal(one, other) for one, other in zip(single, kept, strict=True))


class TestSecondDifferences:
    def test_are_those_of_a_loop(self) -> None:
        loss = np.random.default_rng(0).random(20)
        expected = [(loss[i + 2] - loss[i + 1]) - (loss[i + 1] - loss[i]) for i in range(18)]
        np.testing.assert_allclose(second_differences(loss), expected, rtol=0, atol=1e-15)

    def test_of_a_parabola_are_twice_the_step_squared(self) -> None:
        np.testing.assert_allclose(second_differences(3 * np.linspace(0, 1, 11) ** 2), np.full(9, 0.06))

    @pytest.mark.parametrize("loss", [[1, 2], [1, math.inf, 1], [1, math.nan, 1, 2], [[1, 2, 3]]])
    def test_refuse(self, loss: list[float]) -> None:
        with pytest.raises(ValueError, match="second differences"):
            second_differences(np.array(loss))


class TestSpearman:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_pearson_of_average_ranks(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        a, b = rng.integers(0, 5, (2, 9)) / 4 + np.arange(9) / 10
        a[rng.integers(0, 9, 2)] = np.inf
        b = np.round(b, 0 if seed % 2 else 6)
        assert spearman(a, b) == pytest.approx(spearman_twin(a.tolist(), b.tolist()), abs=1e-12)
        assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)

    def test_of_orders(self) -> None:
        sizes = np.array([4, 8, 16])
        assert spearman(sizes, np.exp(sizes)) == pytest.approx(1)
        assert spearman(sizes, -sizes) == pytest.approx(-1)
        assert type(spearman(sizes, sizes)) is float

    def test_of_a_constant_is_nan(self) -> None:
        assert math.isnan(spearman(np.ones(4), np.arange(4)))
        assert math.isnan(spearman(np.arange(4), np.full(4, np.inf)))

    @pytest.mark.parametrize(("a", "b"), [([1, 2], [1, 2, 3]), ([1], [1]), ([1, math.nan], [1, 2])])
    def test_refuses(self, a: list[float], b: list[float]) -> None:
        with pytest.raises(ValueError, match=r"two pairs|NaN"):
            spearman(np.array(a), np.array(b))


def test_a_measure_is_a_plain_number() -> None:
    x, y, loss = bowl(1, 1, 11, 11, (1, 1))
    assert type(plane_radius(x, y, loss, 0.5)) is float
    assert type(nonconvex_fraction(x, y, loss)) is float
    assert type(minima(x, y, loss)) is int
    assert type(line_radius(x, loss[5], 0.5)) is type(mean_radius([(x, loss[5])], 0.5)) is float
