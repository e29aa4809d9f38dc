"""Networks that compute the same as a given one with other weights."""

import copy
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from landscape_cli.data.streams import stream
from landscape_cli.evaluation.batchnorm import layers

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
# f(c x) = c f(x) for c > 0
HOMOGENEOUS = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.MaxPool2d,
    nn.Flatten,
    nn.Dropout,
    nn.Identity,
)


def rescaled(model: nn.Module, factor: float) -> nn.Module:
    """Return a copy with other weights that computes the same.

    Where there is BatchNorm, every layer of weights that feeds one is multiplied by c, weights and biases,
    and the running mean by c, the variance by c^2, which are those of its outputs: BN(c W x) = BN(W x) but
    for epsilon. Elsewhere the first of each two consecutive layers is multiplied by c, weights and biases,
    and the weights of the second divided by it: W_2 relu(W_1 x + b_1) = (W_2 / c) relu(c W_1 x + c b_1) for
    c > 0 (Dinh et al. 2017, arXiv:1703.04933).

    Args:
        model: its leaves in the order in which they are run; a chain where there is no BatchNorm.
        factor: c > 0.

    Raises:
        ValueError: the factor is not positive, or between two layers something is not homogeneous.
    """
    if factor <= 0:
        raise ValueError(f"only positive factors pass through a ReLU, got {factor}")
    twin = copy.deepcopy(model)
    with torch.no_grad():
        if layers(twin):
            for layer, following in _before_batchnorm(twin):
                _multiply([layer.weight, layer.bias, following.running_mean], factor)
                _multiply([following.running_var], factor**2)
            return twin
        for first, second in _neighbours(twin)[::2]:
            _multiply([first.weight, first.bias], factor)
            _multiply([second.weight], 1 / factor)
    return twin


def rescaled_units(model: nn.Module, factor: float, seed: int = 0) -> nn.Module:
    """Return a copy in which each hidden unit is multiplied by its own number, and what leaves it divided.

    A unit is a row of a linear layer or a filter of a convolution. Its number is drawn from 1 / factor to
    factor, its logarithm uniformly; through a ReLU the copy computes the same.

    Args:
        model: a chain, as for `rescaled`, without BatchNorm.
        factor: c > 1.
        seed: of the numbers.

    Raises:
        ValueError: between two layers something is not homogeneous.
    """
    twin = copy.deepcopy(model)
    draws = stream(seed, "factors of units")
    with torch.no_grad():
        for first, second in _neighbours(twin):
            factors = _drawn(draws, factor, first)
            _multiply([first.weight, first.bias], factors)
            # behind a flattened map each unit has several columns, side by side
            second.weight.view(len(second.weight), len(factors), -1).div_(factors[:, None])
    return twin


def rescaled_filters(model: nn.Module, factor: float, seed: int = 0) -> nn.Module:
    """Return a copy in which each filter that feeds a BatchNorm is multiplied by its own number.

    It is drawn from 1 / factor to factor, its logarithm uniformly; the running statistics follow. The copy
    computes the same but for epsilon.
    """
    twin = copy.deepcopy(model)
    draws = stream(seed, "factors of filters")
    with torch.no_grad():
        for layer, following in _before_batchnorm(twin):
            factors = _drawn(draws, factor, layer)
            _multiply([layer.weight, layer.bias, following.running_mean], factors)
            _multiply([following.running_var], factors**2)
    return twin


def without_epsilon(model: nn.Module) -> nn.Module:
    """Return a copy whose BatchNorm layers divide by the standard deviation itself."""
    bare = copy.deepcopy(model)
    for layer in layers(bare):
        layer.eps = 0.0
    return bare


def _drawn(draws: np.random.RandomState, factor: float, layer: Any) -> Tensor:
    """Return a number from 1 / factor to factor for each unit of a layer, its logarithm uniform, (units,)."""
    return torch.from_numpy(factor ** draws.uniform(-1, 1, len(layer.weight))).to(layer.weight)


def _multiply(tensors: Sequence[Tensor | None], factor: float | Tensor) -> None:
    """Multiply tensors in place by one number, or each entry along their first dimension by its own."""
    for tensor in tensors:
        if tensor is not None:
            each = factor.view(-1, *[1] * (tensor.ndim - 1)) if isinstance(factor, Tensor) else factor
            tensor.mul_(each)


def _neighbours(model: nn.Module) -> list[tuple[Any, Any]]:
    """Return each two consecutive layers of weights of a chain.

    Raises:
        ValueError: between them something is not homogeneous.
    """
    leaves = _leaves(model)
    places = [place for place, leaf in enumerate(leaves) if isinstance(leaf, WEIGHTED)]
    pairs = list(itertools.pairwise(places))
    for first, second in pairs:
        for between in leaves[first + 1 : second]:
            if not isinstance(between, HOMOGENEOUS):
                raise ValueError(f"{type(between).__name__} stands between two layers and is not homogeneous")
    return [(leaves[first], leaves[second]) for first, second in pairs]


def _leaves(model: nn.Module) -> list[Any]:
    return [module for module in model.modules() if not any(module.children())]


def _before_batchnorm(model: nn.Module) -> list[tuple[Any, Any]]:
    """Return each layer of weights that a BatchNorm layer follows, with it."""
    return [
        (layer, following)
        for layer, following in itertools.pairwise(_leaves(model))
        if isinstance(layer, WEIGHTED) and isinstance(following, _BatchNorm)
    ]
