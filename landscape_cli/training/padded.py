"""Networks of several widths as one shape: units without weights fill up the narrower ones, or random ones.

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


def padded(models: Sequence[nn.Module], widest: nn.Module) -> list[nn.Module]:
    """Return networks of the shape of `widest` that compute what `models` do.

    Args:
        models: fully connected, of one depth, whose activations are 0 at 0.
        widest: of the widths wanted; its weights are not looked at.

    Raises:
        LandscapeError: a network is wider, or deeper or shallower.
    """
    blank = copy.deepcopy(widest)
    with torch.no_grad():
        for each in blank.parameters():
            each.zero_()
    return [widened(model, blank) for model in models]


@torch.no_grad()
def widened(model: nn.Module, wide: nn.Module) -> nn.Module:
    """Return a copy of `wide` whose first units have the weights of `model`; the others keep their own.

    Raises:
        LandscapeError: the network is wider, or deeper or shallower.
    """
    found = copy.deepcopy(wide)
    narrow, wider = dict(model.named_parameters()), dict(found.named_parameters())
    if narrow.keys() != wider.keys() or any(
        size > room
        for name, each in wider.items()
        for size, room in zip(narrow[name].shape, each.shape, strict=True)
    ):
        raise LandscapeError("a network is padded to more units in the same layers; got fewer, or others")
    for name, each in wider.items():
        each[tuple(map(slice, narrow[name].shape))] = narrow[name]
    return found
