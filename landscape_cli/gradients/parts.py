"""A batch in parts, and a small network in float64 whose gradients are put together of them."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from landscape_cli.architectures.layers import Normalization
from landscape_cli.architectures.mlp import mlp
from landscape_cli.gradients.stored import stored_activations

Batch = tuple[Tensor, Tensor]
"""Inputs (n, width) and class numbers (n,)."""

CLASSES = 10


def random_batch(random: np.random.RandomState, samples: int, width: int) -> Batch:
    """Return normal inputs (samples, width), float64, with random classes."""
    inputs = torch.from_numpy(random.standard_normal((samples, width)))
    return inputs, torch.from_numpy(random.randint(CLASSES, size=samples))


def random_network(
    random: np.random.RandomState, width: int, depth: int, *, normalized: bool = False
) -> nn.Sequential:
    """Return a fully connected ReLU network in float64, in training mode.

    Weights are N(0, 2 / width) (He et al. 2015), biases N(0, 0.01).

    Args:
        random: where its weights are drawn.
        width: of the inputs and of each hidden layer.
        depth: hidden layers.
        normalized: whether BatchNorm stands before each ReLU.
    """
    normalization = Normalization("batch" if normalized else "none")
    network = mlp((width,), CLASSES, normalization, widths=[width] * depth, activation="relu").double()
    with torch.no_grad():
        for layer in network:
            if isinstance(layer, nn.Linear):
                layer.weight.copy_(torch.from_numpy(random.standard_normal(layer.weight.shape)))
                layer.weight *= (2 / width) ** 0.5
                layer.bias.copy_(torch.from_numpy(0.1 * random.standard_normal(layer.bias.shape)))
    return network


def parts(batch: Batch, sizes: Sequence[int]) -> list[Batch]:
    """Return consecutive parts of these sizes."""
    inputs, targets = (tensor[: sum(sizes)].split(list(sizes)) for tensor in batch)
    return list(zip(inputs, targets, strict=True))


def mean_gradient(network: nn.Module, batch: Batch) -> Tensor:
    """Return the gradient of a batch's mean cross-entropy, flat."""
    inputs, targets = batch
    loss = F.cross_entropy(network(inputs), targets)
    return parameters_to_vector(torch.autograd.grad(loss, list(network.parameters())))


def activations(network: nn.Module, batch: Batch) -> int:
    """Return how many numbers a batch's forward pass stores for the backward pass."""
    inputs, targets = batch
    known = [*network.parameters(), inputs, targets]
    return stored_activations(lambda: F.cross_entropy(network(inputs), targets), known)


def distance(found: Tensor, expected: Tensor) -> float:
    """Return the norm of the difference, relative to that of what is expected."""
    return float((found - expected).norm() / expected.norm())
