"""The mean loss over batches, and its gradient, added up batch by batch."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_cli.evaluation.batches import Batch, call, size_of
from landscape_cli.evaluation.losses import Objective


def mean_gradient(
    run: Callable[..., Any], parts: Iterable[Batch], objective: Objective, weights: Sequence[Tensor]
) -> tuple[float, list[Tensor]]:
    """Return the mean loss over all samples and its gradient by `weights`, in the order of these.

    Losses are added up in float64, gradients in the weights' precision; where the loss does not depend on a
    weight its gradient is zero. Losses that weigh differently are a sum over the sum of their weights.

    Args:
        run: inputs of a batch -> outputs.
        parts: the samples, in batches.
        objective: gives a loss for each sample, or one, the mean of the batch.
        weights: that require a gradient.
    """
    loss, count, total = 0.0, 0.0, [torch.zeros_like(weight) for weight in weights]
    for inputs, targets in parts:
        with torch.enable_grad():
            scores = objective(call(run, inputs), targets)
            factor = size_of(inputs) if scores.one_for_all else 1
            share = factor * scores.losses.sum()
        if share.requires_grad:  # else the loss does not depend on any of these weights
            found = torch.autograd.grad(share, weights, materialize_grads=True)
            for sum_, one in zip(total, found, strict=True):
                sum_ += one
        loss += factor * float(scores.losses.detach().double().sum())
        count += (
            factor * scores.losses.numel() if scores.weights is None else float(scores.weights.double().sum())
        )
    return loss / count, [one / count for one in total]
