"""Gradients of the mean loss over any samples of a split, as flat vectors; and those of single samples."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import Batch, rebatched, size_of
from landscape_cli.evaluation.losses import Objective, per_sample_loss
from landscape_cli.evaluation.mode import evaluating
from landscape_cli.evaluation.problem import chosen
from landscape_cli.gradients.mean import mean_gradient
from landscape_cli.weights.selection import Params, selected

CHUNK = 64  # samples whose gradients are computed at once


class Gradients:
    """The gradients of a network's mean loss over its samples, and over batches of them, in evaluation mode.

    There BatchNorm's running statistics are constants: a batch's gradient is the mean of its samples' own.

    Args:
        model: on the samples' device, in evaluation mode; left as it is.
        parts: the samples, in the model's dtype, in batches of any size.
        objective: gives a loss for each sample, or one, the mean of the batch.
        params: by which parameters derivatives are taken, as `selected` names them.

    Attributes:
        size: p, how many numbers a gradient has.
        samples: n, how many samples there are.
    """

    def __init__(self, model: nn.Module, parts: list[Batch], objective: Objective, params: Params) -> None:
        self._model, self._parts, self._objective = model, parts, objective
        self._weights = {
            name: model.get_parameter(name).detach().requires_grad_() for name in selected(model, params)
        }
        self.size = sum(weight.numel() for weight in self._weights.values())
        self.samples = sum(size_of(inputs) for inputs, _ in parts)

    def mean(self) -> Tensor:
        """Return the gradient of the mean over all samples, (p,)."""
        return self._mean(self._parts)

    def of(self, indices: Tensor, batch_size: int) -> Tensor:
        """Return the gradient of the mean over the samples with these indices, (p,).

        Args:
            indices: ascending, on the CPU; a sample may be there more than once.
            batch_size: samples a pass.
        """
        return self._mean(rebatched(chosen(self._parts, indices), batch_size))

    def _mean(self, parts: list[Batch]) -> Tensor:
        """Return the gradient of the mean over parts, summed part by part."""
        _, found = mean_gradient(self._run, parts, self._objective, list(self._weights.values()))
        return torch.cat([one.flatten() for one in found])

    def _run(self, *inputs: Any, **named: Any) -> Any:
        return functional_call(self._model, self._weights, inputs, named)


def batch_noise(
    gradients: Gradients, mean: Tensor, batch_size: int, random: np.random.RandomState, step: int
) -> Tensor:
    """Return the gradient of a batch less that of all samples, (p,).

    Args:
        gradients: of the samples.
        mean: of all of them, (p,).
        batch_size: samples of the batch, drawn with replacement.
        random: what draws them.
        step: samples a pass.
    """
    drawn = torch.from_numpy(np.sort(random.randint(gradients.samples, size=batch_size)))
    return gradients.of(drawn, step) - mean


def sample_gradients(model: nn.Module, split: Split, loss: str) -> Array:
    """Return the gradient of each sample's loss, (n, p) float64, in evaluation mode.

    The slope of a sample's loss by its outputs, times these by the weights: computed in the model's
    precision, many samples at a time (torch.func.vmap), over all parameters in the model's order.

    Args:
        model: left as it is.
        split: the samples, in the model's dtype and on its device.
        loss: its name.
    """
    weights = {name: one.detach() for name, one in model.named_parameters()}

    def along(weights: dict[str, Tensor], sample: Tensor, slope: Tensor) -> Tensor:
        outputs: Tensor = functional_call(model, weights, (sample[None],))
        return (outputs[0] * slope).sum()

    with evaluating(model):
        with torch.no_grad():
            outputs = model(split.inputs)
        outputs.requires_grad_()
        (slopes,) = torch.autograd.grad(per_sample_loss(loss, outputs, split.targets).sum(), outputs)
        found = vmap(grad(along), (None, 0, 0), chunk_size=CHUNK)(weights, split.inputs, slopes)
    return torch.cat([found[name].flatten(1) for name in weights], dim=1).double().cpu().numpy()
