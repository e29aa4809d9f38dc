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

CHUNK = 256
"""Samples treated at once: no second copy of a split is ever held, and they fit into the cache."""


@dataclass(frozen=True, eq=False)
class Raw:
    """One split before normalization: `inputs` (n, C, H, W) or (n, features), `labels` (n,) int64."""

    inputs: NDArray[Any]
    labels: NDArray[np.int64]

    def take(self, indices: NDArray[np.intp]) -> "Raw":
        """Return the samples at `indices`, in that order."""
        return Raw(self.inputs[indices], self.labels[indices])


def chunks(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield at most `CHUNK` samples at a time, in order, each time as a C-contiguous array."""
    for start in range(0, len(array), CHUNK):
        yield np.ascontiguousarray(array[start : start + CHUNK])


def check(name: str, arrays: Mapping[str, Any]) -> tuple[Raw, Raw]:
    """Return the train and test split of the four arrays, images as (n, C, H, W) views.

    Labels must be 0 … classes-1, every class present in the training split. They are never renumbered: a
    result would then speak of other numbers than its user does.

    Args:
        name: what the messages call the data.
        arrays: the four `KEYS`, each an array or something that NumPy makes one of.

    Raises:
        LandscapeError: an array is missing, has the wrong shape or dtype, or holds a value that is not
            finite; the two splits do not fit each other; or the labels are not those described above.
    """
    missing = [key for key in KEYS if key not in arrays]
    if missing:
        got = ", ".join(map(str, arrays)) or "nothing"
        raise LandscapeError(f"{name} has no {', '.join(missing)}; expected {', '.join(KEYS)}, got {got}")
    train, test = (
        Raw(
            _inputs(f"{name}: {split}_images", _array(f"{name}: {split}_images", arrays[f"{split}_images"])),
            _labels(f"{name}: {split}_labels", _array(f"{name}: {split}_labels", arrays[f"{split}_labels"])),
        )
        for split in ("train", "test")
    )
    for split, raw in (("train", train), ("test", test)):
        if len(raw.inputs) != len(raw.labels):
            raise LandscapeError(
                f"{name}: {len(raw.inputs)} {split} images but {len(raw.labels)} {split} labels"
            )
    if train.inputs.shape[1:] != test.inputs.shape[1:]:
        raise LandscapeError(
            f"{name}: a training sample has shape {train.inputs.shape[1:]}, "
            f"a test sample {test.inputs.shape[1:]}; they must be the same"
        )
    _check_classes(name, train.labels, test.labels)
    return train, test


def fingerprint(train: Raw, test: Raw) -> str:
    """Return the SHA-256, in hex, of both splits' shapes, dtypes and values.

    Taken over the (n, C, H, W) layout in little-endian byte order, so that it does not depend on how the same
    data was stored.
    """
    digest = hashlib.sha256()
    for array in (train.inputs, train.labels, test.inputs, test.labels):
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
    if array.dtype.kind == "f":
        for number, chunk in enumerate(chunks(array)):
            finite = np.isfinite(chunk).reshape(len(chunk), -1).all(axis=1)
            if not finite.all():
                sample = number * CHUNK + int(np.argmin(finite))
                raise LandscapeError(f"{what}: sample {sample} holds a value that is not finite; drop it")
    if array.ndim == 3:
        return array[:, np.newaxis]
    return array.transpose(0, 3, 1, 2) if array.ndim == 4 else array


def _labels(what: str, array: NDArray[Any]) -> NDArray[np.int64]:
    column = array.ndim == 2 and array.shape[1] == 1
    if array.ndim != 1 and not column:
        raise LandscapeError(f"{what} has shape {array.shape}; expected (n,): one class number a sample")
    if array.dtype.kind not in "ui":
        raise LandscapeError(f"{what} has dtype {array.dtype}; expected whole numbers")
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


def _numbers(values: NDArray[np.int64]) -> str:
    if len(values) <= 12:
        return ", ".join(map(str, values))
    return f"{', '.join(map(str, values[:6]))}, …, {values[-1]}"
