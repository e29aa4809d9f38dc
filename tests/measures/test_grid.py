"""What all measures of a plane have in common: what they refuse, and that they change nothing."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from measures.planes import SEEDS, Plane, bowl, random_plane

from landscape_cli.measures import line_radius, mean_radius, minima, nonconvex_fraction, plane_radius


def test_the_random_planes_have_every_kind() -> None:
    radii = [plane_radius(*random_plane(seed), 0.3) for seed in SEEDS]
    assert 0 in radii
    assert math.inf in radii
    assert sum(0 < radius < math.inf for radius in radii) > 5
    assert len({minima(*random_plane(seed)) for seed in SEEDS}) > 3


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.5), minima, nonconvex_fraction])
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda x, y, loss: (x, y, np.where(loss == loss.max(), np.nan, loss)), "4 of 35 losses are NaN"),
        (lambda x, y, loss: (x, y, np.where(loss == 0, -np.inf, loss)), "-inf"),
        (lambda x, y, loss: (x, y, loss[1:]), r"shape \(ny, nx\).*not \(4, 7\)"),
        (lambda x, y, loss: (x, y, loss.ravel()), "shape"),
        (lambda x, y, loss: (x[:2], y, loss[:, :2]), "3 or more"),
        (lambda x, y, loss: (x, y[::-1], loss), "y does not increase"),
        (lambda x, y, loss: (np.sinh(x), y, loss), "x is not equally spaced"),
    ],
)
def test_a_plane_that_is_none_is_refused(
    measure: Callable[..., float], change: Callable[..., Plane], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        measure(*change(*bowl(1, 1, 7, 5)))


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.5), minima])
def test_a_plane_without_a_centre_is_refused(measure: Callable[..., float]) -> None:
    x, y, loss = bowl(1, 1, 7, 5)
    with pytest.raises(ValueError, match=r"x goes from 0\.8 to 3\.2, without 0"):
        measure(x + 2, y, loss)
    with pytest.raises(ValueError, match=r"y goes from -2\.8 to -1\.2, without 0"):
        measure(x, y - 2, loss)


@pytest.mark.parametrize("measure", [lambda *plane: plane_radius(*plane, 0.6), minima, nonconvex_fraction])
@pytest.mark.parametrize("seed", range(5))
def test_measures_of_float32_are_those_of_float64_and_nothing_is_written(
    measure: Callable[..., float], seed: int
) -> None:
    single = [part.astype(np.float32) for part in random_plane(2 * seed, infinite=0)]
    kept = [part.copy() for part in single]
    assert measure(*single) == pytest.approx(measure(*[part.astype(np.float64) for part in single]))
    assert all(np.array_equal(one, other) for one, other in zip(single, kept, strict=True))


def test_a_measure_is_a_plain_number() -> None:
    x, y, loss = bowl(1, 1, 11, 11, (1, 1))
    assert type(plane_radius(x, y, loss, 0.5)) is float
    assert type(nonconvex_fraction(x, y, loss)) is float
    assert type(minima(x, y, loss)) is int
    assert type(line_radius(x, loss[5], 0.5)) is type(mean_radius([(x, loss[5])], 0.5)) is float
