"""Networks of several widths as one shape: units without weights fill up the narrower ones.

Such a unit sends nothing on, since all that enters it is 0, and no gradient reaches the weights on either
side of it: an activation a with a(0) = 0 (relu, tanh, gelu, silu) gives those that leave it none, and weights
of 0 that leave it give those that enter it none. So it stays as it is, and the network is trained as the
narrow one would be, with every optimizer and with weight decay.
"""

import copy
from collections.abc import Sequence

import torch
from torch import nn

from landscape_cli.errors import LandscapeError


@torch.no_grad()
def padded(models: Sequence[nn.Module], widest: nn.Module) -> list[nn.Module]:
    """Return networks of the shape of `widest` that compute what `models` do.

    Args:
        models: fully connected, of one depth, whose activations are 0 at 0.
        widest: of the widths wanted; its weights are not looked at.

    Raises:
        LandscapeError: a network is wider, or deeper or shallower.
    """
    found = []
    for model in models:
        wide = copy.deepcopy(widest)
        pairs = dict(wide.named_parameters()), dict(model.named_parameters())
        if pairs[0].keys() != pairs[1].keys() or any(
            narrow > size
            for name, each in pairs[0].items()
            for narrow, size in zip(pairs[1][name].shape, each.shape, strict=True)
        ):
            raise LandscapeError("a network is padded to more units in the same layers; got fewer, or others")
        for name, each in pairs[0].items():
            each.zero_()
            each[tuple(map(slice, pairs[1][name].shape))] = pairs[1][name]
        found.append(wide)
    return found
