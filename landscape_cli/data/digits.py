"""The handwritten digits that come with scikit-learn: 1797 images of 8 by 8 pixels, no download."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from landscape_cli.data.raw import Arrays
from landscape_cli.data.selection import balanced
from landscape_cli.data.streams import stream

TEST_SIZE = 360


def read() -> Arrays:
    """Return 1437 training and 360 test images (n, 8, 8), uint8 from 0 to 16.

    The set has no official split. This one is the same whatever the seed: 36 test images of each digit.
    """
    package = find_spec("sklearn")  # which takes a third of a second to import
    assert package is not None
    assert package.origin is not None
    rows = np.loadtxt(Path(package.origin).parent / "datasets/data/digits.csv.gz", delimiter=",")
    images = rows[:, :-1].reshape(-1, 8, 8).astype(np.uint8)
    labels = rows[:, -1].astype(np.int64)
    test = np.zeros(len(labels), dtype=bool)
    test[balanced(labels, TEST_SIZE, 10, stream(0, "digits split"), key="test split")] = True
    return {
        "train_images": images[~test],
        "train_labels": labels[~test],
        "test_images": images[test],
        "test_labels": labels[test],
    }
