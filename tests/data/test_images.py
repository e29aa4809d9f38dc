"""The torchvision sets, with torchvision's classes replaced by small ones: no network, no download."""

import socket
from http.client import IncompleteRead
from pathlib import Path
from typing import Any
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision.datasets

from landscape_cli.data.images import IMAGE_SETS, PATIENCE
from landscape_cli.data.load import load
from landscape_cli.errors import LandscapeError

CPU = torch.device("cpu")


def pixels(train: bool, *shape: int) -> np.ndarray:
    return np.random.default_rng(train).integers(0, 256, (20, *shape), dtype=np.uint8)


class Grey:
    """As torchvision's MNIST: tensors."""

    def __init__(self, root: Path, train: bool, download: bool) -> None:
        self.data = torch.from_numpy(pixels(train, 28, 28))
        self.targets = torch.arange(20) % 10


class Colour:
    """As torchvision's CIFAR10: an array and a list."""

    def __init__(self, root: Path, train: bool, download: bool) -> None:
        self.data = pixels(train, 32, 32, 3)
        self.targets = (np.arange(20) % 10).tolist()


class House:
    """As torchvision's SVHN: `split`, `labels`, channels first."""

    def __init__(self, root: Path, split: str, download: bool) -> None:
        self.data = pixels(split == "train", 32, 32, 3).transpose(0, 3, 1, 2)
        self.labels = np.arange(20) % 10


SETS = {"mnist": Grey, "fashion_mnist": Grey, "cifar10": Colour, "cifar100": Colour, "svhn": House}


@pytest.mark.parametrize("name", sorted(IMAGE_SETS))
def test_a_set_is_the_same_from_torchvision_and_from_a_npz_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torchvision.datasets, IMAGE_SETS[name].kind, SETS[name])
    shape = (28, 28) if SETS[name] is Grey else (32, 32, 3)
    labels = np.arange(20) % 10
    stored = {"train_images": pixels(True, *shape), "test_images": pixels(False, *shape)}
    np.savez(tmp_path / "set.npz", **stored, train_labels=labels, test_labels=labels)
    options = {"name": name, "root": str(tmp_path / "data"), "label_noise": 0.1}
    fetched = load(options, CPU)
    file = load(options | {"source": str(tmp_path / "set.npz")}, CPU)
    assert (fetched.name, file.name) == (name, "set")
    assert fetched.input_shape == ((1, 28, 28) if SETS[name] is Grey else (3, 32, 32))
    assert fetched.fingerprint == file.fingerprint
    assert torch.equal(fetched.train.inputs, file.train.inputs)
    assert torch.equal(fetched.test.targets, file.test.targets)


def failing(error: Exception) -> type:
    """Return a class that finds nothing and fails to download."""

    class Failing:
        def __init__(self, root: Path, train: bool = True, split: str = "", download: bool = False) -> None:
            if not download:
                raise RuntimeError("Dataset not found")
            assert socket.getdefaulttimeout() == PATIENCE
            print("Downloading")
            raise error

    return Failing


@pytest.mark.parametrize(
    "error",
    [
        URLError("no route"),
        RuntimeError("Error downloading x:\nTried y, got:\nz"),
        ConnectionResetError("reset"),
        TimeoutError("timed out"),
        IncompleteRead(b"", 10),
        AssertionError(),
        ValueError("cut short"),
    ],
)
@pytest.mark.parametrize("name", sorted(IMAGE_SETS))
def test_what_cannot_be_fetched_is_explained_in_two_lines(
    name: str,
    error: Exception,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    kind = IMAGE_SETS[name].kind
    monkeypatch.setattr(torchvision.datasets, kind, failing(error))
    timeout = socket.getdefaulttimeout()
    root = tmp_path / "new" / "data"
    with pytest.raises(LandscapeError) as raised:
        load({"name": name, "root": str(root)}, CPU)
    first, second = str(raised.value).splitlines()
    assert first.startswith(
        f"data set {name} can neither be read from {root / IMAGE_SETS[name].folder} nor fetched ("
    )
    assert type(error).__name__ in first
    assert all(file in second for file in IMAGE_SETS[name].files)
    assert "dataset.root=" in second
    assert "dataset.source=" in second
    assert list(tmp_path.iterdir()) == [], "a refused command leaves nothing behind"
    assert socket.getdefaulttimeout() == timeout
    out, err = capsys.readouterr()
    assert out == "", "standard output is for the command's result"
    assert "Downloading" in err


def test_other_files_in_the_root_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    monkeypatch.setattr(torchvision.datasets, "MNIST", failing(URLError("no route")))
    with pytest.raises(LandscapeError):
        load({"name": "mnist", "root": str(tmp_path)}, CPU)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_download_is_asked_for_only_when_the_files_are_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []

    class Absent(Colour):
        def __init__(self, root: Path, train: bool, download: bool) -> None:
            asked.append((train, download))
            if not (Path(root) / "fetched").exists():
                if not download:
                    raise RuntimeError("Dataset not found")
                print("Downloading")
                (Path(root) / "fetched").touch()
            super().__init__(root, train, download)

    monkeypatch.setattr(torchvision.datasets, "CIFAR10", Absent)
    options: dict[str, Any] = {"name": "cifar10", "root": str(tmp_path / "data")}
    first = load(options, CPU)
    assert asked == [(True, False), (True, True), (False, True)]
    assert capsys.readouterr().out == ""
    asked.clear()
    assert load(options, CPU).fingerprint == first.fingerprint
    assert asked == [(True, False), (False, False)]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["fetched"]
