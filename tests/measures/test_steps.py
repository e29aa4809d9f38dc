"""Steps to a loss, counted by hand."""

import numpy as np

from landscape_cli.measures import steps_to


def test_the_first_step_counts_and_none_is_infinitely_many() -> None:
    assert steps_to(np.array([1.0, 0.5, 0.1, 0.3, 0.1]), 0.2) == 2
    assert steps_to(np.array([0.2, 0.5]), 0.2) == 0
    assert steps_to(np.array([1.0, 0.5]), 0.2) == np.inf
    assert steps_to(np.array([1.0, np.nan]), 0.2) == np.inf
