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
from landscape_cli.evaluation.autograd import SAME, Autograd
from landscape_cli.evaluation.batches import Batch, automatic_size, batches, call, size_of
from landscape_cli.evaluation.losses import Objective, Scores, objective
from landscape_cli.evaluation.memory import enough_for
from landscape_cli.evaluation.mode import evaluating
from landscape_cli.evaluation.network import Network
from landscape_cli.weights.arithmetic import Vector, point_of


@dataclass(frozen=True)
class Evaluation:
    """Means over a split: `loss` in nats (cross-entropy) or squared units (mse), `accuracy` in [0, 1]."""

    loss: float
    accuracy: float  # NaN where there are no classes
    loss_stderr: float  # of the mean, were the samples drawn from a population


@dataclass(frozen=True)
class Samples:
    """What became of each sample of a split, in order, on the device."""

    losses: Tensor  # (n,) float64; where there are weights w, w l
    correct: Tensor | None  # bool, one for each sample that counts
    weights: Tensor | None = None  # (n,) float64, of the losses in their mean; None: equal ones

    def mean(self) -> Evaluation:
        """Return the evaluation: sum w l / sum w, and the fraction of what is correct.

        The standard error is that of the mean; where samples have weights, that of the ratio of two means
        (Cochran 1977, "Sampling techniques", section 2.11).
        """
        losses, weights = self.losses, self.weights
        if weights is None:
            n, mean = len(losses), losses.mean()
            variance = losses.var(correction=min(1, n - 1)) / n
        else:
            n, total = int(torch.count_nonzero(weights)), weights.sum()
            mean = losses.sum() / total
            squares = (losses - weights * mean).square().sum()
            variance = squares / total.square() * (n / max(1, n - 1))
        correct = math.nan if self.correct is None else self.correct.double().mean()
        fraction = torch.as_tensor(correct).to(losses)
        mean, fraction, square = torch.stack([mean, fraction, variance]).tolist()
        return Evaluation(mean, fraction, math.sqrt(square) if square >= 0 else math.inf)


def evaluate_samples(
    run: Callable[[Any], Any], parts: list[Batch], objective: Objective, autograd: Autograd | None = None
) -> Samples:
    """Return the loss of every sample, without a transfer from the device.

    Args:
        run: inputs of a batch -> outputs.
        parts: the split.
        objective: gives a loss for each sample, or one, the mean of the batch.
        autograd: what is known of whether it is needed; None: nothing.
    """
    guarded = autograd or Autograd()
    losses: list[Tensor] = []
    weights: list[Tensor] = []
    weighted = False
    hits: list[Tensor] = []
    for inputs, targets in parts:

        def scores(inputs: Any = inputs, targets: Any = targets) -> tuple[Tensor, Scores]:
            found = objective(run(inputs), targets)
            # a copy: outputs may lie where the next ones will be put
            return found.losses.detach().to(torch.float64, copy=True), found

        doubled, found = guarded(scores)
        losses.append(doubled.expand(size_of(inputs)) if found.one_for_all else doubled.flatten())
        weights.append(
            torch.ones_like(losses[-1]) if found.weights is None else found.weights.double().flatten()
        )
        weighted = weighted or found.weights is not None
        if found.correct is not None:
            hits.append(found.correct)
    correct = torch.cat(hits) if hits else None
    return Samples(torch.cat(losses), correct, torch.cat(weights) if weighted else None)


def evaluate(model: nn.Module, split: Split, loss: str, batch_size: int | None = None) -> Evaluation:
    """Return the model's evaluation on a split, in evaluation mode; the mode is restored.

    The losses of samples are summed in float64, so the result is the same for any batch size but for the
    rounding of single forward passes.
    """
    with evaluating(model):
        parts = batches(split, batch_size or automatic_size(split.inputs))
        return evaluate_samples(model, parts, objective(loss)).mean()


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
        self.batch_size = max(size_of(inputs) for parts in splits.values() for inputs, _ in parts)
        with enough_for(self.batch_size):
            self.network = Network(model, next(iter(splits.values()))[0], objective, precision)
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

        `origin` and the directions have been put `beside`; a name that a direction lacks does not move. All
        tensors of a term are added at once: on a CUDA device a launch each would take longer than the work.
        """
        point = self.point
        if point:
            torch._foreach_copy_(list(point.values()), [origin[name] for name in point])
        for coefficient, direction in terms:
            names = [name for name in point if name in direction]
            if names:
                moving, by = ([vector[name] for name in names] for vector in (point, direction))
                torch._foreach_add_(moving, by, alpha=coefficient)
        self.network.moved()

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""
        example = max((parts[0][0] for parts in self.splits.values()), key=size_of)
        network = self.network

        def run() -> None:
            with network.autograd.context():
                call(network.model, example)

        return devices.enough_threads(devices.operations(run))

    def samples(self, split: str) -> Samples:
        """Return what becomes of each sample of a split at the point where the copy stands.

        Raises:
            LandscapeError: the memory does not suffice.
        """
        with enough_for(self.batch_size):
            return evaluate_samples(self.network, self.splits[split], self.objective, self.network.autograd)

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
                evaluate_samples(self.network, parts[:1], self.objective, self.network.autograd).mean().loss
                for _ in range(2)
            )
            if not math.isclose(one, other, rel_tol=SAME) and math.isfinite(one) and math.isfinite(other):
                count = size_of(parts[0][0])
                raise LandscapeError(
                    f"two passes over the same {count} {name} samples give losses of {one:.9g} and"
                    f" {other:.9g}: the network draws random numbers in evaluation mode (a dropout left on?);"
                    " a surface of it would be noise"
                )
            first[name] = [size_of(parts[0][0]), one]
        return first
