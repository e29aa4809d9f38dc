"""Mini-batches of one epoch, and augmentation of a whole batch at once on its device."""

from functools import partial
from typing import Protocol

import torch
from torch import Generator, Tensor

from landscape_cli import device as devices
from landscape_cli.errors import LandscapeError, unknown


def epoch_batches(n: int, batch_size: int | str, generator: Generator) -> list[Tensor]:
    """Return index tensors, on the CPU, that together are a random permutation of 0 … n-1.

    The last batch holds what remains; if that is a single sample it joins the batch before it, because batch
    normalization cannot train on one sample. ``batch_size=1`` is taken at its word.

    Args:
        n: number of samples.
        batch_size: samples a batch, or ``"full"`` for all of them.
        generator: a CPU generator, so that the order does not depend on the device.

    Raises:
        LandscapeError: `batch_size` is neither a positive whole number nor ``"full"``.
    """
    size = n if batch_size == "full" else batch_size
    if isinstance(size, bool) or not isinstance(size, int) or size < 1:
        raise LandscapeError(f"batch_size must be a positive whole number or full, got {batch_size!r}")
    return parts_of(torch.randperm(n, generator=generator), size)


def parts_of(indices: Tensor, size: int) -> list[Tensor]:
    """Return `indices` in parts of `size`; a last part of a single sample joins the one before it."""
    parts = list(torch.split(indices, size))
    if size > 1 and len(parts) > 1 and len(parts[-1]) == 1:
        parts[-2:] = [torch.cat(parts[-2:])]
    return parts


def keep(
    inputs: Tensor, generator: Generator, zero: Tensor, *, first: int = 0, of: int | None = None
) -> Tensor:
    """Return `inputs` as they are: the augmentation ``none``."""
    return inputs


def shifted(
    inputs: Tensor,
    generator: Generator,
    zero: Tensor,
    *,
    padding: int,
    name: str,
    mirror: bool,
    first: int = 0,
    of: int | None = None,
) -> Tensor:
    """Shift each image by up to `padding` pixels each way, at random, and perhaps mirror half of them.

    The augmentation of He et al. 2016 (section 4.2) for CIFAR: pad each side with raw zeros, crop at random
    to the old size, flip left to right with probability 1/2. Each image has its own offsets.

    Args:
        inputs: (n, C, H, W), normalized, contiguous or channels_last; the result is like it, on its device.
        generator: a CPU generator: the draws do not depend on the device.
        zero: (C,) the normalized value of a raw 0, `Dataset.zero`.
        padding: pixels on each side.
        name: of the augmentation, for messages.
        mirror: whether images are mirrored; not where that makes them others, as of digits.
        first: the place of the inputs in the batch that they are a part of.
        of: samples of that batch, for all of which is drawn; None: the inputs are all of it.

    Raises:
        LandscapeError: the inputs are not images.
    """
    _check_images(name, tuple(inputs.shape[1:]))
    n, channels, height, width = inputs.shape
    whole, own = n if of is None else of, slice(first, first + n)
    offsets = torch.randint(2 * padding + 1, (2, whole), generator=generator)[:, own]
    mirrored = torch.zeros(n, 1, dtype=torch.bool)
    if mirror:
        mirrored = torch.randint(2, (whole, 1), generator=generator, dtype=torch.bool)[own]
    down, right = devices.sent(offsets, inputs.device)
    mirrored = devices.sent(mirrored, inputs.device)

    padded_width = width + 2 * padding
    padded = zero.to(inputs).view(1, channels, 1, 1).repeat(n, 1, height + 2 * padding, padded_width)
    padded[:, :, padding : padding + height, padding : padding + width] = inputs

    columns = torch.arange(width, device=inputs.device)
    rows = down[:, None] + torch.arange(height, device=inputs.device)
    columns = right[:, None] + torch.where(mirrored, columns.flip(0), columns)
    pixels = (rows[:, :, None] * padded_width + columns[:, None, :]).view(n, 1, height * width)
    cropped = padded.flatten(2).gather(2, pixels.expand(n, channels, -1)).view(inputs.shape)
    return cropped if inputs.is_contiguous() else cropped.contiguous(memory_format=torch.channels_last)


crop_flip = partial(shifted, padding=4, name="crop_flip", mirror=True)
shift = partial(shifted, padding=1, name="shift", mirror=False)


class Augmentation(Protocol):
    """Called with inputs, a CPU generator and `Dataset.zero`; returns inputs of the same shape.

    They are `of` samples of a batch those from the `first` one on: what is drawn depends on the batch alone.
    """

    def __call__(
        self, inputs: Tensor, generator: Generator, zero: Tensor, *, first: int = 0, of: int | None = None
    ) -> Tensor:
        """Augment the inputs."""


AUGMENTATIONS: dict[str, Augmentation] = {"none": keep, "crop_flip": crop_flip, "shift": shift}


def augmentation(name: str, input_shape: tuple[int, ...]) -> Augmentation:
    """Return the augmentation called `name`, refused before the work starts if the inputs are not for it.

    Raises:
        LandscapeError: there is none of that name, or it is for images and `input_shape` is that of a vector.
    """
    if name not in AUGMENTATIONS:
        raise unknown("augmentation", name, AUGMENTATIONS)
    if name != "none":
        _check_images(name, input_shape)
    return AUGMENTATIONS[name]


def _check_images(name: str, input_shape: tuple[int, ...]) -> None:
    if len(input_shape) != 3:
        raise LandscapeError(
            f"augment={name} is for images (C, H, W), not samples of shape {input_shape}; use augment=none"
        )
