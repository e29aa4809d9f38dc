"""The path of a training through weight space, as the file of its plane holds it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.store.datasets import numbers

FEWEST = 3  # checkpoints that can span a plane
RECORDED = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
OPTIONAL = ("train_accuracy", "test_accuracy")
ALONG = ("path", "plane")  # where the loss is evaluated: at the checkpoints, and below them on the plane
RATIOS = ("explained_variance_ratio", "centred_explained_variance_ratio")  # datasets of the file itself


@dataclass(frozen=True)
class Trajectory:
    """Checkpoints of a run on the plane of their first two principal components, the last one at (0, 0).

    The fields but the ratios are the datasets of the group ``trajectory``.

    Attributes:
        epoch: of the n + 1 checkpoints, increasing, of shape (n + 1,).
        x: their coordinates in the plane, likewise; lengths in weight space, by least squares.
        y: likewise.
        distance: of each from the plane, over all parameters.
        train_loss: as training recorded it; on the plane, at (x, y), the loss is another where `distance` is
            not small: compare `path` with `plane`.
        test_loss: likewise.
        train_accuracy: likewise, a fraction; None in a regression, whose file lacks it.
        test_accuracy: likewise.
        random_plane_ratio: what a plane of two Gaussian directions has in place of the sum of the first two
            `explained_variance_ratio`.
        explained_variance_ratio: of shape (n,): each component's share of sum ||theta_i - theta_n||^2.
        centred_explained_variance_ratio: the same about the mean of the checkpoints, of shape (n + 1,).
        path: ``train_loss``, ``train_accuracy``, … -> the values at the checkpoints, of shape (n + 1,),
            evaluated on the samples of the plane; NaN where not evaluated yet. Files of older versions have
            none.
        plane: likewise, at (x, y) on the plane.
    """

    epoch: np.ndarray[Any, np.dtype[np.int64]]
    x: Array
    y: Array
    distance: Array
    train_loss: Array
    test_loss: Array
    train_accuracy: Array | None
    test_accuracy: Array | None
    random_plane_ratio: float
    explained_variance_ratio: Array
    centred_explained_variance_ratio: Array
    path: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    plane: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def outside(self) -> Array:
        """The share of each checkpoint's distance to the last that lies outside of the plane, (n + 1,)."""
        whole = np.sqrt(self.x**2 + self.y**2 + self.distance**2)
        return np.divide(self.distance, whole, out=np.zeros_like(whole), where=whole > 0)

    def datasets(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the content of the file's datasets, by name."""
        contents = {_dataset(name): getattr(self, name) for name in _names()}
        along = {
            f"trajectory/{place}/{name}": values
            for place in ALONG
            for name, values in getattr(self, place).items()
        }
        return {
            name: np.asarray(content)
            for name, content in {**contents, **along}.items()
            if content is not None
        }

    @classmethod
    def read(cls, file: h5py.File) -> "Trajectory | None":
        """Return the trajectory in a file; None: it has none.

        Raises:
            ValueError: a part of it is missing, or of another type or shape.
        """
        if "trajectory" not in file:
            return None
        count = len(numbers(file, _dataset("epoch"), (None,)))
        if count < FEWEST:
            raise ValueError(f"its trajectory has {count} checkpoints, expected {FEWEST} or more")
        shapes = {"random_plane_ratio": (), "explained_variance_ratio": (count - 1,)}
        content: dict[str, Any] = dict.fromkeys(OPTIONAL)
        for name in _names():
            if name not in OPTIONAL or _dataset(name) in file:
                content[name] = numbers(file, _dataset(name), shapes.get(name, (count,)))
        for place in ALONG:
            content[place] = {
                name: numbers(file, f"trajectory/{place}/{name}", (count,))
                for name in RECORDED
                if f"trajectory/{place}/{name}" in file
            }
        content["epoch"] = content["epoch"].astype(np.int64)
        content["random_plane_ratio"] = float(content["random_plane_ratio"])
        return cls(**content)


def _names() -> list[str]:
    """Return the fields that are a dataset each."""
    return [each.name for each in fields(Trajectory) if each.name not in ALONG]


def _dataset(name: str) -> str:
    return name if name in RATIOS else f"trajectory/{name}"
