"""Problems made on the spot: geometry, balance, independence of the two splits."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from landscape_cli.data.raw import Arrays
from landscape_cli.data.streams import stream
from landscape_cli.data.synthetic import blobs, spirals, swiss_roll, teacher
from landscape_cli.errors import LandscapeError

SPIRALS = {"samples": 501, "noise": 0.0, "turns": 1.5, "seed": 0}
SWISS_ROLL = {"samples": 502, "classes": 4, "noise": 0.0, "seed": 0}
BLOBS = {"samples": 503, "classes": 3, "features": 5, "spread": 0.0, "seed": 0}
EVERY = [(spirals, SPIRALS), (swiss_roll, SWISS_ROLL), (blobs, BLOBS)]


@pytest.mark.parametrize(("make", "options"), EVERY)
def test_splits_are_seeded_balanced_and_different(
    make: Callable[..., Arrays], options: dict[str, Any]
) -> None:
    first, same, other = make(options), make(dict(options)), make(options | {"seed": 1})
    for key, array in first.items():
        np.testing.assert_array_equal(array, same[key])
        assert len(array) == options["samples"]
    assert not np.array_equal(first["train_images"], other["train_images"])
    assert not np.array_equal(first["train_images"], first["test_images"])
    counts = np.bincount(first["train_labels"])
    assert counts.max() - counts.min() <= 1


def test_spirals_without_noise_lie_on_two_spirals() -> None:
    arrays = spirals(SPIRALS)
    for split in ("train", "test"):
        x, y = arrays[f"{split}_images"].T
        radius = np.hypot(x, y)
        assert radius.max() <= 1
        turned = np.arctan2(y, x) - 2 * np.pi * 1.5 * radius - np.pi * arrays[f"{split}_labels"]
        np.testing.assert_allclose(np.cos(turned), 1, atol=1e-12)


def test_spirals_noise_has_the_stated_deviation() -> None:
    clean, noisy = spirals(SPIRALS), spirals(SPIRALS | {"noise": 0.1})
    np.testing.assert_allclose((noisy["train_images"] - clean["train_images"]).std(), 0.1, rtol=0.1)


def test_swiss_roll_is_cut_at_the_same_places_in_both_splits() -> None:
    arrays = swiss_roll(SWISS_ROLL)
    ends: dict[str, list[tuple[float, float]]] = {}
    for split in ("train", "test"):
        position = np.hypot(arrays[f"{split}_images"][:, 0], arrays[f"{split}_images"][:, 2])
        by_class = [position[arrays[f"{split}_labels"] == label] for label in range(4)]
        ends[split] = [(found.min(), found.max()) for found in by_class]
    for label in range(3):
        assert max(ends["train"][label][1], ends["test"][label][1]) <= min(
            ends["train"][label + 1][0], ends["test"][label + 1][0]
        )


def test_blobs_of_no_spread_sit_on_the_same_centers_in_both_splits() -> None:
    arrays = blobs(BLOBS)
    centers = [np.unique(arrays[f"{split}_images"], axis=0) for split in ("train", "test")]
    assert centers[0].shape == (3, 5)
    np.testing.assert_array_equal(centers[0], centers[1])
    assert np.abs(centers[0]).max() <= 10


def test_blobs_have_the_stated_spread() -> None:
    clean, wide = blobs(BLOBS), blobs(BLOBS | {"spread": 2.0})
    np.testing.assert_array_equal(clean["train_labels"], wide["train_labels"])
    np.testing.assert_allclose((wide["train_images"] - clean["train_images"]).std(), 2, rtol=0.1)


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (spirals, {"samples": 1}, "dataset.samples must be a whole number of at least 2, got 1"),
        (spirals, {"noise": -1}, "dataset.noise must be a number of at least 0, got -1"),
        (spirals, {"turns": "many"}, "dataset.turns must be a number of at least 0, got 'many'"),
        (swiss_roll, {"classes": 1}, "dataset.classes must be a whole number of at least 2, got 1"),
        (swiss_roll, {"samples": 3}, "dataset.samples must be a whole number of at least 4, got 3"),
        (swiss_roll, {"noise": float("inf")}, "dataset.noise must be a number of at least 0, got inf"),
        (blobs, {"features": 0}, "dataset.features must be a whole number of at least 1, got 0"),
        (blobs, {"spread": None}, "dataset.spread must be a number of at least 0, got None"),
        (blobs, {"classes": 2.0}, "dataset.classes must be a whole number of at least 2, got 2.0"),
        (blobs, {"samples": 2}, "dataset.samples must be a whole number of at least 3, got 2"),
    ],
)
def test_wrong_options_are_refused(
    make: Callable[..., Arrays], changes: dict[str, Any], message: str
) -> None:
    options = next(options for known, options in EVERY if known is make)
    with pytest.raises(LandscapeError, match=message):
        make(options | changes)


TEACHER = {"samples": 400, "features": 5, "units": 3, "outputs": 2, "noise": 0.0, "seed": 0}


def test_a_teacher_is_one_network_for_both_splits() -> None:
    arrays = teacher(TEACHER | {"answers": "values"})
    noisy = teacher(TEACHER | {"answers": "values", "noise": 0.3})
    classes = teacher(TEACHER | {"answers": "classes"})
    weights = stream(0, "teacher weights")
    hidden, last = weights.normal(size=(5, 3)), weights.normal(size=(3, 2))
    for split in ("train", "test"):
        expected = np.zeros((400, 2))
        for unit in range(3):
            pre = arrays[f"{split}_images"] @ hidden[:, unit] / 5**0.5
            expected += np.outer(np.where(pre > 0, pre, 0), last[unit])
        np.testing.assert_allclose(arrays[f"{split}_labels"], expected)
        assert np.array_equal(classes[f"{split}_labels"], expected.argmax(1))
        off = noisy[f"{split}_labels"] - expected
        np.testing.assert_allclose(off.std(), 0.3 if split == "train" else 0, rtol=0.1, atol=1e-12)
    assert not np.array_equal(arrays["train_images"], arrays["test_images"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"answers": "words"}, "no dataset.answers 'words'; choose from classes, values"),
        ({"answers": "classes", "outputs": 1}, "dataset.outputs must be a whole number of at least 2, got 1"),
        ({"answers": "classes", "samples": 2, "outputs": 5}, "dataset.outputs=5: some are never the largest"),
        ({"units": 0}, "dataset.units must be a whole number of at least 1, got 0"),
    ],
)
def test_what_no_teacher_has(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        teacher(TEACHER | {"answers": "values"} | changes)
    assert str(caught.value).startswith(message)
