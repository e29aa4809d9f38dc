"""Images without their structure: what a network that fits them anyway has learned by heart."""

from collections.abc import Callable
from typing import Any

import numpy as np

from landscape_cli.data.normalize import moments
from landscape_cli.data.raw import Raw
from landscape_cli.errors import unknown

PIXELS = ("shuffled", "random", "gaussian")

Random = np.random.RandomState
Inputs = np.ndarray[Any, np.dtype[Any]]


def check_pixels(kind: object) -> None:
    """Refuse what is neither None nor one of `PIXELS`.

    Raises:
        LandscapeError: naming the nearest.
    """
    if kind is not None and kind not in PIXELS:
        raise unknown("dataset.pixels", kind, PIXELS)


def scrambled(train: Raw, test: Raw, kind: str, stream: Callable[[str], Random]) -> tuple[Raw, Raw]:
    """Return both splits with other inputs under the same targets (Zhang et al. 2017, section 2).

    Args:
        train: images (n, C, H, W), of which pixels move with all their channels, or vectors (n, d).
        test: likewise.
        kind: ``shuffled``: one permutation of the pixels, the same in all images of both splits; ``random``:
            one of its own in each image; ``gaussian``: normal numbers instead, with the mean and the
            variance that each channel, or feature, has in the training split.
        stream: random numbers for a purpose.
    """
    if kind == "shuffled":
        order = stream("pixels").permutation(_places(train.inputs))
        return _changed(train, lambda flat: flat[..., order]), _changed(test, lambda flat: flat[..., order])
    if kind == "random":
        return _shuffled_each(train, stream("train_pixels")), _shuffled_each(test, stream("test_pixels"))
    mean, deviation = moments(train.inputs)
    made = []
    for split, random in ((train, stream("train_pixels")), (test, stream("test_pixels"))):
        shape = split.inputs.shape
        by_channel = (1, -1, *[1] * (len(shape) - 2))
        noise = random.standard_normal(shape) * deviation.reshape(by_channel) + mean.reshape(by_channel)
        made.append(Raw(noise.astype(np.float32), split.targets))
    return made[0], made[1]


def _places(inputs: Inputs) -> int:
    """Return how many pixels an image has, or features a vector."""
    return int(np.prod(inputs.shape[2:])) if inputs.ndim == 4 else inputs.shape[1]


def _changed(split: Raw, change: Callable[[Inputs], Inputs]) -> Raw:
    """Return a split whose inputs, with their pixels in a row, were changed."""
    flat = split.inputs.reshape(*split.inputs.shape[:2], -1) if split.inputs.ndim == 4 else split.inputs
    return Raw(np.ascontiguousarray(change(flat)).reshape(split.inputs.shape), split.targets)


def _shuffled_each(split: Raw, random: Random) -> Raw:
    def change(flat: Inputs) -> Inputs:
        found = np.empty_like(flat)
        for number, image in enumerate(flat):
            found[number] = image[..., random.permutation(flat.shape[-1])]
        return found

    return _changed(split, change)
