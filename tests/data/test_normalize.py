"""Statistics and normalization against closed forms and a plain float64 twin."""

import numpy as np
import pytest
import torch

from landscape_cli.data.normalize import moments, standardize
from landscape_cli.data.raw import CHUNK

CPU = torch.device("cpu")


def test_moments_of_a_known_distribution() -> None:
    ramp = np.tile(np.arange(256, dtype=np.uint8), (5, 2, 4, 1))  # (n, C, H, W), each row 0 … 255
    mean, deviation = moments(ramp)
    np.testing.assert_allclose(mean, [127.5, 127.5], rtol=1e-15)
    np.testing.assert_allclose(deviation, np.sqrt((256**2 - 1) / 12), rtol=1e-14)


@pytest.mark.parametrize("shape", [(1, 3, 4, 4), (CHUNK + 1, 2, 3, 5), (3 * CHUNK - 7, 6)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_chunks_give_what_the_whole_gives(shape: tuple[int, ...], dtype: type) -> None:
    inputs = np.random.default_rng(0).uniform(0, 255, shape).astype(dtype)
    axes = (0, *range(2, len(shape)))
    mean, deviation = moments(inputs)
    whole = inputs.astype(np.float64)
    expected = whole.std(axis=axes)
    expected[expected == 0] = 1
    np.testing.assert_allclose(mean, whole.mean(axis=axes), rtol=1e-12)
    np.testing.assert_allclose(deviation, expected, rtol=1e-12)
    normalized = standardize(inputs, mean, deviation, CPU)
    view = (1, -1, *[1] * (len(shape) - 2))
    twin = (whole - mean.reshape(view)) / deviation.reshape(view)
    np.testing.assert_array_equal(normalized.numpy(), twin.astype(np.float32))
    layout = torch.channels_last if len(shape) == 4 else torch.contiguous_format
    assert normalized.is_contiguous(memory_format=layout)


def test_images_of_any_layout_become_channels_last() -> None:
    inputs = np.random.default_rng(0).integers(0, 256, (9, 4, 5, 3), dtype=np.uint8).transpose(0, 3, 1, 2)
    normalized = standardize(inputs, np.zeros(3), np.ones(3), CPU)
    assert normalized.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(normalized.numpy(), inputs)


def test_a_large_mean_does_not_swallow_a_small_deviation() -> None:
    inputs = 1e8 + np.random.default_rng(0).normal(size=(2 * CHUNK, 1))
    _, deviation = moments(inputs)
    np.testing.assert_allclose(deviation, (inputs - 1e8).std(axis=0), rtol=1e-6)


def test_a_constant_channel_is_divided_by_one() -> None:
    inputs = np.stack([np.full(2 * CHUNK, 0.1), np.arange(2 * CHUNK)], axis=1)
    mean, deviation = moments(inputs)
    assert deviation[0] == 1.0
    assert np.abs(standardize(inputs, mean, deviation, CPU)[:, 0].numpy()).max() < 1e-12
