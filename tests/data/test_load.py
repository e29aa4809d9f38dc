"""The front door: what every data set promises, whatever it is made from."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

from landscape_cli.data.load import Dataset, load
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")
CONFIGS = Path(__file__).parents[2] / "conf" / "dataset"
COMMON = {"name", "source", "scaling", "train_size", "test_size", "label_noise", "seed"}


def configured(name: str, **changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{name}.yaml"))
    return options | changes


def write_npz(path: Path, seed: int = 0, train: int = 40, test: int = 20, **changes: Any) -> Path:
    path.parent.mkdir(exist_ok=True)
    random = np.random.default_rng(seed)
    arrays = {
        "train_images": random.integers(0, 256, (train, 6, 5, 3), dtype=np.uint8),
        "train_labels": np.arange(train) % 4,
        "test_images": random.integers(0, 256, (test, 6, 5, 3), dtype=np.uint8),
        "test_labels": np.arange(test) % 4,
    }
    np.savez(path, **(arrays | changes))
    return path


def test_every_config_has_the_common_options_and_a_description() -> None:
    files = sorted(CONFIGS.glob("*.yaml"))
    assert [file.stem for file in files] == [
        *["blobs", "cifar10", "cifar100", "custom", "digits"],
        *["fashion_mnist", "mnist", "modular", "spirals", "svhn", "swiss_roll", "teacher"],
    ]
    for file in files:
        options = OmegaConf.to_container(OmegaConf.load(file))
        assert isinstance(options, dict)
        assert set(options) >= COMMON, file
        assert options["name"] == file.stem
        assert file.read_text(encoding="utf-8").startswith("# "), file
        assert ("pool" in options) == (
            file.stem not in {"blobs", "modular", "spirals", "swiss_roll", "teacher"}
        )
        assert ("root" in options) == (file.stem in {"cifar10", "cifar100", "fashion_mnist", "mnist", "svhn"})


@pytest.mark.parametrize(
    ("name", "train", "test", "classes", "shape"),
    [
        ("digits", 1437, 360, 10, (1, 8, 8)),
        ("spirals", 1000, 1000, 2, (2,)),
        ("swiss_roll", 1000, 1000, 4, (3,)),
        ("blobs", 1000, 1000, 3, (2,)),
    ],
)
def test_sets_without_a_download(
    name: str, train: int, test: int, classes: int, shape: tuple[int, ...]
) -> None:
    dataset = load(configured(name), CPU)
    assert (dataset.name, len(dataset.train), len(dataset.test)) == (name, train, test)
    assert (dataset.classes, dataset.input_shape, dataset.zero.shape) == (classes, shape, shape[:1])
    for split, n in ((dataset.train, train), (dataset.test, test)):
        assert split.inputs.shape == (n, *shape)
        assert split.inputs.dtype == torch.float32
        assert split.inputs.is_contiguous()
        assert split.targets.dtype == torch.int64
        assert split.targets.unique().tolist() == list(range(classes))


@pytest.mark.parametrize("name", ["digits", "spirals", "swiss_roll", "blobs"])
def test_the_same_options_give_the_same_bits(name: str) -> None:
    options = configured(name, train_size=100, label_noise=0.2, seed=3)
    first, second = load(options, CPU), load(options, CPU)
    assert first.fingerprint == second.fingerprint
    assert torch.equal(first.train.inputs, second.train.inputs)
    assert torch.equal(first.train.targets, second.train.targets)
    assert load(options | {"seed": 4}, CPU).fingerprint != first.fingerprint


@pytest.mark.parametrize(("train_size", "test_size"), [(None, None), (17, None), (None, 9), (17, 9)])
def test_normalization_is_that_of_the_selected_training_samples(
    tmp_path: Path, train_size: int | None, test_size: int | None
) -> None:
    path = write_npz(tmp_path / "set.npz")
    dataset = load(
        {"name": "custom", "source": str(path), "train_size": train_size, "test_size": test_size}, CPU
    )
    assert (len(dataset.train), len(dataset.test)) == (train_size or 40, test_size or 20)
    raw = np.load(path)["train_images"].astype(np.float64)
    images = np.stack([raw[index] for index in selected(dataset, raw)])
    mean, deviation = images.mean((0, 1, 2)), images.std((0, 1, 2))
    expected = ((images - mean) / deviation).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(dataset.train.inputs.numpy(), expected.astype(np.float32))
    np.testing.assert_allclose(dataset.zero.numpy(), -mean / deviation, rtol=1e-7)


def selected(dataset: Dataset, raw: np.ndarray) -> list[int]:
    """Find each training image of the data set again by the ranks of its pixels, which are kept."""
    ranks = {np.argsort(image[..., 0], axis=None, kind="stable").tobytes(): i for i, image in enumerate(raw)}
    found = [
        ranks[np.argsort(image[0], axis=None, kind="stable").tobytes()]
        for image in dataset.train.inputs.numpy()
    ]
    assert found == sorted(found), "the original order is kept"
    return found


def test_a_source_replaces_the_configured_set_and_names_it(tmp_path: Path) -> None:
    dataset = load(configured("digits", source=str(write_npz(tmp_path / "mine.npz"))), CPU)
    assert (dataset.name, dataset.classes, dataset.input_shape) == ("mine", 4, (3, 6, 5))


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "fashion_mnist", "mnist", "svhn"])
def test_a_npz_file_of_the_sets_name_takes_the_place_of_a_download(tmp_path: Path, name: str) -> None:
    path = write_npz(tmp_path / "data" / f"{name}.npz")
    dataset = load(configured(name, root=str(path.parent)), CPU)
    assert (dataset.name, dataset.classes, dataset.input_shape) == (name, 4, (3, 6, 5))
    assert dataset.fingerprint == load(configured("custom", source=str(path)), CPU).fingerprint
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_home_folder_may_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    write_npz(tmp_path / "sets" / "mnist.npz")
    assert load(configured("mnist", root="~/sets"), CPU).classes == 4


def test_a_damaged_npz_file_in_place_of_a_download_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mnist.npz"
    path.write_bytes(b"no archive")
    with pytest.raises(LandscapeError, match=f"{path} cannot be read as a .npz file"):
        load(configured("mnist", root=str(tmp_path)), CPU)


def test_a_source_goes_before_a_npz_file_in_the_root(tmp_path: Path) -> None:
    write_npz(tmp_path / "mnist.npz", seed=0)
    source = write_npz(tmp_path / "mine.npz", seed=1)
    assert load(configured("mnist", root=str(tmp_path), source=str(source)), CPU).name == "mine"


def test_label_noise_changes_the_training_labels_alone() -> None:
    clean = load(configured("digits", train_size=200), CPU)
    noisy = load(configured("digits", train_size=200, label_noise=0.25), CPU)
    assert torch.equal(clean.train.inputs, noisy.train.inputs)
    assert int((clean.train.targets != noisy.train.targets).sum()) == 50
    assert torch.equal(clean.test.targets, noisy.test.targets)
    assert clean.fingerprint != noisy.fingerprint


def test_digits_are_read_the_same_from_a_npz_file(tmp_path: Path) -> None:
    from landscape_cli.data.digits import read

    path = tmp_path / "digits.npz"
    np.savez(path, **read())
    options = {"train_size": 100, "label_noise": 0.1, "seed": 5}
    bundled = load(configured("digits", **options), CPU)
    stored = load(configured("custom", source=str(path), **options), CPU)
    assert bundled.fingerprint == stored.fingerprint
    assert torch.equal(bundled.train.inputs, stored.train.inputs)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_size": "x"}, "dataset.train_size must be a whole number of at least 1, got 'x'"),
        ({"train_size": 0}, "dataset.train_size must be a whole number of at least 1, got 0"),
        ({"test_size": 1.5}, "dataset.test_size must be a whole number of at least 1, got 1.5"),
        ({"test_size": True}, "dataset.test_size must be a whole number of at least 1, got True"),
        ({"train_size": 2000}, "dataset.train_size=2000 is more than the 1437 samples there are"),
        ({"test_size": 361}, "dataset.test_size=361 is more than the 360 samples there are"),
        ({"label_noise": 1.5}, "dataset.label_noise must be a number from 0 to 1, got 1.5"),
        ({"label_noise": -0.1}, "dataset.label_noise must be a number from 0 to 1, got -0.1"),
        ({"label_noise": float("nan")}, "dataset.label_noise must be a number from 0 to 1, got nan"),
        ({"label_noise": "half"}, "dataset.label_noise must be a number from 0 to 1, got 'half'"),
        ({"seed": -1}, "dataset.seed must be a whole number of at least 0, got -1"),
        ({"seed": None}, "dataset.seed must be a whole number of at least 0, got None"),
        ({"name": "digit"}, r"no data set 'digit'; choose from blobs, .*\(nearest: digits\)"),
        ({"name": "custom"}, "dataset=custom needs dataset.source=: a .npz file, a folder"),
        ({"name": "mnist", "root": None}, "dataset.root must be a folder, got None"),
    ],
)
def test_wrong_options_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError, match=message):
        load(configured("digits") | changes, CPU)


@pytest.mark.parametrize("shape", [(), (1,), (3,)])
def test_a_regression_keeps_its_targets(tmp_path: Path, shape: tuple[int, ...]) -> None:
    """Inputs are standardized, targets are not; a selection is drawn at random."""
    random = np.random.default_rng(0)
    labels = {
        f"{split}_labels": random.normal(9, 5, (n, *shape)) for split, n in (("train", 40), ("test", 20))
    }
    source = str(write_npz(tmp_path / "mine.npz", **labels))
    whole = load(configured("custom", source=source), CPU)
    assert whole.classes == (shape[0] if shape else 1)
    assert whole.train.targets.dtype == torch.float32
    np.testing.assert_array_equal(whole.train.targets, labels["train_labels"].astype(np.float32))
    part = load(configured("custom", source=source, train_size=13, test_size=20), CPU)
    rows = [
        labels["train_labels"].astype(np.float32).tolist().index(one) for one in part.train.targets.tolist()
    ]
    assert len(set(rows)) == 13
    assert rows == sorted(rows) != list(range(13))
    np.testing.assert_array_equal(part.test.targets, whole.test.targets)
    assert part.fingerprint != whole.fingerprint


def test_label_noise_is_for_classes(tmp_path: Path) -> None:
    source = str(write_npz(tmp_path / "mine.npz", train_labels=np.zeros(40), test_labels=np.zeros(20)))
    with pytest.raises(
        LandscapeError, match=r"label_noise=0\.5 is for class numbers, .* mine are floating-point"
    ):
        load(configured("custom", source=source, label_noise=0.5), CPU)
