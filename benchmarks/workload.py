"""The work that all contestants of a benchmark do: a network, images, points of a plane of its weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.pictures import CLASSES, DEVIATION, MEAN, SHAPE, pictures
from landscape_cli.architectures.build import build
from landscape_cli.data.load import Split
from landscape_cli.data.normalize import standardize
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import Vector, params_of

BATCH = 128  # of existing tools, and of the training recipe
RECIPE: dict[str, Any] = {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 5e-4}

AS_THE_COMMANDS = {"GOMP_SPINCOUNT": "1000"}  # the environment that `landscape` gives itself


@dataclass(frozen=True)
class Work:
    """One network on so many images, those of `data` or random ones."""

    network: str
    images: int
    data: Path | None = None

    def pictures(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Return the images as bytes (n, 32, 32, 3), and their labels."""
        return pictures(self.images, self.data)

    def split(self) -> Split:
        """Return the images normalized, as the package keeps them."""
        images, labels = self.pictures()
        mean, deviation = 255 * np.array(MEAN), 255 * np.array(DEVIATION)
        inputs = standardize(images.transpose(0, 3, 1, 2), mean, deviation, torch.device("cpu"))
        return Split(inputs, torch.from_numpy(labels))

    def model(self) -> nn.Module:
        """Return the network with BatchNorm statistics of random images, so that activations are usual."""
        torch.manual_seed(0)
        architecture = {"name": self.network, "skip": True, "width": 1.0}
        if self.network.startswith("vgg"):
            del architecture["skip"]
        model = build(architecture, {"name": "batch", "groups": 8}, SHAPE, CLASSES)
        sample = torch.randn(32, *SHAPE, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            for _ in range(10):  # each brings the running statistics a tenth of the way
                model.train()(sample)
        return model.eval()

    def directions(self, model: nn.Module) -> list[Vector]:
        """Return two filter-normalized directions."""
        params = params_of(model)
        return [directions.random(params, norm="filter", ignore="biasbn", seed=0, axis=axis) for axis in "xy"]


def positions() -> Iterator[tuple[float, float]]:
    """Return the coordinates of the first point, the second, … : the same for all contestants."""
    random = np.random.default_rng(0)
    while True:
        x, y = random.uniform(-0.5, 0.5, 2).tolist()
        yield x, y
