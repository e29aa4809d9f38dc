"""Odd and even numbers, and small networks that are trained on them until their hinge loss is 0, or stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.architectures.build import build
from landscape_cli.architectures.init import initialize
from landscape_cli.data.load import Split
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.reproduction.lab import Lab
from landscape_cli.training import schedules
from landscape_cli.training.stacked import train_stacked
from landscape_cli.uncompiled import without_compiler

LOSS = "squared_hinge"
HE = {"name": "kaiming", "mode": "fan_in", "distribution": "normal"}
COSINE = {"name": "cosine", "warmup": 0, "final": 0}  # the learning rate falls from all to nothing
SHORT = 1e-4  # a margin of 1 - SHORT counts as 1: the last layer times 1 / (1 - SHORT) makes it so


@dataclass(frozen=True)
class Parity:
    """Odd and even numbers, as their first principal components.

    Attributes:
        inputs: (n, components) float64, each of mean 0 and variance 1 over the training split.
        labels: (n,) float64, 1 for odd numbers, -1 for even ones.
        test: the same of the test split.
    """

    inputs: Tensor
    labels: Tensor
    test: tuple[Tensor, Tensor]


def parity(lab: Lab, run: str, components: int) -> Parity:
    """Return the data of a run, whose classes are numbers, in the order of the lab's random numbers."""
    data = lab.data(run)
    train = data.train.inputs.flatten(1).double()
    mean = train.mean(dim=0)
    variances, directions = torch.linalg.eigh((train - mean).T @ (train - mean) / len(train))
    leading = directions[:, -components:] / variances[-components:].sqrt()

    def of(split: Split) -> tuple[Tensor, Tensor]:
        return (split.inputs.flatten(1).double() - mean) @ leading, (2 * (split.targets % 2) - 1).double()

    order = torch.from_numpy(lab.random("samples").permutation(len(train)))
    inputs, labels = (each[order] for each in of(data.train))
    return Parity(inputs, labels, of(data.test))


def networks(seed: int, width: int, components: int, count: int) -> list[nn.Module]:
    """Return networks of two hidden layers with He's weights, float64; the same for the same seed."""
    architecture = {"name": "mlp", "widths": [width, width], "activation": "relu"}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        models = [build(architecture, {"name": "none"}, (components,), 1) for _ in range(count)]
        for model in models:
            initialize(model, HE)
    return [model.double() for model in models]


def fit(
    models: Sequence[nn.Module], inputs: Tensor, labels: Tensor, *, lr: float, epochs: int, finish: int
) -> None:
    """Minimize the squared hinge loss by Adam with a falling rate, then by L-BFGS where it is not 0.

    Args:
        models: of one shape.
        inputs: (K, P, components).
        labels: (K, P), -1 or 1.
        lr: Adam's.
        epochs: of full batches.
        finish: iterations of L-BFGS.
    """
    adam = {"name": "adam", "lr": lr}
    done = train_stacked(
        models,
        inputs,
        labels,
        loss=LOSS,
        optimizer=adam,
        epochs=epochs,
        rate=schedules.build(COSINE, epochs, 1),
        goal=lambda outputs, losses: (losses <= SHORT**2 / 2).all(dim=1),
        look_every=10,
    ).reached
    for place in (~done).nonzero().flatten().tolist():
        _finish(models[place], inputs[place], labels[place], finish)


def _finish(model: nn.Module, inputs: Tensor, labels: Tensor, iterations: int) -> None:
    kind: Any = without_compiler(torch.optim.LBFGS)
    steps = kind(
        model.parameters(),
        max_iter=iterations,
        max_eval=2 * iterations,
        history_size=20,
        tolerance_grad=0.0,
        tolerance_change=0.0,
        line_search_fn="strong_wolfe",
    )

    def loss() -> Tensor:
        steps.zero_grad()
        value = per_sample_loss(LOSS, model(inputs), labels).mean() / SHORT**2  # else torch skips updates
        value.backward()
        return value

    steps.step(loss)
