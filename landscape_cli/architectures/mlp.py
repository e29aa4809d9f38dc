"""Fully connected networks."""

import math
from collections.abc import Sequence

from torch import nn

from landscape_cli.architectures.layers import ACTIVATIONS, Normalization
from landscape_cli.errors import LandscapeError


def mlp(
    input_shape: tuple[int, ...],
    classes: int,
    normalization: Normalization,
    *,
    widths: Sequence[int],
    activation: str,
) -> nn.Sequential:
    """Return a multilayer perceptron: inputs of any shape are flattened; linear - normalization - activation.

    Args:
        input_shape: shape of one sample.
        classes: number of outputs.
        normalization: after each hidden linear layer, before the activation.
        widths: units of each hidden layer; none at all gives a linear model.
        activation: a name in `ACTIVATIONS`.

    Raises:
        LandscapeError: instance normalization, which needs maps.
    """
    if normalization.name == "instance":
        raise LandscapeError("normalization=instance needs maps, and architecture=mlp has none; choose layer")
    model = nn.Sequential(nn.Flatten())
    features = math.prod(input_shape)
    for width in widths:
        model.extend([nn.Linear(features, width), normalization.vectors(width), ACTIVATIONS[activation]()])
        features = width
    return model.append(nn.Linear(features, classes))
