"""The front door: a data set by its configuration, as normalized tensors on the device."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.data import custom, digits, images, modular, synthetic
from landscape_cli.data.normalize import standardize
from landscape_cli.data.options import real, whole
from landscape_cli.data.pixels import check_pixels, scrambled
from landscape_cli.data.raw import CHUNK, Raw, check, chunks, fingerprint
from landscape_cli.data.scaling import moments_of, vocabulary_of
from landscape_cli.data.selection import balanced, corrupt, of_classes, uniform
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError, unknown

COMMON = {
    "source": None,
    "scaling": "standardize",
    "mean": None,
    "std": None,
    "pool": 1,
    "train_size": None,
    "test_size": None,
    "labels": None,
    "label_noise": 0.0,
    "pixels": None,
    "seed": 0,
}
MADE = {
    "spirals": synthetic.spirals,
    "swiss_roll": synthetic.swiss_roll,
    "blobs": synthetic.blobs,
    "teacher": synthetic.teacher,
    "modular": modular.modular,
}


@dataclass(frozen=True, eq=False)
class Split:
    """Samples on the device.

    Attributes:
        inputs: (n, *input_shape) float32, normalized; or (n, length) int64, tokens.
        targets: class numbers (n,) int64; or, of a regression, (n,) or (n, d) float32, as they were read.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set ready for use.

    Attributes:
        name: that of the configuration, or of the user's own file, folder or function.
        train: the training split.
        test: the test split.
        classes: number of classes, targets are 0 … classes-1; of a regression, of the numbers to predict.
        input_shape: (C, H, W) of an image, (features,) of a vector or (length,) of tokens.
        zero: (C,) or (features,), the normalized value of a raw 0: what to pad images with.
        fingerprint: SHA-256 in hex of the selected raw data and labels.
        vocabulary: number of different tokens, one more than the largest; 0 where inputs are numbers.
    """

    name: str
    train: Split
    test: Split
    classes: int
    input_shape: tuple[int, ...]
    zero: Tensor
    fingerprint: str
    vocabulary: int = 0


def load(dataset: dict[str, Any], device: torch.device, *, trust: bool = False) -> Dataset:
    """Read, select, normalize and move a data set to `device`.

    With ``scaling=standardize`` inputs are normalized per channel (images) or per feature (vectors) with the
    mean and the population standard deviation of the selected training samples, or with the ``mean`` and
    ``std`` that are given, for bytes in units of 255 as torchvision's ``Normalize`` has them; with ``unit``
    bytes are divided by 255; with ``none`` they stay what they are; with ``tokens`` they stay whole numbers,
    for a network to embed. ``pool=k`` averages squares of k x k pixels first. Each split is one tensor,
    images in channels-last layout.

    Args:
        dataset: ``name`` and the options of ``conf/dataset/<name>.yaml``. Those that all have may be
            left out: ``source``, ``scaling``, ``mean``, ``std``, ``pool``, ``train_size``, ``test_size``,
            ``labels``, ``label_noise``, ``pixels``, ``seed``.
        device: where the tensors go.
        trust: whether a ``source`` of the form ``package.module:name`` may run.

    Raises:
        LandscapeError: an option is out of range (said before anything is read), or the data cannot be used.
    """
    options = {**COMMON, **dataset}
    seed = whole(options, "seed", at_least=0)
    pool = whole(options, "pool", at_least=1)
    label_noise = real(options, "label_noise", at_least=0, at_most=1)
    check_pixels(options["pixels"])
    for key in ("train_size", "test_size"):
        if options[key] is not None:
            whole(options, key, at_least=1)

    name, arrays = _read(options, trust=trust)
    train, test = check(f"data set {name}", arrays)
    if options["labels"] is not None:
        train, test = (of_classes(split, options["labels"], name) for split in (train, test))
    classes = int(train.targets.max()) + 1 if train.has_classes else train.targets[0].size
    if label_noise and not train.has_classes:
        raise LandscapeError(
            f"dataset.label_noise={label_noise:g} is for class numbers, and the labels of data set {name} are"
            " floating-point; leave it out"
        )
    dtype, vocabulary = train.inputs.dtype, vocabulary_of(options, name, train, test)
    train = _pooled(_select(train, options, "train_size", classes), pool)
    test = _pooled(_select(test, options, "test_size", classes), pool)
    if label_noise:
        train = Raw(train.inputs, corrupt(train.targets, label_noise, classes, stream(seed, "label_noise")))

    if options["pixels"] is not None:
        train, test = scrambled(train, test, options["pixels"], partial(stream, seed))

    mean, deviation = moments_of(options, train, dtype)

    def on_device(split: Raw) -> Split:
        if vocabulary:
            inputs = torch.from_numpy(split.inputs.astype(np.int64)).to(device)
        else:
            inputs = standardize(split.inputs, mean, deviation, device)
        targets = split.targets if split.has_classes else split.targets.astype(np.float32)
        return Split(inputs, torch.from_numpy(targets).to(device))

    return Dataset(
        name=name,
        train=on_device(train),
        test=on_device(test),
        classes=classes,
        input_shape=tuple(train.inputs.shape[1:]),
        zero=torch.from_numpy(-mean / deviation).to(dtype=torch.float32).to(device),
        fingerprint=fingerprint(train, test),
        vocabulary=vocabulary,
    )


def _read(options: dict[str, Any], *, trust: bool) -> tuple[str, Mapping[str, Any]]:
    name, source = options["name"], options["source"]
    if source is not None:
        return custom.read(str(source), trust=trust)
    if name == "custom":
        raise LandscapeError(
            "dataset=custom needs dataset.source=: a .npz file, a folder of class folders "
            "or package.module:name"
        )
    if name == "digits":
        return name, digits.read()
    if name in images.IMAGE_SETS:
        if not isinstance(options["root"], str):
            raise LandscapeError(f"dataset.root must be a folder, got {options['root']!r}")
        root = Path(options["root"]).expanduser()
        packed = root / f"{name}.npz"
        return name, custom.read_npz(packed) if packed.is_file() else images.read(name, root)
    if name in MADE:
        return name, MADE[name](options)
    raise unknown("data set", name, ["custom", "digits", *images.IMAGE_SETS, *MADE])


def _pooled(split: Raw, size: int) -> Raw:
    """Return the images with each square of `size` x `size` pixels replaced by its mean."""
    if size == 1:
        return split
    shape = split.inputs.shape
    if len(shape) != 4 or shape[2] % size or shape[3] % size:
        raise LandscapeError(
            f"dataset.pool={size} must divide the height and width of images, got inputs of shape {shape[1:]}"
        )
    pooled = np.empty((*shape[:2], shape[2] // size, shape[3] // size), np.float32)
    for number, chunk in enumerate(chunks(split.inputs)):
        blocks = chunk.reshape(*chunk.shape[:2], shape[2] // size, size, shape[3] // size, size)
        pooled[number * CHUNK : number * CHUNK + len(chunk)] = blocks.mean(axis=(3, 5), dtype=np.float64)
    return Raw(pooled, split.targets)


def _select(split: Raw, options: dict[str, Any], key: str, classes: int) -> Raw:
    size = options[key]
    if size is None or size == len(split.targets):
        return split
    random = stream(options["seed"], key)
    if not split.has_classes:
        return split.take(uniform(len(split.targets), size, random, key=f"dataset.{key}"))
    return split.take(balanced(split.targets, size, classes, random, key=f"dataset.{key}"))
