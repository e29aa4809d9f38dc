import numpy as np
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.levels import choose_levels, number, numbers, refined
from landscape_cli.plots.values import Scale


def linear(low, high):
    return Scale(log=False, low=low, high=high, floored=False)


def log(low, high):
    return Scale(log=True, low=low, high=high, floored=False)


@pytest.mark.parametrize("low", [1e-7, 0.013, 0.1, 0.9, 1.0])
@pytest.mark.parametrize("high", [1.01, 3.3, 45.0, 1e4, 2e9])
@pytest.mark.parametrize("count", [None, 3, 6, 12])
@pytest.mark.parametrize("kind", [linear, log])
def test_round_levels_enclose_all_values(kind, low, high, count):
    levels = choose_levels(kind(low, high), count)
    assert (np.diff(levels) > 0).all()
    assert levels[0] <= low
    assert high <= levels[-1]
    assert 2 <= len(levels) <= (count or 10) + 1


def test_linear_levels_are_evenly_spaced():
    np.testing.assert_allclose(choose_levels(linear(0.3, 9.7), 10), np.arange(0, 11))


@pytest.mark.parametrize(
    ("low", "high", "levels"),
    [
        (0.01, 9e3, [0.01, 0.1, 1, 10, 100, 1e3, 1e4]),
        (0.02, 40, [0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]),
        (0.05, 900, [0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300, 1e3]),
        (0.15, 40, [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50]),
        (1e-9, 1e9, [10.0**power for power in range(-9, 10, 2)]),
    ],
)
def test_logarithmic_levels_are_the_densest_round_ones(low, high, levels):
    np.testing.assert_allclose(choose_levels(log(low, high), None), levels)


def test_a_constant_surface_still_has_levels():
    for scale in (linear(0, 0), linear(2.3, 2.3), log(2.3, 2.3)):
        levels = choose_levels(scale, None)
        assert len(levels) >= 2
        assert levels[0] <= scale.low <= levels[-1]


RANGES = [(6e-4, 85.0), (2.3, 2.31), (0.26, 20.6), (1e-7, 1e5), (0.5, 0.9), (3.0, 40.0)]


@pytest.mark.parametrize("kind", [linear, log])
@pytest.mark.parametrize("other", RANGES)
def test_each_panel_gets_levels_within_its_own_range(kind, other):
    first = (6e-4, 85.0)
    space = np.geomspace if kind is log else np.linspace
    panels = [space(*ends, 400) for ends in (first, other)]
    scale = kind(min(first[0], other[0]), max(first[1], other[1]))
    levels = choose_levels(scale, None)
    everything, lines = refined(levels, scale, panels)
    assert (np.diff(everything) > 0).all()
    assert (everything[0], everything[-1]) == (levels[0], levels[-1])
    for (low, high), own in zip((first, other), lines, strict=True):
        assert set(levels) <= set(own) <= set(everything)
        assert ((low < own) & (own < high)).sum() >= 4
        text = [float(each) for each in numbers(own.tolist())]
        np.testing.assert_allclose(text, own, rtol=2e-3)  # all are round


def test_an_outlier_is_no_range():
    values = np.concatenate([[1e-4], np.geomspace(2, 9, 300), [5e4]])
    scale = log(1e-4, 5e4)
    _, (own,) = refined(choose_levels(scale, None), scale, [values])
    assert ((own > 2) & (own < 9)).sum() >= 4


def test_lines_that_were_added_for_a_narrow_panel_do_not_blacken_a_wide_one():
    wide, narrow = np.geomspace(1e-4, 100, 300), np.geomspace(2.3, 2.31, 300)
    scale = log(1e-4, 100)
    levels = choose_levels(scale, None)
    _, (of_wide, of_narrow) = refined(levels, scale, [wide, narrow])
    np.testing.assert_array_equal(of_wide, levels)
    assert len(of_narrow) >= len(levels) + 4


def test_levels_that_resolve_all_panels_and_constant_ones_stay():
    scale = log(1e-3, 100)
    levels = choose_levels(scale, None)
    everything, lines = refined(levels, scale, [np.geomspace(1e-3, 100, 99), np.full(9, 2.0)])
    for each in (everything, *lines):
        np.testing.assert_array_equal(each, levels)
    everything, _ = refined(np.array([0.5, 7.0]), scale, [np.geomspace(2, 3, 99)], 0)
    np.testing.assert_array_equal(everything, [0.5, 7])


def test_a_list_is_taken_as_it_is():
    np.testing.assert_array_equal(choose_levels(log(0.1, 9), [0.5, 1, 7]), [0.5, 1, 7])


@pytest.mark.parametrize(
    "levels", [[1], [], [1, 1], [2, 1], [1, float("nan")], "ab", 2.5, True, [[1, 2]], ["a", "b"]]
)
def test_what_is_no_list_of_levels_is_refused(levels):
    with pytest.raises(LandscapeError, match="levels must be a number, or a list of at least two increasing"):
        choose_levels(linear(0, 1), levels)


def test_too_few_levels_are_refused():
    with pytest.raises(LandscapeError, match="levels must be at least 2, got 1"):
        choose_levels(linear(0, 1), 1)


def test_levels_of_a_logarithmic_scale_are_positive():
    with pytest.raises(LandscapeError, match="must be positive, got 0; choose scale=linear"):
        choose_levels(log(0.1, 9), [0, 1])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.05, "0.05"),
        (5e-4, "5e-4"),
        (0.30000000000000004, "0.3"),
        (1.25e-7, "1.25e-7"),
        (12.5, "12.5"),
        (9999.9, "10000"),
        (10000, "10000"),
        (1e5, "1e5"),
        (-2.5e6, "-2.5e6"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


def test_numbers_side_by_side_tell_their_levels_apart():
    assert numbers([0.1, 1.0, 10.0]) == ["0.1", "1", "10"]
    assert numbers([2.3040, 2.3045, 2.3050]) == ["2.304", "2.3045", "2.305"]
    assert numbers([2.3]) == ["2.3"]
