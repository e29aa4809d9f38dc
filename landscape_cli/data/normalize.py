"""Normalization of inputs by the training split's statistics, without a second copy in float64."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.data.raw import CHUNK, chunks


def moments(inputs: NDArray[Any]) -> tuple[Array, Array]:
    """Return the mean and the population standard deviation of each channel or feature.

    In float64, chunk by chunk, joined by the pairwise update of Chan, Golub and LeVeque (1983). A channel
    that never changes gets standard deviation 1, so that dividing by it is harmless.

    Args:
        inputs: (n, C, H, W) or (n, features).

    Returns:
        Two arrays of shape (C,) or (features,).
    """
    axes = (0, *range(2, inputs.ndim))
    count = 0
    mean = np.zeros(inputs.shape[1])
    squares = np.zeros(inputs.shape[1])
    lowest = np.full(inputs.shape[1], np.inf)
    highest = np.full(inputs.shape[1], -np.inf)
    for chunk in chunks(inputs):
        values = chunk.astype(np.float64)
        lowest = np.minimum(lowest, values.min(axis=axes))
        highest = np.maximum(highest, values.max(axis=axes))
        added = values.size // len(mean)
        chunk_mean = values.mean(axis=axes)
        values -= _aligned(chunk_mean, inputs.ndim)
        shift = chunk_mean - mean
        squares += np.square(values, out=values).sum(axis=axes) + shift**2 * (count * added / (count + added))
        mean += shift * (added / (count + added))
        count += added
    return mean, np.where(lowest == highest, 1.0, np.sqrt(squares / count))


def standardize(inputs: NDArray[Any], mean: Array, deviation: Array, device: torch.device) -> Tensor:
    """Return (inputs - mean) / deviation, computed in float64, as one float32 tensor on `device`.

    Images come in channels-last layout, in which convolutions are fastest, vectors contiguous.
    """
    layout = torch.channels_last if inputs.ndim == 4 else torch.contiguous_format
    result = torch.empty(inputs.shape, dtype=torch.float32, device=device, memory_format=layout)
    for number, chunk in enumerate(chunks(inputs)):
        values = chunk.astype(np.float64)
        values -= _aligned(mean, inputs.ndim)
        values /= _aligned(deviation, inputs.ndim)
        start = number * CHUNK
        result[start : start + len(chunk)] = torch.from_numpy(values.astype(np.float32))
    return result


def _aligned(values: Array, ndim: int) -> Array:
    return values.reshape(1, -1, *[1] * (ndim - 2))
