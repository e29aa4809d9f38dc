"""The full gradient: that of the mean loss over a whole split."""

import torch
from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.evaluation.mode import evaluating
from landscape_cli.weights.arithmetic import Vector


def gradient(model: nn.Module, split: Split, loss: str, batch_size: int | None = None) -> Vector:
    """Return the gradient of the mean loss over a split, in evaluation mode.

    It is summed batch by batch in the model's precision, on its device, over the parameters that are trained
    (``requires_grad``); one that the loss does not depend on has a gradient of zeros.

    Args:
        model: left as it is, its own gradients and modes included.
        split: the samples, in the model's dtype and on its device.
        loss: its name.
        batch_size: samples a pass; None: chosen.
    """
    parameters = {name: one for name, one in model.named_parameters() if one.requires_grad}
    total = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
    with evaluating(model):
        for inputs, targets in batches(split, batch_size or automatic_size(split.inputs, graph=True)):
            share = per_sample_loss(loss, model(inputs), targets).sum() / len(split)
            parts = torch.autograd.grad(share, list(parameters.values()), allow_unused=True)
            for name, part in zip(total, parts, strict=True):
                if part is not None:
                    total[name] += part
    return total
