"""How many numbers a forward pass leaves in memory for the backward pass: its activations."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def stored_activations(compute: Callable[[], Tensor], known: Iterable[Tensor]) -> int:
    """Return how many numbers autograd keeps for the backward pass of what `compute` returns.

    What several operations keep counts once, as it lies in memory once.

    Args:
        compute: the forward pass.
        known: what is there anyway and is not counted: parameters, data, and views of these.
    """
    there = {tensor.untyped_storage().data_ptr() for tensor in known}
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept[tensor.untyped_storage().data_ptr()] = tensor  # held, so that no other takes its place
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        compute()
    return sum(tensor.numel() for place, tensor in kept.items() if place not in there)
