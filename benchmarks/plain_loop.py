"""What existing tools do for each point and each epoch: the baseline, written from its description.

At a point the weights of the model are set, parameter by parameter, to origin + x dx + y dy; then a
DataLoader (2 workers, batches of 128) decodes, transforms and normalizes image after image, the model in
evaluation mode computes the outputs without gradients, and losses and hits are summed. Training is the same
loader with random crops and flips, and a step of SGD a batch.

As a command it does one or the other on a .npz file, for `memory` to look at.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.pictures import DEVIATION, MEAN
from benchmarks.workload import BATCH, RECIPE, Work, positions
from landscape_cli.weights.arithmetic import Vector

WORKERS = 2
# Of the workers. A process that was spawned, as all contestants are, would spawn its own too, and have each
# import torch anew; Python 3.14 does not fork either unless told.
QUICKEST_START = "fork" if sys.platform == "linux" else None


class Pictures(Dataset[tuple[Any, int]]):
    """Images kept as bytes, each made a PIL image and transformed when asked for, as torchvision's are."""

    def __init__(self, images: NDArray[np.uint8], labels: NDArray[np.int64], augment: bool) -> None:
        self.images, self.labels = images, labels
        random = [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip()] if augment else []
        self.transform = transforms.Compose(
            [*random, transforms.ToTensor(), transforms.Normalize(MEAN, DEVIATION)]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return self.transform(Image.fromarray(self.images[index])), int(self.labels[index])


Loader = DataLoader[tuple[Tensor, Tensor]]


def loader(images: NDArray[np.uint8], labels: NDArray[np.int64], *, training: bool) -> Loader:
    """Return the DataLoader: shuffled and augmented for training."""
    data: Dataset[Any] = Pictures(images, labels, augment=training)
    return DataLoader(
        data, BATCH, shuffle=training, num_workers=WORKERS, multiprocessing_context=QUICKEST_START
    )


def set_weights(
    model: nn.Module, origin: Sequence[Tensor], steps: Sequence[tuple[float, Sequence[Tensor]]]
) -> None:
    """Set each parameter to origin + the sum of coefficient x direction."""
    for number, (parameter, weight) in enumerate(zip(model.parameters(), origin, strict=True)):
        parameter.data = weight + sum(coefficient * direction[number] for coefficient, direction in steps)


def evaluate(model: nn.Module, batches: Loader) -> tuple[float, float]:
    """Return the mean loss and the accuracy."""
    model.eval()
    loss, correct, count = 0.0, 0, 0
    with torch.no_grad():
        for inputs, targets in batches:
            outputs = model(inputs)
            loss += F.cross_entropy(outputs, targets, reduction="sum").item()
            correct += int((outputs.argmax(dim=1) == targets).sum())
            count += len(targets)
    return loss / count, correct / count


def train_epoch(model: nn.Module, batches: Loader, optimizer: torch.optim.Optimizer) -> None:
    """Take a step on each batch."""
    model.train()
    for inputs, targets in batches:
        optimizer.zero_grad()
        F.cross_entropy(model(inputs), targets).backward()
        optimizer.step()


def in_order(model: nn.Module, vector: Vector) -> list[Tensor]:
    """Return a direction's tensors in the order of the model's parameters."""
    return [vector[name] for name, _ in model.named_parameters()]


def main() -> None:
    """Train for an epoch on a .npz file, or evaluate three points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", choices=("train", "line"))
    parser.add_argument("data", type=Path)
    parser.add_argument("images", type=int)
    asked = parser.parse_args()
    work = Work("resnet20", asked.images, asked.data)
    model, (images, labels) = work.model(), work.pictures()
    if asked.work == "train":
        optimizer = torch.optim.SGD(model.parameters(), **RECIPE)
        train_epoch(model, loader(images, labels, training=True), optimizer)
        return
    origin = [parameter.detach().clone() for parameter in model.parameters()]
    direction = in_order(model, work.directions(model)[0])
    for _, (x, _) in zip(range(3), positions(), strict=False):
        set_weights(model, origin, [(x, direction)])
        evaluate(model, loader(images, labels, training=False))


if __name__ == "__main__":
    main()
