"""Numbers of an epoch that are not losses."""

import torch
from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.weights.arithmetic import norm, params_of

GRADIENT_SAMPLES = 2048


def weight_norm(model: nn.Module) -> float:
    """Return the Euclidean norm of all parameters."""
    return norm(params_of(model))


def gradient_norm(model: nn.Module, split: Split, loss: str) -> float:
    """Return the Euclidean norm of the gradient of the mean loss at the model's weights, in evaluation mode.

    The mean is over the first 2,048 samples of the split: the exact full gradient for small data, an estimate
    for larger at a cost that does not grow. The model's own gradients are left alone.
    """
    training = [module for module in model.modules() if module.training]
    model.eval()
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    total = [torch.zeros_like(parameter) for parameter in parameters]
    n = min(len(split), GRADIENT_SAMPLES)
    size = automatic_size(split.inputs)
    for inputs, targets in zip(split.inputs[:n].split(size), split.targets[:n].split(size), strict=True):
        losses = per_sample_loss(loss, model(inputs), targets).sum() / n
        for sum_, gradient in zip(
            total, torch.autograd.grad(losses, parameters, allow_unused=True), strict=True
        ):
            if gradient is not None:
                sum_ += gradient
    for module in training:
        module.training = True
    return norm({str(i): gradient for i, gradient in enumerate(total)})
