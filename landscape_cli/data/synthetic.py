"""Small problems made on the spot; train and test split are independent draws of one distribution."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landscape_cli.data.options import real, whole
from landscape_cli.data.raw import Arrays
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError, unknown

Samples = tuple[NDArray[Any], NDArray[Any]]
"""Points (n, features) and their labels or positions (n,)."""


def spirals(options: dict[str, Any]) -> Arrays:
    """Two interleaved spirals in the plane, radius 0 to 1, one class each.

    Point: r (cos φ, sin φ) + noise · N(0, 1), φ = 2π · turns · r + π · class, r = √u, u uniform in [0, 1].

    Args:
        options: ``samples`` of each split, ``noise``, ``turns``, ``seed``.
    """
    samples = whole(options, "samples", at_least=2)
    noise = real(options, "noise", at_least=0)
    turns = real(options, "turns", at_least=0)

    def draw(split: str) -> Samples:
        random = stream(options["seed"], f"spirals {split}")
        labels = np.arange(samples) % 2
        radius = np.sqrt(random.uniform(size=samples))
        angle = 2 * np.pi * turns * radius + np.pi * labels
        points = radius[:, np.newaxis] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        return points + noise * random.normal(size=points.shape), labels

    return _arrays(draw("train"), draw("test"))


def swiss_roll(options: dict[str, Any]) -> Arrays:
    """Scikit-learn's Swiss roll in three dimensions, cut across into classes.

    The cuts are the quantiles of the training samples' positions along the roll, so that their class counts
    differ by at most one; the test samples are cut at the same places.

    Args:
        options: ``samples`` of each split, ``classes``, ``noise``, ``seed``.
    """
    from sklearn.datasets import make_swiss_roll

    classes = whole(options, "classes", at_least=2)
    samples = whole(options, "samples", at_least=classes)
    noise = real(options, "noise", at_least=0)

    def draw(split: str) -> Samples:
        random = stream(options["seed"], f"swiss_roll {split}")
        drawn: Samples = make_swiss_roll(samples, noise=noise, random_state=random)
        return drawn

    train, train_position = draw("train")
    test, test_position = draw("test")
    cuts = np.quantile(train_position, np.arange(1, classes) / classes)
    return _arrays(
        (train, np.searchsorted(cuts, train_position)), (test, np.searchsorted(cuts, test_position))
    )


def blobs(options: dict[str, Any]) -> Arrays:
    """Gaussian clouds of standard deviation ``spread``, one a class, centers uniform in [-10, 10]^features.

    Args:
        options: ``samples`` of each split, ``classes``, ``features``, ``spread``, ``seed``.
    """
    from sklearn.datasets import make_blobs

    classes = whole(options, "classes", at_least=2)
    samples = whole(options, "samples", at_least=classes)
    features = whole(options, "features", at_least=1)
    spread = real(options, "spread", at_least=0)
    centers = stream(options["seed"], "blobs centers").uniform(-10, 10, size=(classes, features))

    def draw(split: str) -> Samples:
        random = stream(options["seed"], f"blobs {split}")
        drawn: Samples = make_blobs(samples, centers=centers, cluster_std=spread, random_state=random)
        return drawn

    return _arrays(draw("train"), draw("test"))


def teacher(options: dict[str, Any]) -> Arrays:
    """The outputs of a random network of one hidden layer on standard normal inputs.

    f(x) = sum_k a_k max(w_k . x / sqrt(d), 0), with a_k, (outputs,), and w_k, (d,), standard normal.

    Args:
        options: ``samples`` of each split, ``features`` d, ``units``, ``outputs``, ``answers`` (``values``,
            or ``classes``: which output is the largest), ``noise`` on the training split's outputs, ``seed``.

    Raises:
        LandscapeError: an option is out of range, or a class never occurs in the training split.
    """
    samples, features = (whole(options, key, at_least=1) for key in ("samples", "features"))
    units, noise = whole(options, "units", at_least=1), real(options, "noise", at_least=0)
    answers = options.get("answers")
    if answers not in ("values", "classes"):
        raise unknown("dataset.answers", answers, ["values", "classes"])
    outputs = whole(options, "outputs", at_least=2 if answers == "classes" else 1)
    random = stream(options["seed"], "teacher weights")
    hidden, last = random.normal(size=(features, units)), random.normal(size=(units, outputs))

    def draw(split: str, noise: float) -> Samples:
        random = stream(options["seed"], f"teacher {split}")
        points = random.normal(size=(samples, features))
        found = np.maximum(points @ hidden / np.sqrt(features), 0) @ last
        found = found + noise * random.normal(size=found.shape)
        return points, found.argmax(axis=1) if answers == "classes" else found

    train = draw("train", noise)
    if answers == "classes" and len(np.unique(train[1])) < outputs:
        raise LandscapeError(
            f"dataset.outputs={outputs}: some are never the largest in {samples} training samples;"
            " choose fewer, or another dataset.seed"
        )
    return _arrays(train, draw("test", 0.0))


def _arrays(train: Samples, test: Samples) -> Arrays:
    return {
        "train_images": train[0],
        "train_labels": train[1],
        "test_images": test[0],
        "test_labels": test[1],
    }
