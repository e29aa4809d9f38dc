"""Steps to a loss, counted by hand."""

import numpy as np

from landscape_cli.measures import first_at_least, steps_to


def test_the_first_step_counts_and_none_is_infinitely_many() -> None:
    assert steps_to(np.array([1.0, 0.5, 0.1, 0.3, 0.1]), 0.2) == 2
    assert steps_to(np.array([0.2, 0.5]), 0.2) == 0
    assert steps_to(np.array([1.0, 0.5]), 0.2) == np.inf
    assert steps_to(np.array([1.0, np.nan]), 0.2) == np.inf


def test_the_first_value_that_is_large_enough_counts() -> None:
    assert first_at_least(np.array([98.0, 99.0, 98.0, 100.0]), 99) == 1
    assert first_at_least(np.array([np.nan, 99.5]), 99) == 1
    assert first_at_least(np.array([98.0, np.nan]), 99) == np.inf
