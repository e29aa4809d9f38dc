"""A data set as it was read: four arrays, checked and brought to one layout."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError

KEYS = ("train_images", "train_labels", "test_images", "test_labels")
Arrays = dict[str, NDArray[Any]]
"""What every reader returns: the four `KEYS`. Images are (n, H, W), (n, H, W, C) or vectors (n, features)."""

SYNONYMS = {
    f"{split}_{synonym}": f"{split}_{word}"
    for split in ("train", "test")
    for synonym, word in (("inputs", "images"), ("targets", "labels"))
}
"""Other names of the `KEYS`, as they are usual where inputs are no images and targets no classes."""

CHUNK = 256
"""Samples treated at once: no second copy of a split is ever held, and they fit into the cache."""


@dataclass(frozen=True, eq=False)
class Raw:
    """One split before normalization.

    Attributes:
        inputs: (n, C, H, W) or (n, features).
        targets: class numbers (n,) int64; or, of a regression, floating-point numbers (n,) or (n, d).
    """

    inputs: NDArray[Any]
    targets: NDArray[Any]

    @property
    def has_classes(self) -> bool:
        """Whether the targets are class numbers."""
        return self.targets.dtype.kind == "i"

    def take(self, indices: NDArray[np.intp]) -> "Raw":
        """Return the samples at `indices`, in that order."""
        return Raw(self.inputs[indices], self.targets[indices])


def chunks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield at most `CHUNK` samples at a time, in order, each time as a C-contiguous array."""
    for start in range(0, len(array), CHUNK):
        yield np.ascontiguousarray(array[start : start + CHUNK])


def check(name: str, arrays: Mapping[str, Any]) -> tuple[Raw, Raw]:
    """Return the train and test split of the four arrays, images as (n, C, H, W) views.

    Labels that are whole numbers must be 0 … classes-1, every class present in the training split. They are
    never renumbered: a result would then speak of other numbers than its user does. Floating-point ones are
    the targets of a regression, and stay what they are.

    Args:
        name: what the messages call the data.
        arrays: the four `KEYS` or their `SYNONYMS`, each an array or something that NumPy makes one of.

    Raises:
        LandscapeError: an array is missing, has the wrong shape or dtype, or holds a value that is not
            finite; the two splits do not fit each other; or the labels are not those described above.
    """
    twice = [key for key, word in SYNONYMS.items() if key in arrays and word in arrays]
    if twice:
        raise LandscapeError(f"{name} has both {twice[0]} and {SYNONYMS[twice[0]]}; leave one of them out")
    arrays = {SYNONYMS.get(key, key): array for key, array in arrays.items()}
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        got = ", ".join(map(str, arrays)) or "nothing"
        raise LandscapeError(f"{name} has no {', '.join(missing)}; expected {', '.join(KEYS)}, got {got}")
    train, test = (
        Raw(
            _inputs(f"{name}: {split}_images", _array(f"{name}: {split}_images", arrays[f"{split}_images"])),
            _targets(f"{name}: {split}_labels", _array(f"{name}: {split}_labels", arrays[f"{split}_labels"])),
        )
        for split in ("train", "test")
    )
    for split, raw in (("train", train), ("test", test)):
        if len(raw.inputs) != len(raw.targets):
            raise LandscapeError(
                f"{name}: {len(raw.inputs)} {split} images but {len(raw.targets)} {split} labels"
            )
    if train.inputs.shape[1:] != test.inputs.shape[1:]:
        raise LandscapeError(
            f"{name}: a training sample has shape {train.inputs.shape[1:]}, "
            f"a test sample {test.inputs.shape[1:]}; they must be the same"
        )
    if train.has_classes and test.has_classes:
        _check_classes(name, train.targets, test.targets)
    elif train.has_classes != test.has_classes or train.targets.shape[1:] != test.targets.shape[1:]:
        raise LandscapeError(
            f"{name}: train_labels are {_told(train.targets)}, test_labels {_told(test.targets)};"
            " both must be whole numbers, or floating-point numbers of one shape a sample"
        )
    return train, test


def fingerprint(train: Raw, test: Raw) -> str:
    """Return the SHA-256, in hex, of both splits' shapes, dtypes and values.

    Taken over the (n, C, H, W) layout in little-endian byte order, so that it does not depend on how the same
    data was stored.
    """
    digest = hashlib.sha256()
    for array in (train.inputs, train.targets, test.inputs, test.targets):
        little_endian = array.dtype.newbyteorder("<")
        digest.update(f"{little_endian.str} {array.shape}".encode())
        for chunk in chunks(array):
            digest.update(chunk.astype(little_endian, copy=False).data)
    return digest.hexdigest()


def _array(what: str, value: Any) -> NDArray[Any]:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:  # the last two: tensors on a GPU or in a graph
        raise LandscapeError(f"{what} is not an array ({error})") from error
    if array.dtype.kind not in "buif":
        raise LandscapeError(f"{what} has dtype {array.dtype}; expected uint8 or floating point numbers")
    if array.size == 0:
        raise LandscapeError(f"{what} is empty, of shape {array.shape}")
    return array


def _inputs(what: str, array: NDArray[Any]) -> NDArray[Any]:
    expected = "expected (n, H, W), (n, H, W, C) or vectors (n, features)"
    if array.ndim not in (2, 3, 4):
        raise LandscapeError(f"{what} has shape {array.shape}; {expected}")
    if array.ndim == 4 and array.shape[1] in (1, 3) and array.shape[3] > 4:
        raise LandscapeError(
            f"{what} has shape {array.shape}, channels first: transpose(0, 2, 3, 1); {expected}"
        )
    _check_finite(what, array)
    if array.ndim == 3:
        return array[:, np.newaxis]
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def _check_finite(what: str, array: NDArray[Any]) -> None:
    if array.dtype.kind != "f":
        return
    for number, chunk in enumerate(chunks(array)):
        finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
        if not finite.all():
            sample = number * CHUNK + int(np.argmin(finite))
            raise LandscapeError(f"{what}: sample {sample} holds a value that is not finite; drop it")


def _targets(what: str, array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind == "f":
        if array.ndim > 2:
            raise LandscapeError(
                f"{what} has shape {array.shape}; expected (n,) or (n, d): numbers to predict"
            )
        _check_finite(what, array)
        return array
    column = array.ndim == 2 and array.shape[1] == 1
    if array.ndim != 1 and not column:
        raise LandscapeError(f"{what} has shape {array.shape}; expected (n,): one class number a sample")
    if array.dtype.kind not in "ui":
        raise LandscapeError(
            f"{what} has dtype {array.dtype}; expected whole numbers, or floating-point ones"
        )
    return array.reshape(-1).astype(np.int64)


def _check_classes(name: str, train: NDArray[np.int64], test: NDArray[np.int64]) -> None:
    found = np.unique(train)
    classes = len(found)
    if classes < 2:
        raise LandscapeError(f"{name}: every training label is {found[0]}; expected at least two classes")
    if found[0] != 0 or found[-1] != classes - 1:
        raise LandscapeError(
            f"{name}: {classes} classes in the training labels, numbered {_numbers(found)}; "
            f"expected 0 to {classes - 1}: renumber them"
        )
    strangers = np.setdiff1d(test, found)
    if len(strangers):
        raise LandscapeError(
            f"{name}: test labels {_numbers(strangers)} are not among those of training, 0 to {classes - 1}"
        )


def _told(targets: NDArray[Any]) -> str:
    return f"{targets.dtype} of shape {targets.shape}"


def _numbers(values: NDArray[np.int64]) -> str:
    if len(values) <= 12:
        return ", ".join(map(str, values))
    return f"{', '.join(map(str, values[:6]))}, …, {values[-1]}"
