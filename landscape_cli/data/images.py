"""The standard image sets through torchvision, which downloads them and checks their MD5."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from landscape_cli.data.raw import Arrays
from landscape_cli.errors import LandscapeError

PATIENCE = 30
"""Seconds without a byte after which a download is given up: torchvision alone would wait for ever."""

UNREADABLE = (AssertionError, ValueError, IndexError, TypeError)
"""What torchvision raises for an unpacked MNIST file that was cut short: it checks the packed ones only."""


@dataclass(frozen=True)
class ImageSet:
    """Where torchvision keeps a set: its class, the folder under the root, the files that belong there."""

    kind: str
    folder: str
    files: tuple[str, ...]


_IDX = tuple(
    f"{split}-{part}-ubyte.gz" for split in ("train", "t10k") for part in ("images-idx3", "labels-idx1")
)

IMAGE_SETS = {
    "mnist": ImageSet("MNIST", "MNIST/raw", _IDX),
    "fashion_mnist": ImageSet("FashionMNIST", "FashionMNIST/raw", _IDX),
    "cifar10": ImageSet("CIFAR10", "", ("cifar-10-python.tar.gz",)),
    "cifar100": ImageSet("CIFAR100", "", ("cifar-100-python.tar.gz",)),
    "svhn": ImageSet("SVHN", "", ("train_32x32.mat", "test_32x32.mat")),
}


def read(name: str, root: Path) -> Arrays:
    """Return a set of `IMAGE_SETS` from the folder `root`, downloading it there if need be.

    Raises:
        LandscapeError: it is neither there nor to be had, or the files there are damaged.
    """
    image_set = IMAGE_SETS[name]
    folder = root / image_set.folder
    with contextlib.redirect_stdout(sys.stderr):
        # First without a download, and so without a lock: a shared root may be read-only. What fails here was
        # never fetched, or another process is unpacking it at this moment.
        with contextlib.suppress(OSError, RuntimeError, *UNREADABLE):
            return _read(image_set, root, download=False)
        try:
            with _claimed(root, folder), _impatient():
                return _read(image_set, root, download=True)
        except (OSError, RuntimeError, HTTPException, *UNREADABLE) as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            raise LandscapeError(
                f"data set {name} can neither be read from {folder} nor fetched ({reason})\n"
                f"put {', '.join(image_set.files)} there, in place of anything damaged, "
                f"or {root / name}.npz; name another folder with dataset.root=; "
                "or give data of your own with dataset.source="
            ) from error


def _read(image_set: ImageSet, root: Path, *, download: bool) -> Arrays:
    import torchvision.datasets

    arrays = {}
    for split in ("train", "test"):
        kind = getattr(torchvision.datasets, image_set.kind)
        chosen: dict[str, Any] = {"split": split} if image_set.kind == "SVHN" else {"train": split == "train"}
        found = kind(root, download=download, **chosen)
        images = np.asarray(found.data)
        labels = found.labels if image_set.kind == "SVHN" else found.targets
        arrays[f"{split}_images"] = images.transpose(0, 2, 3, 1) if image_set.kind == "SVHN" else images
        arrays[f"{split}_labels"] = np.asarray(labels)
    return arrays


@contextlib.contextmanager
def _claimed(root: Path, folder: Path) -> Iterator[None]:
    """Make `folder` and hold `root` alone; then take away the lock and, after a failure, empty folders."""
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    lock = root / ".download.lock"
    try:
        with FileLock(lock):
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)
    except BaseException:
        for path in made:
            with contextlib.suppress(OSError):  # not empty: what was fetched is kept
                path.rmdir()
        raise


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
