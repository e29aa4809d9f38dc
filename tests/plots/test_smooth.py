"""Curves between the points of a coarse grid, against what they must be there."""

import numpy as np
import pytest

from landscape_cli.plots.smooth import smooth


def masked(values, mask=False):
    return np.ma.masked_array(values, mask=np.broadcast_to(mask, values.shape))


def on_grid(nx, ny, function):
    x, y = np.linspace(-1, 1, nx), np.linspace(0, 2, ny)
    return x, y, masked(function(*np.meshgrid(x, y)))


def test_every_point_keeps_its_height():
    x, y, heights = on_grid(9, 6, lambda x, y: np.sin(5 * x) * np.cos(3 * y))
    fine_x, fine_y, fine = smooth(x, y, heights)
    assert len(fine_x) > 150
    assert len(fine_y) > 150
    rows, columns = np.searchsorted(fine_y, y), np.searchsorted(fine_x, x)
    np.testing.assert_array_equal(fine_x[columns], x)
    np.testing.assert_array_equal(fine_y[rows], y)
    np.testing.assert_allclose(fine[np.ix_(rows, columns)], heights, atol=1e-14)


def test_a_plane_stays_one():
    x, y, heights = on_grid(7, 5, lambda x, y: 2 + 3 * x - y)
    fine_x, fine_y, fine = smooth(x, y, heights)
    np.testing.assert_allclose(fine, 2 + 3 * fine_x - fine_y[:, None], atol=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_there_are_no_minima_and_maxima_but_those_of_the_points(seed):
    heights = masked(np.random.default_rng(seed).normal(size=(6, 8)))
    _, _, fine = smooth(np.arange(8.0), np.arange(6.0), heights)
    assert heights.min() - 1e-12 <= fine.min()
    assert fine.max() <= heights.max() + 1e-12


def test_it_comes_nearer_to_a_smooth_function_than_straight_pieces_do():
    x, y, heights = on_grid(12, 12, lambda x, y: np.exp(-4 * x**2 - 3 * (y - 1) ** 2))
    fine_x, fine_y, fine = smooth(x, y, heights)
    truth = np.exp(-4 * fine_x**2 - 3 * (fine_y[:, None] - 1) ** 2)
    rows = np.stack([np.interp(fine_x, x, row) for row in heights])
    straight = np.stack([np.interp(fine_y, y, column) for column in rows.T], axis=1)
    assert np.abs(fine - truth).mean() < 0.5 * np.abs(straight - truth).mean()


def test_cells_with_a_missing_corner_are_masked():
    values = np.ones((4, 5))
    mask = np.zeros((4, 5), dtype=bool)
    mask[1, 2] = True
    fine_x, fine_y, fine = smooth(np.arange(5.0), np.arange(4.0), masked(values, mask))
    inside = (np.abs(fine_x - 2) < 1) & (np.abs(fine_y - 1) < 1)[:, None]
    np.testing.assert_array_equal(np.ma.getmaskarray(fine), inside)


def test_a_fine_grid_stays_as_it_is():
    x, y, heights = on_grid(101, 90, lambda x, y: x * y)
    fine_x, fine_y, fine = smooth(x, y, heights)
    np.testing.assert_array_equal(fine_x, x)
    np.testing.assert_array_equal(fine_y, y)
    np.testing.assert_array_equal(fine, heights)
