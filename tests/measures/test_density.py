"""Point masses, smoothed and averaged, by hand."""

import numpy as np
import pytest

from landscape_cli.measures.density import Quadrature, outliers

MASSES = Quadrature(
    np.array([[-1.0, 2.0, np.nan], [0.0, 1.0, 2.0]]), np.array([[0.75, 0.25, 0.0], [0.5, 0.25, 0.25]])
)


def test_means_are_over_vectors() -> None:
    mean, error = MASSES.mean(MASSES.nodes)
    assert mean == pytest.approx((-0.25 + 0.75) / 2)
    assert error == pytest.approx(0.5)  # half of the difference of the two
    alone = Quadrature(MASSES.nodes[:1], MASSES.weights[:1])
    assert alone.mean(alone.nodes)[0] == pytest.approx(-0.25)
    assert np.isnan(alone.mean(alone.nodes)[1])


def test_the_smooth_density_has_the_mass() -> None:
    places = np.linspace(-10, 10, 4001)
    density, error = MASSES.smooth(places, 0.2)
    step = places[1] - places[0]
    assert density.sum() * step == pytest.approx(1)
    assert density[places > 1.5].sum() * step == pytest.approx(0.25, rel=0.02)
    peak = 1 / (0.2 * np.sqrt(2 * np.pi))
    assert density.max() == pytest.approx(0.75 / 2 * peak, rel=1e-4)
    assert error[np.argmax(density)] == pytest.approx(
        0.75 / 2 * peak, rel=1e-4
    )  # one vector has it, the other nothing


def test_outliers_stand_above_the_widest_gap_of_logarithms() -> None:
    assert outliers(np.array([0.001, 9.0, 0.0012, 10.0, 8.0])) == 3
    assert outliers(np.array([100.0, 9.0, 8.0, 7.0, 6.0])) == 1
    bulk = np.concatenate([np.geomspace(1, 1e-3, 30), [50.0, 40.0]])
    assert outliers(bulk) == 2
    assert outliers(np.append(bulk, -3.0)) == 2
    late = np.concatenate([np.geomspace(100, 50, 6), [1e-5]])
    assert outliers(late) == 6
    assert outliers(late, among=4) < 6  # a gap beyond those is not seen
