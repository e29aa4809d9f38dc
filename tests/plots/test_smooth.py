"""Contours between the points of a coarse grid."""

import dataclasses

import numpy as np
import pytest

from landscape_cli.plots.draw import draw
from landscape_cli.plots.smooth import STEPS, finer, smooth_note

X, Y = np.array([-1.0, -0.4, 0.1, 0.5, 1.0]), np.linspace(0, 3, 4)


def rough(missing=()):
    heights = np.ma.masked_array(np.random.default_rng(0).normal(size=(len(Y), len(X))))
    for place in missing:
        heights[place] = np.ma.masked
    return heights


def test_evaluated_values_are_kept_to_the_last_bit():
    heights = rough()
    fine_x, fine_y, fine = finer(X, Y, heights)
    assert fine.shape == (len(fine_y), len(fine_x))
    assert len(fine_x) > STEPS <= len(fine_y) - 1
    for j, y in enumerate(Y):
        for i, x in enumerate(X):
            row, column = np.abs(fine_y - y).argmin(), np.abs(fine_x - x).argmin()
            assert fine_x[column] == pytest.approx(x, abs=1e-12)
            assert fine[row, column] == heights[j, i]


def test_no_height_lies_beyond_those_of_the_corners_of_its_cell():
    heights = rough()
    fine_x, fine_y, fine = finer(X, Y, heights)
    for j in range(len(Y) - 1):
        for i in range(len(X) - 1):
            corners = heights[j : j + 2, i : i + 2]
            rows = (Y[j] <= fine_y) & (fine_y <= Y[j + 1])
            columns = (X[i] <= fine_x) & (fine_x <= X[i + 1])
            inside = fine[np.ix_(rows, columns)]
            assert corners.min() - 1e-12 <= inside.min() <= inside.max() <= corners.max() + 1e-12


def test_a_line_of_heights_agrees_with_scipys_monotone_cubic_and_a_plane_with_itself():
    from scipy.interpolate import PchipInterpolator

    along = np.array([3.0, 1.0, 0.5, 2.0, 2.5])
    fine_x, fine_y, fine = finer(X, Y, np.ma.masked_array(along + 0 * Y[:, None]))
    np.testing.assert_allclose(fine[7], PchipInterpolator(X, along)(fine_x), atol=1e-12)
    flat = finer(X, Y, np.ma.masked_array(2 + X + 10 * Y[:, None]))[2]
    np.testing.assert_allclose(flat, 2 + fine_x + 10 * fine_y[:, None], atol=1e-12)


def test_it_is_closer_to_a_smooth_bowl_than_straight_lines_are():
    def bowl(x, y):
        return np.log10(0.01 + x**2 + 2 * (y[:, None] - 0.3) ** 2)

    x = np.linspace(-1, 1, 9)
    fine_x, fine_y, fine = finer(x, x, np.ma.masked_array(bowl(x, x)))
    straight = np.array([np.interp(fine_x, x, row) for row in bowl(x, x)])
    straight = np.array([np.interp(fine_y, x, column) for column in straight.T]).T
    errors = [np.abs(each - bowl(fine_x, fine_y)).mean() for each in (fine, straight)]
    assert errors[0] < 0.9 * errors[1]


def test_a_cell_with_a_masked_corner_is_masked_and_no_other():
    missing = [(1, 2), (3, 4), (0, 0), (0, 1), (0, 2), (0, 3), (0, 4)]
    fine_x, fine_y, fine = finer(X, Y, rough(missing))
    assert np.isfinite(fine.compressed()).all()
    mask = np.ma.getmaskarray(rough(missing))
    for row, y in enumerate(fine_y):
        for column, x in enumerate(fine_x[::5]):
            i, j = np.searchsorted(X, x + 1e-9) - 1, np.searchsorted(Y, y + 1e-9) - 1
            i_end = i if np.isclose(X[i], x) else i + 1
            j_end = j if np.isclose(Y[j], y) else j + 1
            assert fine.mask[row, 5 * column] == mask[j : j_end + 1, i : i_end + 1].any()


def test_a_fine_grid_stays_as_it_is():
    x = np.linspace(0, 1, STEPS + 1)
    heights = np.ma.masked_array(np.add.outer(x, x**2))
    fine_x, _, fine = finer(x, x, heights)
    np.testing.assert_allclose(fine_x, x)
    np.testing.assert_array_equal(fine, heights)


def test_the_picture_says_between_what_its_contours_are_interpolated(plane):
    words = "contours interpolated between 9\N{MULTIPLICATION SIGN}5 evaluated points"
    assert smooth_note([plane()]) == words
    assert smooth_note([plane(), plane(x=(-1, 1, 7))]) == "contours interpolated between the evaluated points"
    assert smooth_note([plane(every=2)]) == words.replace(" evaluated", "")
    whole = plane(x=(-1, 1, STEPS + 1), y=(-1, 1, STEPS + 1))
    assert smooth_note([whole]) == ""
    figure = draw([plane()], kind="contour")
    assert figure.legends[0].get_title().get_text() == words
    both = draw([dataclasses.replace(plane(every=2))], kind="contour").legends[0].get_title().get_text()
    assert "of the points evaluated (dots)" in both.replace("\n", " ")
    assert words.replace(" evaluated", "") in both.replace("\n", " ")
    assert draw([plane()], kind="heatmap").legends == []
