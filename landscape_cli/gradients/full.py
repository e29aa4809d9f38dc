"""The full gradient: that of the mean loss over a whole split."""

from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.mode import evaluating
from landscape_cli.gradients.mean import mean_gradient
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
    parts = batches(split, batch_size or automatic_size(split.inputs, graph=True))
    with evaluating(model):
        _, found = mean_gradient(model, parts, objective(loss), list(parameters.values()))
    return dict(zip(parameters, found, strict=True))
