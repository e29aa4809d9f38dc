"""Curvature of lines and planes, beside eigenvalues, loops and closed forms."""

import math

import numpy as np
import pytest
from measures.planes import SEEDS, bowl

from landscape_cli.arrays import Array
from landscape_cli.measures import nonconvex_fraction, second_differences


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
