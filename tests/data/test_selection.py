"""Class-balanced selection and label noise."""

from itertools import pairwise

import numpy as np
import pytest

from landscape_cli.data.raw import Raw
from landscape_cli.data.selection import balanced, corrupt, of_classes, uniform
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError

LABELS = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [10, 30, 20]))


@pytest.mark.parametrize("size", [1, 2, 3, 10, 29, 30, 31, 32])
def test_counts_differ_by_at_most_one_and_order_is_kept(size: int) -> None:
    indices = balanced(LABELS, size, 3, stream(1, "test"), key="size")
    assert len(indices) == size
    assert (np.diff(indices) > 0).all()
    counts = np.bincount(LABELS[indices], minlength=3)
    assert counts.max() - counts.min() <= 1


def test_a_smaller_selection_is_part_of_a_larger_one() -> None:
    selections = [set(balanced(LABELS, size, 3, stream(1, "test"), key="size")) for size in range(1, 33)]
    assert all(small < large for small, large in pairwise(selections))


def test_selection_depends_on_the_seed() -> None:
    first, same, other = (balanced(LABELS, 12, 3, stream(seed, "test"), key="size") for seed in (1, 1, 2))
    assert first.tolist() == same.tolist() != other.tolist()


@pytest.mark.parametrize(
    ("size", "message"),
    [
        (61, "size=61 is more than the 60 samples there are"),
        (
            33,
            "size=33 cannot be balanced: class 0 of 3 has 10 samples; the most is 32, or null for all 60",
        ),
        (
            60,
            "size=60 cannot be balanced: class 0 of 3 has 10 samples; the most is 32, or null for all 60",
        ),
    ],
)
def test_too_large_a_selection_is_refused(size: int, message: str) -> None:
    with pytest.raises(LandscapeError, match=message):
        balanced(LABELS, size, 3, stream(0, "test"), key="size")


def test_samples_without_classes_are_drawn_uniformly() -> None:
    selections = [uniform(50, size, stream(1, "test"), key="size").tolist() for size in range(1, 51)]
    assert selections[-1] == list(range(50))
    assert all(len(one) == size and sorted(set(one)) == one for size, one in enumerate(selections, start=1))
    assert all(set(small) < set(large) for small, large in pairwise(selections))
    drawn = [uniform(4, 1, stream(seed, "test"), key="size")[0] for seed in range(2000)]
    np.testing.assert_allclose(np.bincount(drawn), 500, atol=100)  # five standard deviations
    with pytest.raises(LandscapeError, match="size=51 is more than the 50 samples there are"):
        uniform(50, 51, stream(0, "test"), key="size")


@pytest.mark.parametrize(("fraction", "changed"), [(0.0, 0), (0.01, 1), (0.25, 15), (0.999, 60), (1.0, 60)])
def test_noise_changes_an_exact_number_of_labels(fraction: float, changed: int) -> None:
    before = LABELS.copy()
    noisy = corrupt(LABELS, fraction, 3, stream(0, "test"))
    assert int((noisy != LABELS).sum()) == changed
    assert set(noisy) <= {0, 1, 2}
    np.testing.assert_array_equal(LABELS, before)


def test_noise_is_uniform_over_the_other_classes() -> None:
    noisy = corrupt(np.full(30_000, 1), 1.0, 4, stream(0, "test"))
    counts = np.bincount(noisy, minlength=4)
    assert counts[1] == 0
    np.testing.assert_allclose(counts[[0, 2, 3]], 10_000, atol=400)  # five standard deviations


def test_streams_of_different_purposes_and_seeds_differ() -> None:
    draws = {stream(seed, purpose).uniform() for seed in range(3) for purpose in ("a", "b", "ab", "ba")}
    assert len(draws) == 12
    assert stream(2, "a").uniform() in draws


SPLIT = Raw(np.arange(12.0).reshape(6, 2), np.array([0, 1, 2, 2, 1, 0]))


def test_classes_are_chosen_and_renumbered_in_the_order_asked_for() -> None:
    found = of_classes(SPLIT, [2, 0], "made")
    assert found.targets.tolist() == [1, 0, 0, 1]
    assert found.inputs[:, 0].tolist() == [0, 4, 6, 10]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([1], "dataset.labels must be two or more class numbers, each once, got [1]"),
        ([1, 1], "dataset.labels must be two or more class numbers, each once, got [1, 1]"),
        (3, "dataset.labels must be two or more class numbers, each once, got 3"),
        ([0, 1.5], "dataset.labels must be two or more class numbers, each once, got [0, 1.5]"),
        ([0, 7], "dataset.labels=[0, 7]: data set made has no class 7"),
    ],
)
def test_classes_that_there_are_not(labels: object, message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        of_classes(SPLIT, labels, "made")
    assert str(caught.value) == message
