"""Numbers of an epoch that are not losses."""

from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.gradients.full import gradient
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
    first = min(len(split), GRADIENT_SAMPLES)
    return norm(gradient(model, Split(split.inputs[:first], split.targets[:first]), loss))
