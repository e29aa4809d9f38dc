"""Basins and their merging, beside labels of every sublevel set, GUDHI, and closed forms; and under noise."""

import gudhi
import numpy as np
import pytest
from measures.planes import SEEDS, bowl, random_plane
from numpy.testing import assert_allclose
from scipy.ndimage import label

from landscape_cli.arrays import Array
from landscape_cli.measures import Basin, basins_above, merge_tree, minima
from landscape_cli.measures.merge_tree import arms

INF = float("inf")


def losses(seed: int) -> Array:
    """A plane with +inf and, where the seed is odd, plateaus; every third is its middle row."""
    _, _, loss = random_plane(seed)
    return loss[len(loss) // 2] if seed % 3 == 0 else loss


def twin(loss: Array) -> list[tuple[tuple[int, ...], float, float, tuple[int, ...] | None]]:
    """Label {L <= h} at every height there is: a minimum lives until its component has a lower one."""
    points = sorted(np.ndindex(loss.shape), key=lambda place: (loss[place], place))
    heights = sorted({float(value) for value in loss[np.isfinite(loss)]})
    alive, dead = [], []
    for height in heights:
        components, _ = label(loss <= height, np.ones((3,) * loss.ndim))
        first = {}  # of each component
        for place in points:
            if components[place] and components[place] not in first:
                first[components[place]] = place
        for place in [place for place in alive if place not in first.values()]:
            alive.remove(place)
            dead.append((place, float(loss[place]), height, first[components[place]]))
        alive += [place for place in first.values() if place not in alive]
    found = dead + [(place, float(loss[place]), INF, None) for place in alive]
    return sorted(found, key=lambda basin: (basin[1], basin[0]))


def told(basins: list[Basin]) -> list[tuple[tuple[int, ...], float, float, tuple[int, ...] | None]]:
    return [(b.place, b.birth, b.death, None if b.into is None else basins[b.into].place) for b in basins]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_tree_is_that_of_labels_at_every_height(seed: int) -> None:
    loss = losses(seed)
    assert told(merge_tree(loss)) == twin(loss)


def test_the_planes_have_many_basins_that_merge() -> None:
    merging = [sum(basin.into is not None for basin in merge_tree(losses(seed))) for seed in SEEDS]
    assert sum(count > 1 for count in merging) > len(SEEDS) / 2


@pytest.mark.parametrize("seed", SEEDS)
def test_births_and_deaths_are_those_of_gudhi(seed: int) -> None:
    """Its cubes of the top dimension are our points: they meet at corners, hence eight neighbours."""
    loss = losses(seed)
    pairs = gudhi.CubicalComplex(top_dimensional_cells=loss).persistence()
    expected = sorted(pair for dimension, pair in pairs if dimension == 0 and pair[0] < pair[1])
    assert sorted((each.birth, each.death) for each in merge_tree(loss)) == expected


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("persistence", [0.1, 0.3])
def test_the_persistent_ones_keep_their_tree(seed: int, persistence: float) -> None:
    loss = losses(seed)
    every, kept = merge_tree(loss), merge_tree(loss, persistence)
    assert told(kept) == [basin for basin in told(every) if basin[2] - basin[1] >= persistence]


def test_points_that_are_not_evaluated_join_nothing() -> None:
    loss = np.array([1.0, 3.0, 0.0])
    assert merge_tree(loss) == [Basin((2,), 0.0, INF, None), Basin((0,), 1.0, 3.0, 0)]
    for gap in (np.nan, INF):
        parted = np.array([1.0, gap, 0.0])
        assert merge_tree(parted) == [Basin((2,), 0.0, INF, None), Basin((0,), 1.0, INF, None)]
    assert merge_tree(np.full((3, 3), INF)) == []


def test_a_plateau_is_one_point_and_basins_may_touch_at_corners() -> None:
    flat = np.array([[0.0, 0, 5, 1], [0, 0, 5, 1]])
    assert merge_tree(flat) == [Basin((0, 0), 0.0, INF, None), Basin((0, 3), 1.0, 5.0, 0)]
    assert merge_tree(np.zeros((4, 5))) == [Basin((0, 0), 0.0, INF, None)]
    diagonal = np.array([[0.0, 9], [9, 0]])
    assert len(merge_tree(diagonal)) == 1


def wells(x: Array, y: Array) -> Array:
    """(x^2 - 1)^2 + x / 10 + 2 y^2: two wells, with a pass near x = 0 at which the right one ends."""
    return (x**2 - 1) ** 2 + 0.1 * x + 2 * y**2


def test_two_wells_have_the_persistence_of_their_pass() -> None:
    loss = wells(*np.meshgrid(np.linspace(-1.6, 1.6, 401), np.linspace(-1, 1, 101)))
    right, top, left = sorted(np.roots([4, 0, -4, 0.1]).real)[::-1]
    lower, upper = merge_tree(loss)
    # a grid point is half a step, 0.004, off at most; at x = 1 the curvature is 8
    assert_allclose(
        [lower.birth, upper.birth, upper.death], wells(np.array([left, right, top]), 0), atol=1e-4
    )
    assert (lower.death, upper.into) == (INF, 0)
    assert basins_above(loss, 0.9 * upper.persistence) == 1
    assert basins_above(loss, 1.1 * upper.persistence) == 0


@pytest.mark.parametrize("seed", range(3))
def test_noise_makes_minima_but_no_basins(seed: int) -> None:
    """Of at most e it changes no persistence by more than 2 e."""
    x, y = np.linspace(-1.6, 1.6, 161), np.linspace(-1, 1, 81)
    loss, e = wells(*np.meshgrid(x, y)), 0.1
    noisy = loss + np.random.default_rng(seed).uniform(-e, e, loss.shape)
    assert [minima(x, y, loss), basins_above(loss, 0.3)] == [1, 1]
    assert minima(x, y, noisy) > 100
    assert basins_above(noisy, 0.3) == 1
    persistences = sorted((each.persistence for each in merge_tree(noisy)), reverse=True)
    assert persistences[1] == pytest.approx(merge_tree(loss)[1].persistence, abs=2 * e)
    assert max(persistences[2:]) <= 2 * e


def test_a_bowl_has_no_other_basin() -> None:
    assert basins_above(bowl(1.0, 2.0)[2], 1e-9) == 0


def test_arms_lie_below_the_first_pass_of_each() -> None:
    loss = np.array([3.0, 1, 4, 2, 6, 0, 7, 0.5, INF, 9])
    assert arms(loss, merge_tree(loss)).tolist() == [2, 2, -1, 3, -1, 0, -1, 1, -1, 4]
    assert arms(loss, merge_tree(loss, 4.5)).tolist() == [2, 2, 2, 2, -1, 0, -1, 1, -1, 3]
    alone = arms(loss[:7], merge_tree(loss[:7], 50))
    assert alone.tolist() == [0] * 7


@pytest.mark.parametrize(
    ("loss", "persistence", "words"),
    [
        (np.zeros((2, 2, 2)), 0.1, r"not \(2, 2, 2\)"),
        ([1.0, -INF], 0.1, "-inf"),
        ([1.0, np.nan], 0.1, "1 of 2 losses are NaN"),
        ([INF, INF], 0.1, "no loss is finite"),
        ([1.0, 2.0], 0, "must be positive"),
        ([1.0, 2.0], -0.1, "must be finite and not negative"),
        ([1.0, 2.0], np.nan, "must be finite"),
    ],
)
def test_what_it_refuses(loss: Array, persistence: float, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        basins_above(loss, persistence)
