"""The loss at a place, beside a search."""

import numpy as np
import pytest
from measures.planes import SEEDS, centre_twin, random_plane

from landscape_cli.measures import loss_at, loss_at_centre


@pytest.mark.parametrize("seed", range(10))
def test_on_a_line_it_is_that_of_the_nearest_point(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, loss = np.sort(rng.uniform(-1, 1, 9)), rng.random(9)
    for place in rng.uniform(x[0], x[-1], 20):
        distances = [abs(one - place) for one in x.tolist()]
        assert loss_at(x, loss, place) == loss[distances.index(min(distances))]


@pytest.mark.parametrize("seed", SEEDS)
def test_on_a_plane_it_is_that_of_the_centre(seed: int) -> None:
    x, y, loss = random_plane(seed)
    assert loss_at_centre(x, y, loss) == loss[centre_twin(x, y)]


def test_half_way_between_two_points_it_is_that_of_the_lower_one() -> None:
    x, loss = np.array([-1.0, 1.0]), np.array([3.0, 4.0])
    assert loss_at(x, loss, 0.0) == 3.0
    assert type(loss_at(x.astype(np.float32), loss, 0.0)) is float


def test_a_place_that_the_line_does_not_reach_is_refused() -> None:
    with pytest.raises(ValueError, match=r"from 0 to 1, not through -0\.5"):
        loss_at(np.array([0.0, 1.0]), np.zeros(2), -0.5)
    with pytest.raises(ValueError, match="1 of 2 losses are NaN"):
        loss_at(np.array([0.0, 1.0]), np.array([0.0, np.nan]), 0.0)
