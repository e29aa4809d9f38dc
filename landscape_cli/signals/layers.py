"""Activations, gradients and weights, layer by layer: their means, variances, norms and dead units."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize
from torch.overrides import TorchFunctionMode
from torch.utils.weak import WeakTensorKeyDictionary

from landscape_cli.architectures.data_init import WeightLayer
from landscape_cli.architectures.init import weight_layers
from landscape_cli.architectures.layers import ACTIVATIONS
from landscape_cli.data.load import Split
from landscape_cli.evaluation.autograd import Autograd
from landscape_cli.evaluation.batches import batches, tensors
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.evaluation.mode import evaluating

Layers = Mapping[str, WeightLayer]
"""Name -> convolution or linear layer."""
Statistics = dict[str, dict[str, float]]
"""Name of a layer -> name of a quantity -> value."""

FUNCTIONS = {name for word in {*ACTIVATIONS, "logsigmoid"} - {"identity"} for name in (word, f"{word}_")}
"""Names of torch's activation functions, and of those that work in place."""


def layers_of(model: nn.Module) -> dict[str, WeightLayer]:
    """Return the convolutions and linear layers of a network by name, in the order of its modules."""
    names = {id(module): name for name, module in model.named_modules()}
    return {names[id(layer)]: layer for layer in weight_layers(model)}


def activations(model: nn.Module, layers: Layers, inputs: Tensor, size: int) -> Statistics:
    """Return ``mean``, ``variance`` and ``dead`` of the activations of each layer, in evaluation mode.

    A layer's activations are the first outputs of an activation function that its own outputs enter, through
    normalization, sums and pooling, if they have as many units; otherwise its own outputs. A unit is a
    channel of a convolution, with all of its pixels, or an output of a linear layer; dead is the share of
    units that are zero for all samples. The variance is over all samples, units and pixels, divided by their
    number. A layer that is not called is left out.

    Args:
        model: left as it is.
        layers: of the model.
        inputs: (n, …).
        size: samples a pass.
    """
    autograd = Autograd()
    with evaluating(model):
        parts = [autograd(partial(_pass, model, layers, batch)) for batch in inputs.split(size)]
    return {name: _together([part[name] for part in parts]) for name in layers if name in parts[0]}


def gradients(model: nn.Module, layers: Layers, split: Split, loss: str, size: int) -> Statistics:
    """Return ``norm``, ``mean`` and ``variance`` of the gradient of the mean loss by each layer's weight.

    In evaluation mode; the gradient is zero where the loss does not depend on a weight.

    Args:
        model: left as it is.
        layers: of the model.
        split: the samples.
        loss: its name.
        size: samples a pass.
    """
    total = {name: torch.zeros_like(each, dtype=torch.float64) for name, each in weights_of(layers).items()}
    with evaluating(model):
        for inputs, targets in batches(split, size):
            with parametrize.cached():  # a weight that is computed is the same one in the pass
                weights = {name: each.weight for name, each in layers.items() if each.weight.requires_grad}
                share = per_sample_loss(loss, model(inputs), targets).sum() / len(split)
                parts = torch.autograd.grad(share, list(weights.values()), allow_unused=True)
            for name, part in zip(weights, parts, strict=True):
                if part is not None:
                    total[name] += part
    return {name: _of(each) for name, each in total.items()}


def weights_of(layers: Layers) -> dict[str, Tensor]:
    """Return each layer's weight, detached: a view of a parameter, or what is computed of several."""
    return {name: layer.weight.detach() for name, layer in layers.items()}


def weights(now: Mapping[str, Tensor], before: Mapping[str, Tensor] | None = None) -> Statistics:
    """Return ``norm``, ``mean`` and ``variance`` of each weight; ``update`` where there were others before.

    The update is the norm of the change over the norm that the weight had.

    Args:
        now: name of a layer -> its weight.
        before: likewise, of an earlier time.
    """
    found = {name: _of(weight) for name, weight in now.items()}
    for name, earlier in (before or {}).items():
        change = now[name].double() - earlier.double()
        found[name]["update"] = float(change.norm() / earlier.double().norm())
    return found


def _of(values: Tensor) -> dict[str, float]:
    values = values.double()
    variance = values.var(correction=0)
    return {"norm": float(values.norm()), "mean": float(values.mean()), "variance": float(variance)}


class _Seen(NamedTuple):
    """Of one batch's activations.

    Attributes:
        numbers: how many.
        mean: of them.
        variance: of them.
        zero: which units are zero for all samples, (units,).
    """

    numbers: int
    mean: float
    variance: float
    zero: Tensor

    @classmethod
    def of(cls, values: Tensor, axis: int) -> "_Seen":
        exact = values.detach().double()
        zero = (exact.movedim(axis, 0).flatten(1) == 0).all(1)
        return cls(exact.numel(), float(exact.mean()), float(exact.var(correction=0)), zero)


def _together(parts: Sequence[_Seen]) -> dict[str, float]:
    """Return the statistics of batches from those of each."""
    count = sum(part.numbers for part in parts)
    mean = sum(part.numbers * part.mean for part in parts) / count
    variance = sum(part.numbers * (part.variance + (part.mean - mean) ** 2) for part in parts) / count
    zero = torch.stack([part.zero for part in parts]).all(0)
    return {"mean": mean, "variance": variance, "dead": float(zero.double().mean())}


class _Flow(TorchFunctionMode):
    """Follows the outputs of layers through a forward pass, up to an activation function or the next layer.

    Attributes:
        seen: name of a layer -> what its activations were.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, _Seen] = {}
        self._entered = WeakTensorKeyDictionary()  # tensor -> axis of units by name of each layer in it
        self._found: set[str] = set()

    def leave(self, name: str, axis: int, outputs: Tensor) -> None:
        """Note what a layer gives."""
        self.seen[name] = _Seen.of(outputs, axis)
        self._entered[outputs] = {name: (axis, outputs.ndim, outputs.shape[axis])}

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        keywords = kwargs or {}
        layers: dict[str, tuple[int, int, int]] = {}
        for each in tensors((args, keywords)):
            layers |= self._entered.get(each, {})
        result = function(*args, **keywords)
        if not layers or not isinstance(result, Tensor):
            return result
        if getattr(function, "__name__", "") in FUNCTIONS:
            for name, (axis, ndim, units) in layers.items():
                if name not in self._found and result.ndim == ndim and result.shape[axis] == units:
                    self.seen[name] = _Seen.of(result, axis)
                    self._found.add(name)
            layers = {}
        self._entered[result] = layers
        return result


def _pass(model: nn.Module, layers: Layers, inputs: Tensor) -> dict[str, _Seen]:
    """Return what the activations of each layer are in one forward pass."""
    flow = _Flow()
    with ExitStack() as stack:
        for name, layer in layers.items():
            axis = -1 if isinstance(layer, nn.Linear) else 1

            def hook(_: object, __: object, outputs: Tensor, name: str = name, axis: int = axis) -> None:
                flow.leave(name, axis, outputs)

            stack.callback(layer.register_forward_hook(hook).remove)
        with flow:
            model(inputs)
    return flow.seen
