"""What stands in the configuration on the scale of inputs: moments, bytes, or tokens that have none."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.data.normalize import moments
from landscape_cli.data.raw import Raw
from landscape_cli.errors import LandscapeError, unknown

SCALINGS = ("standardize", "unit", "none", "tokens")


def vocabulary_of(options: Mapping[str, Any], name: str, train: Raw, test: Raw) -> int:
    """Return one more than the largest token, or 0 where inputs are numbers.

    Raises:
        LandscapeError: the inputs cannot be tokens.
    """
    if options["scaling"] != "tokens":
        return 0
    least = min(int(split.inputs.min()) if split.inputs.dtype.kind in "ui" else -1 for split in (train, test))
    if train.inputs.ndim != 2 or least < 0:
        raise LandscapeError(
            "dataset.scaling=tokens needs whole numbers from 0, (n, length), and the inputs of data set"
            f" {name} are {train.inputs.dtype} of shape {train.inputs.shape}; say standardize or none"
        )
    if options["pixels"] is not None or options["mean"] is not None or options["std"] is not None:
        raise LandscapeError("dataset.pixels, mean and std are for numbers, not for dataset.scaling=tokens")
    return 1 + int(max(split.inputs.max() for split in (train, test)))


def moments_of(options: Mapping[str, Any], train: Raw, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return what is subtracted from and what divides each channel or feature of data that had a dtype."""
    channels, scaling = train.inputs.shape[1], options["scaling"]
    if options["mean"] is not None or options["std"] is not None:
        return _given(options, channels, 255.0 if dtype == np.uint8 else 1.0)
    if scaling == "standardize":
        return moments(train.inputs)
    if scaling in ("none", "tokens"):
        return np.zeros(channels), np.ones(channels)
    if scaling != "unit":
        raise unknown("dataset.scaling", scaling, SCALINGS)
    if dtype != np.uint8:
        raise LandscapeError(f"dataset.scaling=unit needs 8-bit images, got {dtype}; say standardize")
    return np.zeros(channels), np.full(channels, 255.0)


def _given(options: Mapping[str, Any], channels: int, unit: float) -> tuple[Array, Array]:
    """Return the mean and standard deviation that were given, in units of the raw values."""
    if options["scaling"] != "standardize":
        raise LandscapeError("dataset.mean and dataset.std are for dataset.scaling=standardize")
    found = []
    for key in ("mean", "std"):
        value = options[key]
        numbers = value if isinstance(value, list) else [value] * channels
        real = all(isinstance(one, int | float) and not isinstance(one, bool) for one in numbers)
        if not real or len(numbers) != channels or (key == "std" and min(numbers) <= 0):
            what = "numbers" if key == "mean" else "positive numbers"
            raise LandscapeError(
                f"dataset.{key} must be {channels} {what}, or one for all channels, got {value!r};"
                " mean and std go together"
            )
        found.append(unit * np.array(numbers, dtype=np.float64))
    return found[0], found[1]
