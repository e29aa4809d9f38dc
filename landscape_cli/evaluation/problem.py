"""A network, the samples on which its loss is a mean, and that loss: what a surface is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.data.load import Dataset
from landscape_cli.data.selection import balanced
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, rows, size_of
from landscape_cli.evaluation.losses import Objective, objective


@dataclass(frozen=True)
class Problem:
    """A network at (0, 0), its splits and its loss.

    Attributes:
        model: left as it is.
        splits: name -> the whole split on the device, in parts of any size.
        objective: gives the loss of each sample.
        batchnorm_inputs: the training inputs, in parts, for running statistics that are estimated anew.
        fingerprint: of the data.
    """

    model: nn.Module
    splits: Mapping[str, list[Batch]]
    objective: Objective
    batchnorm_inputs: list[Any]
    fingerprint: str

    def size(self, split: str) -> int:
        """Return the number of samples of a split."""
        return sum(size_of(inputs) for inputs, _ in self.splits[split])


def classifier(model: nn.Module, dataset: Dataset, loss: str, splits: list[str]) -> Problem:
    """Return the problem of a run's network and data."""
    whole = {"train": dataset.train, "test": dataset.test}
    return Problem(
        model=model,
        splits={name: [(whole[name].inputs, whole[name].targets)] for name in splits},
        objective=objective(loss),
        batchnorm_inputs=[dataset.train.inputs],
        fingerprint=dataset.fingerprint,
    )


def subset(parts: list[Batch], size: int, seed: int, name: str) -> Tensor:
    """Return the ascending indices of `size` samples of a split, the same for the same seed.

    Where the targets are class numbers, class counts differ by at most one.

    Raises:
        LandscapeError: there are fewer samples, or not enough of a class.
    """
    total = sum(size_of(inputs) for inputs, _ in parts)
    if size > total:
        raise LandscapeError(f"samples={size} is more than the {total} of the {name} split")
    random = stream(seed, name)
    targets = [part for _, part in parts]
    if all(isinstance(part, Tensor) and part.ndim == 1 and not part.is_floating_point() for part in targets):
        labels = torch.cat(targets).cpu().numpy().astype(np.int64)
        indices = balanced(labels, size, int(labels.max()) + 1, random, key="samples")
    else:
        indices = np.sort(random.permutation(total)[:size])
    return torch.from_numpy(indices)


def chosen(parts: list[Batch], indices: Tensor) -> list[Batch]:
    """Return the samples with these ascending indices, part by part."""
    selected, start = [], 0
    for inputs, targets in parts:
        end = start + size_of(inputs)
        here = indices[(indices >= start) & (indices < end)] - start
        if len(here):
            selected.append((rows(inputs, here), rows(targets, here)))
        start = end
    return selected
