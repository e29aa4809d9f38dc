"""Initial weights of convolutions and linear layers."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.architectures.data_init import FITS, WeightLayer, assign, fit
from landscape_cli.architectures.options import Options
from landscape_cli.errors import LandscapeError, unknown

Draw = Callable[[Tensor, Options], object]


def initialize(model: nn.Module, init: dict[str, Any], inputs: Tensor | None = None) -> None:
    """Draw the weights of all convolutions and linear layers anew, in place, and set their biases to 0.

    Everything else (normalization layers, a custom model's embeddings) stays as it was built;
    ``init.name=default`` leaves the whole model so. A weight-normalized layer receives the drawn weight
    through its parametrization. Numbers come from torch's global CPU generator, on whichever device the model
    is. Weights of a trained run (``init.name=pretrained``) are the caller's to load; `last_layer` tells which
    layer to draw anew. ``lsuv`` and ``data_dependent`` are then fitted to data, which may set biases.

    Args:
        model: its convolutions and linear layers are changed.
        init: ``name`` and the options of that name, as in ``conf/init``.
        inputs: a batch, where the model is; needed by what is fitted to data.

    Raises:
        LandscapeError: the name or the value of an option is wrong, there is no batch to fit to, or the
            weights cannot be fitted.
    """
    options = Options("init", init)
    name = init.get("name")
    if name == "default":
        return
    if not isinstance(name, str) or name not in _DRAWS:
        raise unknown("init", name, ["default", "pretrained", *_DRAWS])
    if name in FITS and inputs is None:
        raise LandscapeError(f"init={name} fits weights to data, and there are none; choose another init=")
    with torch.no_grad():
        for layer in weight_layers(model):
            assign(layer, _drawn(layer, name, options))
            if layer.bias is not None:
                layer.bias.zero_()
        if name in FITS and inputs is not None:
            fit(model, name, weight_layers(model), inputs)


def weight_layers(model: nn.Module) -> list[WeightLayer]:
    """Return the convolutions and linear layers of `model`, in the order in which they are registered."""
    return [module for module in model.modules() if isinstance(module, WeightLayer)]


def last_layer(model: nn.Module) -> WeightLayer:
    """Return the convolution or linear layer that is registered last: the one that gives the outputs.

    Raises:
        LandscapeError: there is none.
    """
    layers = weight_layers(model)
    if not layers:
        raise LandscapeError(f"{type(model).__name__} has no convolution and no linear layer")
    return layers[-1]


def _drawn(layer: WeightLayer, name: str, options: Options) -> Tensor:
    weight = torch.empty(layer.weight.shape, dtype=layer.weight.dtype)
    _DRAWS[name](weight, options)
    return weight


def _uniform(weight: Tensor, options: Options) -> None:
    bound = 1 / math.sqrt(weight[0].numel())
    nn.init.uniform_(weight, -bound, bound)


def _kaiming(weight: Tensor, options: Options) -> None:
    """He et al. 2015: variance 2/fan keeps that of signals (fan_in) or gradients (fan_out) through ReLUs.

    ``linear_std``, if any, draws linear layers from N(0, linear_std²) instead.
    """
    mode = options.choice("mode", ["fan_in", "fan_out"])
    distribution = options.choice("distribution", ["normal", "uniform"])
    if weight.ndim == 2 and options.values.get("linear_std") is not None:
        nn.init.normal_(weight, std=options.positive("linear_std"))
    elif distribution == "normal":
        nn.init.kaiming_normal_(weight, mode=mode, nonlinearity="relu")  # type: ignore[arg-type]
    else:
        nn.init.kaiming_uniform_(weight, mode=mode, nonlinearity="relu")  # type: ignore[arg-type]


def _sparse(weight: Tensor, options: Options) -> None:
    """Martens 2010: of the weights that leave each input, a fraction `sparsity` is 0, the rest N(0, std²)."""
    # torch's own takes matrices only: a kernel counts as one row of in * height * width inputs.
    nn.init.sparse_(weight.flatten(1), sparsity=options.fraction("sparsity"), std=options.positive("std"))


_DRAWS: dict[str, Draw] = {
    "zeros": lambda weight, options: nn.init.zeros_(weight),
    "constant": lambda weight, options: nn.init.constant_(weight, options.number("value")),
    "normal": lambda weight, options: nn.init.normal_(weight, std=options.positive("std")),
    "uniform": _uniform,
    "xavier_uniform": lambda weight, options: nn.init.xavier_uniform_(weight, gain=options.positive("gain")),
    "xavier_normal": lambda weight, options: nn.init.xavier_normal_(weight, gain=options.positive("gain")),
    "kaiming": _kaiming,
    "lecun": lambda weight, options: nn.init.kaiming_normal_(weight, nonlinearity="linear"),
    "orthogonal": lambda weight, options: nn.init.orthogonal_(weight, gain=options.positive("gain")),
    "sparse": _sparse,
    "lsuv": lambda weight, options: nn.init.orthogonal_(weight),
    "data_dependent": lambda weight, options: nn.init.normal_(weight),
}
