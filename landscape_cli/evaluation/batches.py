"""The batches of a split: what a network takes in one forward pass, resident on the device."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landscape_cli.data.load import Split

Inputs = Tensor | Mapping[str, Any] | Sequence[Any]
"""A tensor, or tensors by name or position, whose first dimension is the samples."""

Batch = tuple[Any, Any]
"""Inputs and targets."""

# 64 CIFAR images: activations of such a batch stay in a processor's cache
ELEMENTS_PER_BATCH = 64 * 3 * 32 * 32
NUMBERS_PER_TOKEN = 64  # of the vectors that whole numbers become


def apply_to(inputs: Any, change: Callable[[Tensor], Tensor]) -> Any:
    """Return `inputs` with every tensor in it changed; mappings and dataclasses keep their type."""
    if isinstance(inputs, Tensor):
        return change(inputs)
    if isinstance(inputs, MutableMapping):
        changed = copy.copy(inputs)
        for name, value in inputs.items():
            changed[name] = apply_to(value, change)
        return changed
    if isinstance(inputs, list | tuple):
        values = [apply_to(value, change) for value in inputs]
        return type(inputs)(*values) if hasattr(inputs, "_fields") else tuple(values)
    if dataclasses.is_dataclass(inputs) and not isinstance(inputs, type):
        twin = copy.copy(inputs)
        for field in dataclasses.fields(inputs):
            object.__setattr__(twin, field.name, apply_to(getattr(inputs, field.name), change))
        return twin
    return inputs


def tensors(inputs: Any) -> list[Tensor]:
    """Return all tensors in `inputs`, in order."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    apply_to(inputs, note)
    return found


def size_of(inputs: Any) -> int:
    """Return the number of samples."""
    return len(tensors(inputs)[0])


def call(model: Callable[..., Any], inputs: Any) -> Any:
    """Return the outputs; tensors by name are keyword arguments, by position positional ones."""
    if isinstance(inputs, Mapping):
        return model(**inputs)
    if isinstance(inputs, list | tuple):
        return model(*inputs)
    return model(inputs)


def automatic_size(inputs: Tensor, *, graph: bool = False) -> int:
    """Return the samples of a forward pass: few enough for the cache, enough to keep all cores busy.

    Args:
        inputs: of the samples.
        graph: whether the pass keeps the graph of a gradient, and with it all activations: a processor's
            batches are small enough for that, a CUDA device's are not.
    """
    tokens = not inputs.is_floating_point()
    size = ELEMENTS_PER_BATCH // (inputs[0].numel() * (NUMBERS_PER_TOKEN if tokens else 1))
    if inputs.is_cuda:
        size *= 4 if graph else 32
    return max(1 if tokens else 32, min(size, 8192))


def batches(split: Split, size: int) -> list[Batch]:
    """Return the split in batches of `size`: views, not copies."""
    return rebatched([(split.inputs, split.targets)], size)


def rebatched(parts: list[Batch], size: int) -> list[Batch]:
    """Return the batches cut into ones of at most `size` samples, in order: views, not copies."""
    return [
        (rows(inputs, slice(start, start + size)), rows(targets, slice(start, start + size)))
        for inputs, targets in parts
        for start in range(0, size_of(inputs), size)
    ]


def rows(tree: Any, which: slice | Tensor) -> Any:
    """Return the chosen samples of inputs or targets."""
    return apply_to(tree, lambda tensor: tensor[which])


def to_dtype(inputs: Any, dtype: torch.dtype) -> Any:
    """Return `inputs` with every floating-point tensor in it of that type."""
    return apply_to(inputs, lambda tensor: tensor.to(dtype) if tensor.is_floating_point() else tensor)


def told(tree: Any) -> str:
    """Return a few words on what someone gave."""
    if isinstance(tree, Tensor):
        return f"{str(tree.dtype).removeprefix('torch.')} {tuple(tree.shape)}"
    if isinstance(tree, Mapping):
        return f"{{{', '.join(f'{name}: {told(value)}' for name, value in tree.items())}}}"
    if isinstance(tree, tuple | list):
        return f"[{', '.join(map(told, tree[:4]))}{', …' if len(tree) > 4 else ''}]"
    return f"a {type(tree).__name__}"
