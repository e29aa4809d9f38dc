"""`dataset.scaling`: what divides the inputs."""

from pathlib import Path

import numpy as np
import pytest
import torch

from landscape_cli.data.load import load
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")


@pytest.fixture
def source(tmp_path: Path) -> str:
    random = np.random.default_rng(0)
    arrays = {
        f"{split}_images": random.integers(0, 256, (6, 4, 4), dtype=np.uint8) for split in ("train", "test")
    }
    arrays |= {f"{split}_labels": np.arange(6) % 3 for split in ("train", "test")}
    np.savez(tmp_path / "bytes.npz", **arrays)
    np.savez(
        tmp_path / "floats.npz",
        **{k: v.astype(np.float32) if "images" in k else v for k, v in arrays.items()},
    )
    return str(tmp_path)


def test_unit_divides_bytes_by_255(source: str) -> None:
    path = f"{source}/bytes.npz"
    loaded = load({"name": "custom", "source": path, "scaling": "unit"}, CPU)
    raw = np.load(path)["train_images"][:, None]
    np.testing.assert_array_equal(loaded.train.inputs.numpy(), (raw / 255).astype(np.float32))
    assert loaded.zero.tolist() == [0.0]


@pytest.mark.parametrize("file", ["bytes", "floats"])
def test_none_leaves_the_inputs_what_they_are(source: str, file: str) -> None:
    path = f"{source}/{file}.npz"
    loaded = load({"name": "custom", "source": path, "scaling": "none"}, CPU)
    for split, name in ((loaded.train, "train"), (loaded.test, "test")):
        np.testing.assert_array_equal(split.inputs[:, 0].numpy(), np.load(path)[f"{name}_images"])
    assert loaded.train.inputs.dtype == torch.float32
    assert loaded.zero.tolist() == [0.0]
    scaled = load({"name": "custom", "source": path, "scaling": "standardize"}, CPU)
    assert scaled.fingerprint == loaded.fingerprint


@pytest.mark.parametrize(
    ("file", "scaling", "words"),
    [
        ("floats", "unit", "8-bit"),
        ("bytes", "units", r"no dataset.scaling 'units'; choose from none, standardize, tokens, unit"),
        ("bytes", None, r"no dataset.scaling 'None'"),
    ],
)
def test_what_does_not_go_is_refused(source: str, file: str, scaling: str, words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        load({"name": "custom", "source": f"{source}/{file}.npz", "scaling": scaling}, CPU)


def test_all_samples_need_no_balance(source: str) -> None:
    arrays = dict(np.load(f"{source}/bytes.npz"))
    arrays["train_labels"] = np.array([0, 0, 0, 0, 1, 2])
    np.savez(f"{source}/bytes.npz", **arrays)
    loaded = load({"name": "custom", "source": f"{source}/bytes.npz", "train_size": 6}, CPU)
    assert loaded.train.targets.tolist() == [0, 0, 0, 0, 1, 2]


@pytest.mark.parametrize(("file", "unit"), [("bytes", 255), ("floats", 1)])
def test_a_mean_and_a_deviation_that_are_given(source: str, file: str, unit: float) -> None:
    """As torchvision's ``ToTensor`` and ``Normalize`` have them, whatever samples are selected."""
    path = f"{source}/{file}.npz"
    options = {"name": "custom", "source": path, "mean": [0.3], "std": 0.25}
    loaded = load({**options, "train_size": 3}, CPU)
    raw = np.load(path)["test_images"][:, None].astype(np.float64)
    np.testing.assert_allclose(loaded.test.inputs.numpy(), (raw / unit - 0.3) / 0.25, rtol=1e-6)
    assert loaded.zero.tolist() == pytest.approx([-0.3 / 0.25])
    assert loaded.fingerprint != load(options, CPU).fingerprint


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"mean": 0.5}, "dataset.std must be 1 positive numbers, or one for all channels, got None"),
        ({"mean": 0.5, "std": 0}, "dataset.std must be 1 positive numbers, .* got 0"),
        ({"mean": [0.5, 0.5, 0.5], "std": 1}, r"dataset.mean must be 1 numbers, .* got \[0.5, 0.5, 0.5\]"),
        ({"mean": "high", "std": 1}, "dataset.mean must be 1 numbers, .* got 'high'"),
        ({"mean": 0, "std": 1, "scaling": "unit"}, "are for dataset.scaling=standardize"),
    ],
)
def test_what_cannot_normalize_is_refused(source: str, options: dict[str, object], told: str) -> None:
    with pytest.raises(LandscapeError, match=told):
        load({"name": "custom", "source": f"{source}/bytes.npz", **options}, CPU)
