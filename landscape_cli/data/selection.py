"""Which samples of a split are used, and under which label."""

import numpy as np
from numpy.typing import NDArray

from landscape_cli.data.raw import Raw
from landscape_cli.errors import LandscapeError


def balanced(
    labels: NDArray[np.int64], size: int, classes: int, random: np.random.RandomState, *, key: str
) -> NDArray[np.intp]:
    """Return the indices, ascending, of `size` samples whose class counts differ by at most one.

    With the same random state a smaller selection is part of every larger one.

    Args:
        labels: (n,) class numbers 0 … classes-1.
        size: how many samples to select.
        classes: number of classes.
        random: where the draws come from.
        key: the configuration key that asked for `size`, for the message.

    Raises:
        LandscapeError: there are not that many samples, or not in every class.
    """
    _check_enough(len(labels), size, key)
    counts = np.bincount(labels, minlength=classes)
    share, remainder = divmod(size, classes)
    order = random.permutation(classes)
    spare = [label for label in order if counts[label] > share]
    if counts.min() < share or len(spare) < remainder:
        fewest = int(counts.min())
        largest = fewest * classes + int((counts > fewest).sum())
        raise LandscapeError(
            f"{key}={size} cannot be balanced: class {counts.argmin()} of {classes} has {fewest} samples; "
            f"the most is {largest}, or null for all {len(labels)}"
        )
    sizes = np.full(classes, share)
    sizes[spare[:remainder]] += 1
    chosen = [random.permutation(np.flatnonzero(labels == label))[: sizes[label]] for label in range(classes)]
    return np.sort(np.concatenate(chosen))


def uniform(n: int, size: int, random: np.random.RandomState, *, key: str) -> NDArray[np.intp]:
    """Return the indices, ascending, of `size` of `n` samples, each as likely as any other.

    With the same random state a smaller selection is part of every larger one.

    Raises:
        LandscapeError: there are not that many samples; `key` is the configuration key that asked for them.
    """
    _check_enough(n, size, key)
    return np.sort(random.permutation(n)[:size])


def of_classes(split: Raw, labels: object, name: str) -> Raw:
    """Return the samples of these classes alone, renumbered from 0 in that order.

    Args:
        split: of a data set with classes.
        labels: two class numbers or more, each once.
        name: of the data set, for messages.

    Raises:
        LandscapeError: they are not that, or the data set has other classes, or none.
    """
    if (
        not isinstance(labels, list)
        or not all(isinstance(label, int) and not isinstance(label, bool) for label in labels)
        or not 2 <= len(labels) == len(set(labels))
    ):
        raise LandscapeError(f"dataset.labels must be two or more class numbers, each once, got {labels!r}")
    if not split.has_classes:
        raise LandscapeError(
            f"dataset.labels={labels} is for class numbers, and the labels of data set {name} are"
            " floating-point; leave it out"
        )
    strangers = sorted(set(labels) - set(split.targets.tolist()))
    if strangers:
        raise LandscapeError(f"dataset.labels={labels}: data set {name} has no class {strangers[0]}")
    chosen = split.take(np.flatnonzero(np.isin(split.targets, labels)))
    places = {label: place for place, label in enumerate(labels)}
    return Raw(chosen.inputs, np.array([places[label] for label in chosen.targets.tolist()]))


def _check_enough(n: int, size: int, key: str) -> None:
    if size > n:
        raise LandscapeError(f"{key}={size} is more than the {n} samples there are")


def corrupt(
    labels: NDArray[np.int64], fraction: float, classes: int, random: np.random.RandomState
) -> NDArray[np.int64]:
    """Return a copy of `labels` in which round(fraction · n) of them are another class, drawn uniformly."""
    count = round(fraction * len(labels))
    wrong = random.permutation(len(labels))[:count]
    noisy = labels.copy()
    noisy[wrong] = (noisy[wrong] + random.randint(1, classes, size=count)) % classes
    return noisy
