import math

import numpy as np

from landscape_cli.surfaces.grid import grid


def test_grid_reaches_its_ends_and_zero_exactly() -> None:
    values = grid(-1, 1, 51)
    assert (len(values), values[0], values[-1], values[25]) == (51, -1.0, 1.0, 0.0)
    assert values.dtype == np.float64
    assert not math.copysign(1, grid(-0.3, 0.3, 31)[15]) < 0
    assert 1.0 in grid(-0.5, 1.5, 41)
