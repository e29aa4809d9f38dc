"""Images of CIFAR-10's shape, as bytes: random ones, or a file's."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CLASSES = 10
SHAPE = (3, 32, 32)
MEAN = (0.4914, 0.4822, 0.4465)  # of CIFAR-10's training images, as fractions of 255
DEVIATION = (0.2470, 0.2435, 0.2616)


def pictures(count: int, data: Path | None = None) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return `count` images (count, 32, 32, 3) and their labels, 0 … 9.

    Args:
        count: how many.
        data: a .npz file with `train_images` and `train_labels`, of which the first are taken; None: random.

    Raises:
        SystemExit: the file has fewer, or images of another shape.
    """
    if data is None:
        random = np.random.default_rng(0)
        images = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
        return images, random.integers(0, CLASSES, count)
    with np.load(data) as archive:
        images, labels = archive["train_images"][:count], archive["train_labels"][:count]
    if images.shape != (count, 32, 32, 3):
        raise SystemExit(f"{data}: {count} images of 32x32x3 are needed, train_images gives {images.shape}")
    return images, labels.astype(np.int64)
