"""What rises on a straight line, beside loops and closed forms."""

import itertools
import math

import numpy as np
import pytest

from landscape_cli.arrays import Array
from landscape_cli.measures import barrier, increases

ALPHA = np.linspace(-0.5, 1.5, 41)


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


class TestIncreases:
    def test_are_counted_on_fifty_steps_between_0_and_1(self) -> None:
        for count in (101, 401):
            alpha = np.linspace(-0.5, 1.5, count)
            assert increases(alpha, -alpha, 50) == 0
            assert increases(alpha, alpha, 50) == 50
            assert increases(alpha, (alpha - 0.5) ** 2, 50) == 25
            assert increases(alpha, np.where(alpha > 1, 9.0, 0.0), 50) == 0  # what lies beyond does not count

    def test_a_zigzag_between_the_fifty_steps_is_not_seen_and_one_on_them_is(self) -> None:
        alpha = np.linspace(0, 1, 201)
        assert increases(alpha, np.where(np.arange(201) % 4 == 2, 1.0, 0.0), 50) == 0
        assert increases(alpha, np.where(np.arange(201) % 8 == 4, 1.0, 0.0), 50) == 25

    @pytest.mark.parametrize("steps", [1, 4, 20])
    def test_are_those_of_a_loop(self, steps: int) -> None:
        loss = np.random.default_rng(steps).random(41)
        values = [loss[10 + k * 20 // steps] for k in range(steps + 1)]
        assert increases(ALPHA, loss, steps) == sum(b > a for a, b in itertools.pairwise(values))

    def test_a_grid_without_the_fifty_steps_is_refused(self) -> None:
        with pytest.raises(ValueError, match="the grid does not hold all of 0"):
            increases(np.linspace(-0.5, 1.5, 41), np.zeros(41), 50)
