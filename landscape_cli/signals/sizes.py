"""How large activations are on their way up, and gradients on their way down."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.arrays import Array


class Sizes(NamedTuple):
    """Root mean squares over all samples and units.

    Attributes:
        up: of the outputs of each of k modules, (k,).
        down: of the gradients by these outputs, (k,).
    """

    up: Array
    down: Array


def sizes(network: nn.Module, modules: Sequence[nn.Module], inputs: Tensor, above: Tensor) -> Sizes:
    """Return the sizes of the outputs of some modules of a network, and of the gradients by them.

    Args:
        network: called once with `inputs`.
        modules: of the network; each is called once by it.
        inputs: a batch.
        above: the gradient by the network's outputs, of their shape: what is propagated down.
    """
    found: dict[int, Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _, __, output, place=place: found.__setitem__(place, output))
        for place, module in enumerate(modules)
    ]
    try:
        outputs = network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    reached = [found[place] for place in range(len(modules))]
    gradients = torch.autograd.grad((outputs * above).sum(), reached)
    return Sizes(*(np.array([_size(each) for each in row]) for row in (reached, gradients)))


def _size(values: Tensor) -> float:
    return float(values.detach().double().square().mean().sqrt())
