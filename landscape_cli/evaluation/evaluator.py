"""The loss and accuracy of a network on a split, at one point of weight space after another."""

import copy
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from landscape_cli import device as devices
from landscape_cli.data.load import Split
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.weights.arithmetic import Vector, point_of

ELEMENTS_PER_BATCH = (
    64 * 3 * 32 * 32
)  # 64 CIFAR images: activations of such a batch stay in a processor's cache


@dataclass(frozen=True)
class Evaluation:
    """Means over a split: `loss` in nats (cross-entropy) or squared units (mse), `accuracy` in [0, 1]."""

    loss: float
    accuracy: float
    loss_stderr: float  # of the mean, were the samples drawn from a population


def automatic_batch_size(split: Split) -> int:
    """Return the samples of a forward pass: few enough for the cache, enough to keep all cores busy."""
    size = ELEMENTS_PER_BATCH // split.inputs[0].numel()
    if split.inputs.is_cuda:
        size *= 32
    return max(32, min(size, 8192))


def evaluate(model: nn.Module, split: Split, loss: str, batch_size: int | None = None) -> Evaluation:
    """Return the model's evaluation on a split, in evaluation mode; the mode is restored.

    The losses of samples are summed in float64 on the device, without a transfer before the end, so the
    result is the same for any batch size but for the rounding of single forward passes.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    size = batch_size or automatic_batch_size(split)
    sums = torch.zeros(3, dtype=torch.float64, device=split.inputs.device)
    with torch.inference_mode():
        for inputs, targets in zip(split.inputs.split(size), split.targets.split(size), strict=True):
            outputs = model(inputs)
            losses = per_sample_loss(loss, outputs, targets).double()
            correct = ((outputs.argmax(dim=1) == targets) & losses.isfinite()).double()  # NaN has one too
            sums += torch.stack([losses.sum(), correct.sum(), losses.square().sum()])
    for module in training:
        module.training = True
    total, correct_total, squares = sums.tolist()
    n = len(split)
    variance = max(squares / n - (total / n) ** 2, 0.0) * n / max(n - 1, 1)
    return Evaluation(total / n, correct_total / n, (variance / n) ** 0.5)


class Evaluator:
    """A private copy of a network that moves through weight space and is evaluated where it stands.

    Args:
        model: left as it is.
        splits: by name, on the device on which to work.
        loss: the name of the loss.
        batch_size: samples a forward pass; None: chosen.
    """

    def __init__(
        self, model: nn.Module, splits: Mapping[str, Split], loss: str, batch_size: int | None = None
    ) -> None:
        example = next(iter(splits.values())).inputs
        self.model = copy.deepcopy(model).to(example.device).eval().requires_grad_(False)
        self.layout = devices.memory_format(self.model, example)
        self.model = self.model.to(memory_format=self.layout)
        self.splits = {
            name: Split(devices.in_layout(split.inputs, self.layout), split.targets)
            for name, split in splits.items()
        }
        self.loss = loss
        self.batch_size = batch_size
        self.point = point_of(self.model)  # the copy's own tensors: writing to them moves it

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

    def enough_threads(self) -> AbstractContextManager[None]:
        """Return a context in which evaluations use no more threads than pay."""
        split = max(self.splits.values(), key=len)
        size = min(self.batch_size or automatic_batch_size(split), len(split))
        return devices.enough_threads(self.model, split.inputs, size)

    def evaluate(self, split: str) -> Evaluation:
        """Return the evaluation on one of the splits at the point where the copy stands."""
        return evaluate(self.model, self.splits[split], self.loss, self.batch_size)
