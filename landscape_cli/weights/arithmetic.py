"""Points and vectors of weight space: dictionaries of tensors by parameter name.

A point also holds the floating-point buffers, BatchNorm's running statistics: they belong to a solution as
its weights do. Integer buffers (``num_batches_tracked``) belong to neither point nor vector.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

Vector = dict[str, Tensor]


def point_of(model: nn.Module) -> Vector:
    """Return the model's own parameters and floating-point buffers, not copies, detached."""
    named = [*model.named_parameters(), *model.named_buffers()]
    return {name: tensor.detach() for name, tensor in named if tensor.is_floating_point()}


def params_of(model: nn.Module) -> Vector:
    """Return the model's own parameters, not copies, detached."""
    return {name: parameter.detach() for name, parameter in model.named_parameters()}


def first_nan(named: Mapping[str, Tensor]) -> str | None:
    """Return what to tell of the first tensor with NaN in it: name, how many, where; None: there is none.

    Infinities are numbers here: masks of attention hold them.
    """
    for name, tensor in named.items():
        if tensor.is_floating_point() and bool(tensor.isnan().any()):
            places = tensor.isnan().nonzero()
            where = f" at {places[0].tolist()}" if tensor.ndim else ""
            return f"{name} has {len(places):,} NaN among {tensor.numel():,} numbers, the first{where}"
    return None


def subtract(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> Vector:
    """Return one - other, over the names of `one`."""
    return {name: tensor - other[name] for name, tensor in one.items()}


def dot(one: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> float:
    """Return the inner product over the names that both have, summed in float64."""
    shared = (name for name in one if name in other)
    return sum(float(torch.sum(one[name].double() * other[name].double())) for name in shared)


def norm(vector: Mapping[str, Tensor]) -> float:
    """Return the Euclidean norm, summed in float64."""
    return math.sqrt(dot(vector, vector))
