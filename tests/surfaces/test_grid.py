import math

import numpy as np
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.surfaces.grid import as_grid, grid


def test_grid_reaches_its_ends_and_zero_exactly() -> None:
    values = grid(-1, 1, 51)
    assert (len(values), values[0], values[-1], values[25]) == (51, -1.0, 1.0, 0.0)
    assert values.dtype == np.float64
    assert not math.copysign(1, grid(-0.3, 0.3, 31)[15]) < 0
    assert 1.0 in grid(-0.5, 1.5, 41)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("-1:1:31", [-1, 1, 31]),
        ("-0.5:1.5:41", [-0.5, 1.5, 41]),
        ("1e-3:2e1:5", (1e-3, 20.0, 5)),
        ("+.5:1.:2", [0.5, 1.0, 2]),
    ],
)
def test_both_spellings_are_one_grid(one: str, other: list[float]) -> None:
    assert as_grid("x", one) == as_grid("x", other) == list(other)
    assert [type(value) for value in as_grid("x", one)] == [type(value) for value in other]  # the same YAML


@pytest.mark.parametrize(
    "got", ["", "1", "0:1", "0:1:2:3", "1:0:3", "0:1:1", "0:1:2.5", "0:inf:3", "nan:1:3", "0:1:x", 3, None]
)
def test_what_is_no_grid_is_refused(got: object) -> None:
    with pytest.raises(LandscapeError, match="x must be first:last:count with first < last"):
        as_grid("x", got)
