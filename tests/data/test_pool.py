"""`dataset.pool`: squares of pixels replaced by their mean, before anything else is made of them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from conftest import Landscape
from landscape_cli.data.load import Dataset, load
from landscape_cli.data.raw import CHUNK
from landscape_cli.errors import LandscapeError
from landscape_cli.solutions import check_comparable, locate

CPU = torch.device("cpu")


def write(path: Path, train: np.ndarray, test: np.ndarray) -> Path:
    arrays = {"train_images": train, "test_images": test}
    arrays |= {
        "train_labels": np.arange(len(train)) % 3,
        "test_labels": np.arange(len(test)) % 3,
    }
    np.savez(path, **arrays)
    return path


def pooled(path: Path, size: object, **options: Any) -> Dataset:
    return load({"name": "custom", "source": str(path), "scaling": "none", "pool": size, **options}, CPU)


def averaged(images: np.ndarray, size: int) -> np.ndarray:
    """The twin: one square after the other, in float64; (n, C, H / size, W / size)."""
    images = images[..., np.newaxis] if images.ndim == 3 else images
    count, height, width, channels = images.shape
    result = np.empty((count, channels, height // size, width // size))
    for n, c, y, x in np.ndindex(*result.shape):
        square = images[n, y * size : (y + 1) * size, x * size : (x + 1) * size, c]
        result[n, c, y, x] = sum(float(value) for value in square.flat) / size**2
    return result


def test_a_square_becomes_its_mean(tmp_path: Path) -> None:
    """Images whose pixels count 0, 1, 2, … row by row: the mean of a square is that of its corners."""
    counting = np.arange(6 * 4, dtype=np.uint8).reshape(6, 4)
    images = np.stack([counting, counting + 100, 255 - counting])
    dataset = pooled(write(tmp_path / "set.npz", images, images), 2)
    assert dataset.input_shape == (1, 3, 2)
    expected = [[2.5, 4.5], [10.5, 12.5], [18.5, 20.5]]
    assert dataset.train.inputs[0, 0].tolist() == expected
    assert torch.equal(dataset.train.inputs[1], dataset.train.inputs[0] + 100)
    assert torch.equal(dataset.train.inputs[2], 255 - dataset.train.inputs[0])
    assert dataset.train.inputs.dtype == torch.float32
    assert dataset.train.inputs.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("size", [2, 3, 6])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(6, 12), (12, 6, 3)])
def test_it_is_the_plain_twin(tmp_path: Path, size: int, dtype: type, shape: tuple[int, ...]) -> None:
    random = np.random.default_rng(0)
    train, test = (random.uniform(0, 255, (count, *shape)).astype(dtype) for count in (CHUNK + 3, 3))
    dataset = pooled(write(tmp_path / "set.npz", train, test), size)
    for split, images in ((dataset.train, train), (dataset.test, test)):
        np.testing.assert_array_equal(split.inputs.numpy(), averaged(images, size).astype(np.float32))


def test_bytes_do_not_overflow_and_floats_do_not_cancel(tmp_path: Path) -> None:
    white = np.full((3, 8, 8), 255, np.uint8)
    assert torch.equal(
        pooled(write(tmp_path / "w.npz", white, white), 8).train.inputs, torch.full((3, 1, 1, 1), 255.0)
    )
    large = np.zeros((3, 2, 2), np.float32)
    large[:, 0, 0], large[:, 0, 1], large[:, 1, 0] = 1e8, 1.0, -1e8  # 0 or 0.25 where float32 adds
    assert torch.equal(
        pooled(write(tmp_path / "l.npz", large, large), 2).train.inputs, torch.full((3, 1, 1, 1), 0.25)
    )


def test_the_moments_are_those_of_the_pooled_images(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 8, 8, 3), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    dataset = pooled(path, 4, scaling="standardize")
    expected = averaged(images, 4)
    mean, deviation = expected.mean((0, 2, 3)), expected.std((0, 2, 3))
    inputs = dataset.train.inputs.double()
    np.testing.assert_allclose(inputs.mean((0, 2, 3)).numpy(), 0, atol=1e-6)
    np.testing.assert_allclose(inputs.var((0, 2, 3), correction=0).numpy(), 1, rtol=1e-5)
    np.testing.assert_allclose(dataset.zero.numpy(), -mean / deviation, rtol=1e-5)
    assert deviation.max() < 0.5 * images.std()  # those of the pixels would be far off


def test_unit_still_divides_bytes_by_255(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (6, 4, 4), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    np.testing.assert_allclose(
        pooled(path, 2, scaling="unit").train.inputs.numpy(), averaged(images, 2) / 255, rtol=1e-6
    )
    floats = write(tmp_path / "floats.npz", images.astype(np.float32), images.astype(np.float32))
    with pytest.raises(LandscapeError, match=r"dataset.scaling=unit needs 8-bit images, got float32"):
        pooled(floats, 2, scaling="unit")


def test_pooling_comes_after_the_selection(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (30, 4, 4), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    whole, selected = (pooled(path, size, train_size=9) for size in (1, 2))
    assert torch.equal(whole.train.targets, selected.train.targets)
    expected = averaged(whole.train.inputs.permute(0, 2, 3, 1).numpy(), 2)
    np.testing.assert_array_equal(selected.train.inputs.numpy(), expected.astype(np.float32))


def test_the_fingerprint_is_of_the_pooled_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, 4, 4), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    marks = [pooled(path, size).fingerprint for size in (1, 2, 4)]
    assert len(set(marks)) == 3
    assert pooled(path, 2).fingerprint == marks[1]
    left_out = load({"name": "custom", "source": str(path), "scaling": "none"}, CPU)
    assert left_out.fingerprint == marks[0]


@pytest.mark.parametrize(
    ("shape", "size", "message"),
    [
        (
            (6, 4),
            4,
            r"dataset.pool=4 must divide the height and width of images, got inputs of shape \(1, 6, 4\)",
        ),
        ((4, 6, 3), 4, r"dataset.pool=4 must divide .* got inputs of shape \(3, 4, 6\)"),
        ((4, 4), 8, r"dataset.pool=8 must divide .* got inputs of shape \(1, 4, 4\)"),
        ((5,), 5, r"dataset.pool=5 must divide .* got inputs of shape \(5,\)"),
        ((4, 4), 0, "dataset.pool must be a whole number of at least 1, got 0"),
        ((4, 4), 1.5, "dataset.pool must be a whole number of at least 1, got 1.5"),
        ((4, 4), "2", "dataset.pool must be a whole number of at least 1, got '2'"),
        ((4, 4), True, "dataset.pool must be a whole number of at least 1, got True"),
        ((4, 4), None, "dataset.pool must be a whole number of at least 1, got None"),
    ],
)
def test_what_does_not_go_is_refused(
    tmp_path: Path, shape: tuple[int, ...], size: object, message: str
) -> None:
    images = np.random.default_rng(0).integers(0, 256, (6, *shape), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    with pytest.raises(LandscapeError, match=message):
        pooled(path, size)


def test_runs_on_images_of_different_size_are_not_compared(tmp_path: Path, landscape: Landscape) -> None:
    """A residual network takes images of any size: its weights fit, but the loss is another function."""
    images = np.random.default_rng(0).integers(0, 256, (12, 16, 16), dtype=np.uint8)
    path = write(tmp_path / "set.npz", images, images)
    network = ["architecture=resnet", "architecture.width=0.25", "batch_size=6", "epochs=0"]
    for size in (1, 2):
        words = [f"dataset.source={path}", f"dataset.pool={size}", *network, f"out=pool{size}"]
        assert landscape("train", *words).status == 0
    with pytest.raises(LandscapeError, match=r"different networks or losses: dataset.pool is 1, 2"):
        check_comparable([locate(str(tmp_path / f"pool{size}"), "last", key="run") for size in (1, 2)])
    same = locate(str(tmp_path / "pool1"), "last", key="run")
    del same.run.config["dataset"]["pool"]  # as in runs from before there was pooling
    check_comparable([same, locate(str(tmp_path / "pool1"), "init", key="run")])
