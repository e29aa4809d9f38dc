"""The checks on raw arrays, and the fingerprint."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.data.raw import CHUNK, check, fingerprint
from landscape_cli.errors import LandscapeError


def arrays(**changes: Any) -> dict[str, Any]:
    random = np.random.default_rng(0)
    sound = {
        "train_images": random.normal(size=(12, 4, 5, 3)),
        "train_labels": np.arange(12) % 3,
        "test_images": random.normal(size=(6, 4, 5, 3)),
        "test_labels": np.arange(6) % 3,
    }
    return sound | changes


def test_channels_come_second() -> None:
    given = arrays()
    train, test = check("mine", given)
    assert (train.inputs.shape, test.inputs.shape) == ((12, 3, 4, 5), (6, 3, 4, 5))
    assert train.inputs[7, 2, 1, 4] == given["train_images"][7, 1, 4, 2]
    assert train.targets.dtype == np.int64


def test_grey_images_and_vectors() -> None:
    grey = check("mine", arrays(train_images=np.zeros((12, 4, 5)), test_images=np.zeros((6, 4, 5))))
    assert grey[0].inputs.shape == (12, 1, 4, 5)
    vectors = check("mine", arrays(train_images=np.zeros((12, 7)), test_images=np.zeros((6, 7))))
    assert vectors[1].inputs.shape == (6, 7)


def test_a_column_of_labels_is_taken_as_labels() -> None:
    train, _ = check("mine", arrays(train_labels=(np.arange(12) % 3).reshape(12, 1).astype(np.uint8)))
    assert train.targets.tolist() == [0, 1, 2] * 4


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_floating_point_labels_are_taken_as_they_are(shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(1)
    labels = {
        f"{split}_labels": random.normal(size=(n, *shape)).astype(np.float32)
        for split, n in (("train", 12), ("test", 6))
    }
    train, test = check("mine", arrays(**labels))
    assert not train.has_classes
    np.testing.assert_array_equal(train.targets, labels["train_labels"])
    np.testing.assert_array_equal(test.targets, labels["test_labels"])


def test_inputs_and_targets_are_other_names_of_images_and_labels() -> None:
    given = arrays()
    renamed = {key.replace("images", "inputs").replace("labels", "targets"): given[key] for key in given}
    assert set(renamed) & set(given) == set()
    assert fingerprint(*check("mine", renamed)) == fingerprint(*check("mine", given))


def test_fingerprint_does_not_depend_on_how_the_data_was_stored() -> None:
    given = arrays()
    expected = fingerprint(*check("mine", given))
    reversed_bytes = given["train_images"].astype(given["train_images"].dtype.newbyteorder())
    elsewhere = np.asfortranarray(reversed_bytes)
    assert fingerprint(*check("yours", arrays(train_images=elsewhere))) == expected
    assert (
        fingerprint(*check("yours", arrays(train_labels=given["train_labels"].astype(np.uint8)))) == expected
    )


@pytest.mark.parametrize("key", ["train_images", "train_labels", "test_images", "test_labels"])
def test_fingerprint_changes_with_one_value(key: str) -> None:
    given = arrays()
    changed = given[key].copy()
    changed.flat[-1] = 1 if key.endswith("labels") else 5
    assert fingerprint(*check("mine", given)) != fingerprint(*check("mine", given | {key: changed}))


def test_fingerprint_changes_with_shape_and_dtype() -> None:
    flat = {"train_images": np.zeros((12, 20)), "test_images": np.zeros((6, 20))}
    images = {"train_images": np.zeros((12, 4, 5)), "test_images": np.zeros((6, 4, 5))}
    single = {key: value.astype(np.float32) for key, value in flat.items()}
    assert len({fingerprint(*check("mine", arrays(**change))) for change in (flat, images, single)}) == 3


NAN = np.zeros((2 * CHUNK, 2))
NAN[CHUNK + 3, 1] = np.nan


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"train_images": np.zeros((12, 2, 2, 2, 2))},
            r"mine: train_images has shape \(12, 2, 2, 2, 2\); expected",
        ),
        ({"train_images": np.zeros(12)}, r"train_images has shape \(12,\); expected \(n, H, W\)"),
        ({"train_images": np.zeros((12, 3, 32, 32))}, r"channels first: transpose\(0, 2, 3, 1\)"),
        ({"train_images": np.zeros((0, 4, 5))}, r"train_images is empty, of shape \(0, 4, 5\)"),
        ({"train_images": np.zeros((12, 5), dtype=complex)}, "dtype complex128; expected uint8 or floating"),
        ({"train_images": [[1, 2], [3]]}, "mine: train_images is not an array"),
        ({"train_images": torch.zeros(12, 5, requires_grad=True)}, "mine: train_images is not an array"),
        (
            {"test_images": np.zeros((6, 4, 4, 3))},
            r"training sample has shape \(3, 4, 5\), a test sample \(3, 4, 4\)",
        ),
        ({"test_images": np.zeros((6, 20))}, r"training sample has shape \(3, 4, 5\), a test sample \(20,\)"),
        (
            {"train_images": NAN, "train_labels": np.arange(len(NAN)) % 3},
            f"train_images: sample {CHUNK + 3} holds a value that is not finite",
        ),
        (
            {"test_images": np.full((6, 4, 5, 3), np.inf)},
            "test_images: sample 0 holds a value that is not finite",
        ),
        ({"train_labels": np.arange(11) % 3}, "12 train images but 11 train labels"),
        ({"test_labels": np.zeros((6, 3), dtype=int)}, r"test_labels has shape \(6, 3\); expected \(n,\)"),
        (
            {"train_labels": np.zeros(12, dtype=bool)},
            "train_labels has dtype bool; expected whole numbers, or fl",
        ),
        (
            {"train_labels": np.zeros(12)},
            "train_labels are float64 of shape .12,., test_labels int64 of shape .6",
        ),
        (
            {"train_labels": np.zeros((12, 2)), "test_labels": np.zeros((6, 3))},
            "both must be whole numbers, or floating-point numbers of one shape a sample",
        ),
        (
            {"train_labels": np.zeros((12, 2, 2))},
            r"train_labels has shape \(12, 2, 2\); expected \(n,\) or \(n, d\)",
        ),
        (
            {"train_labels": np.where(np.arange(12) == 7, np.nan, 0.5)},
            "train_labels: sample 7 holds a value that is not finite",
        ),
        (
            {"train_targets": np.zeros(12)},
            "mine has both train_targets and train_labels; leave one of them out",
        ),
        (
            {"train_labels": np.arange(12) % 3 + 1},
            "3 classes in the training labels, numbered 1, 2, 3; expected 0 to 2",
        ),
        (
            {"train_labels": np.arange(12) % 2 * 2},
            "2 classes in the training labels, numbered 0, 2; expected 0 to 1",
        ),
        ({"train_labels": np.arange(12) % 3 - 1}, "numbered -1, 0, 1; expected 0 to 2: renumber them"),
        (
            {"train_labels": np.zeros(12, dtype=int)},
            "every training label is 0; expected at least two classes",
        ),
        ({"test_labels": np.arange(6)}, "test labels 3, 4, 5 are not among those of training, 0 to 2"),
    ],
)
def test_unsound_arrays_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError, match=message):
        check("mine", arrays(**changes))


def test_long_lists_of_labels_are_cut_short() -> None:
    many = {"train_images": np.zeros((20, 4, 5, 3)), "train_labels": np.arange(1, 21)}
    with pytest.raises(LandscapeError, match="numbered 1, 2, 3, 4, 5, 6, …, 20; expected 0 to 19"):
        check("mine", arrays(**many))


def test_missing_arrays_are_named() -> None:
    with pytest.raises(
        LandscapeError, match=r"mine has no test_images, test_labels; expected train_images, .* got tr"
    ):
        check("mine", {"train_images": np.zeros((3, 2)), "train_labels": np.zeros(3)})
    with pytest.raises(LandscapeError, match="got nothing"):
        check("mine", {})
