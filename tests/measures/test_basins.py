import numpy as np

from landscape_cli.measures.basins import ELSEWHERE, basins

STARTS = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def test_ends_belong_to_the_known_minimum_beside_them() -> None:
    minima = np.array([[0.0, 0.0], [10.0, 0.0]])
    ends = np.array([[0.01, 0.0], [9.99, 0.01], [5.0, 5.0], [np.nan, np.nan]])
    found, places = basins(STARTS, ends, (np.ones(4), np.zeros(4)), minima)
    assert found.tolist() == [0, 1, ELSEWHERE, ELSEWHERE]
    assert np.array_equal(places, minima)


def test_without_known_minima_ends_that_arrived_are_put_together() -> None:
    ends = np.array([[1.0, 1.0], [-1.0, 0.0], [1.001, 1.0], [0.0, 0.3]])
    slopes = np.array([1e-6, 1e-6, 1e-6, 1.0])
    found, places = basins(STARTS, ends, (np.ones(4), slopes), np.empty((0, 2)))
    np.testing.assert_allclose(places, [[1.0005, 1.0], [-1.0, 0.0]])
    assert found.tolist() == [0, 1, 0, ELSEWHERE]


def test_where_all_have_left_there_is_no_basin() -> None:
    lost, steep = np.full((4, 2), np.nan), np.full(4, np.inf)
    found, places = basins(STARTS, lost, (np.ones(4), steep), np.empty((0, 2)))
    assert found.tolist() == [ELSEWHERE] * 4
    assert len(places) == 0


def test_one_descent_that_went_far_makes_no_other_arrive() -> None:
    ends = np.array([[0.01, 0.0], [1.0, 1.0], [1e9, 0.0], [2.0, 0.0]])
    slopes = np.array([1e-6, 0.5, 1e9, 0.3])
    known, _ = basins(STARTS, ends, (np.ones(4), slopes), np.zeros((1, 2)))
    assert known.tolist() == [0, ELSEWHERE, ELSEWHERE, ELSEWHERE]
    unknown, places = basins(STARTS, ends, (np.ones(4), slopes), np.empty((0, 2)))
    assert unknown.tolist() == [0, ELSEWHERE, ELSEWHERE, ELSEWHERE]
    assert len(places) == 1
