"""The loss and accuracy of a network on a split, at one point of weight space after another."""

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli import device as devices
from landscape_cli.data.load import Split
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, automatic_size, batches, call, size_of
from landscape_cli.evaluation.losses import Objective, objective
from landscape_cli.evaluation.network import Network
from landscape_cli.weights.arithmetic import Vector, point_of

REPEATABLE = 1e-5  # relative: what two passes over one batch may differ by on a device that adds in any order


@dataclass(frozen=True)
class Evaluation:
    """Means over a split: `loss` in nats (cross-entropy) or squared units (mse), `accuracy` in [0, 1]."""

    loss: float
    accuracy: float  # NaN where there are no classes
    loss_stderr: float  # of the mean, were the samples drawn from a population


@dataclass(frozen=True)
class Samples:
    """What became of each sample of a split, in order, on the device."""

    losses: Tensor  # (n,) float64
    correct: Tensor | None  # (n,) bool

    def mean(self) -> Evaluation:
        """Return the evaluation: unweighted means."""
        n = len(self.losses)
        accuracy = self.correct.double().mean() if self.correct is not None else torch.tensor(math.nan)
        variance = self.losses.var(correction=min(1, n - 1)) / n
        mean, fraction, square = torch.stack(
            [self.losses.mean(), accuracy.to(self.losses), variance]
        ).tolist()
        return Evaluation(mean, fraction, math.sqrt(square) if square >= 0 else math.inf)


def evaluate_samples(run: Callable[[Any], Any], parts: list[Batch], objective: Objective) -> Samples:
    """Return the loss of every sample, without a transfer from the device.

    Args:
        run: inputs of a batch -> outputs.
        parts: the split.
        objective: gives a loss for each sample, or one, the mean of the batch.
    """
    losses: list[Tensor] = []
    hits: list[Tensor] = []
    with torch.inference_mode():
        for inputs, targets in parts:
            loss, correct = objective(run(inputs), targets)
            doubled = loss.to(torch.float64, copy=True)  # outputs may lie where the next ones will be put
            losses.append(doubled.flatten() if loss.ndim else doubled.expand(size_of(inputs)))
            if correct is not None:
                hits.append(correct)
        return Samples(torch.cat(losses), torch.cat(hits) if hits else None)


def evaluate(model: nn.Module, split: Split, loss: str, batch_size: int | None = None) -> Evaluation:
    """Return the model's evaluation on a split, in evaluation mode; the mode is restored.

    The losses of samples are summed in float64, so the result is the same for any batch size but for the
    rounding of single forward passes.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    parts = batches(split, batch_size or automatic_size(split.inputs))
    result = evaluate_samples(model, parts, objective(loss)).mean()
    for module in training:
        module.training = True
    return result


class Evaluator:
    """A private copy of a network that moves through weight space and is evaluated where it stands.

    Args:
        model: left as it is.
        splits: the batches of each split, by name, on the device on which to work.
        objective: the loss.
        precision: ``fp32`` or ``bf16``.
    """

    def __init__(
        self,
        model: nn.Module,
        splits: Mapping[str, list[Batch]],
        objective: Objective,
        precision: str = "fp32",
    ) -> None:
        self.network = Network(model, next(iter(splits.values()))[0], precision)
        self.splits = {
            name: [(self.network.prepared(inputs), targets) for inputs, targets in parts]
            for name, parts in splits.items()
        }
        self.objective = objective
        self.point = point_of(self.network.model)  # the copy's own tensors: writing to them moves it

    def beside(self, vector: Mapping[str, Tensor]) -> Vector:
        """Return a copy of the vector on the device and in the layout of the evaluator's own tensors."""
        return {name: self.point[name].clone().copy_(tensor) for name, tensor in vector.items()}

    def move(self, origin: Mapping[str, Tensor], terms: list[tuple[float, Mapping[str, Tensor]]]) -> None:
        """Stand at origin + the sum of coefficient x direction, computed afresh so that no error accumulates.

        `origin` and the directions have been put `beside`; a name that a direction lacks does not move.
        """
        for name, tensor in self.point.items():
            tensor.copy_(origin[name])
            for coefficient, direction in terms:
                if name in direction:
                    tensor.add_(direction[name], alpha=coefficient)
        self.network.moved()

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""
        example = max((parts[0][0] for parts in self.splits.values()), key=size_of)
        return devices.enough_threads(devices.operations(lambda: call(self.network.model, example)))

    def samples(self, split: str) -> Samples:
        """Return what becomes of each sample of a split at the point where the copy stands."""
        return evaluate_samples(self.network, self.splits[split], self.objective)

    def evaluate(self, split: str) -> Evaluation:
        """Return the evaluation on one of the splits at the point where the copy stands."""
        return self.samples(split).mean()

    def check_repeatable(self) -> dict[str, list[float]]:
        """Refuse a network whose loss depends on more than its weights and inputs.

        Returns:
            The size of the first batch of each split, and its loss.

        Raises:
            LandscapeError: two passes over the first batch of a split give different losses.
        """
        first = {}
        for name, parts in self.splits.items():
            one, other = (
                evaluate_samples(self.network, parts[:1], self.objective).mean().loss for _ in range(2)
            )
            if (
                not math.isclose(one, other, rel_tol=REPEATABLE)
                and math.isfinite(one)
                and math.isfinite(other)
            ):
                count = size_of(parts[0][0])
                raise LandscapeError(
                    f"two passes over the same {count} {name} samples give losses of {one:.9g} and"
                    f" {other:.9g}: the network draws random numbers in evaluation mode (a dropout left on?);"
                    " a surface of it would be noise"
                )
            first[name] = [size_of(parts[0][0]), one]
        return first
