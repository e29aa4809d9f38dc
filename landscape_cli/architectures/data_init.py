"""Initial weights that are fitted to data: each layer in turn, by what comes out of it on a batch."""

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn.utils import parametrize

from landscape_cli.errors import LandscapeError

TOLERANCE = 0.1  # of the variance (Mishkin and Matas 2016)
TRIES = 10  # at most

WeightLayer = nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.Linear
Fit = Callable[[WeightLayer, Callable[[], Tensor], str], None]


def fit(model: nn.Module, name: str, layers: list[WeightLayer], inputs: Tensor) -> None:
    """Fit the weights of layers, in place, in the order in which the model calls them.

    The model runs in evaluation mode: without dropout, its BatchNorm layers as they were built.

    Args:
        model: with weights that were drawn, and biases of 0.
        name: a key of `FITS`.
        layers: its convolutions and linear layers; one that the model does not call is left as it is.
        inputs: a batch, on the model's device.

    Raises:
        LandscapeError: what comes out of a layer is the same for all samples, or it cannot be scaled.
    """
    names = {layer: path for path, layer in model.named_modules()}
    called: dict[WeightLayer, str] = {}  # in order

    def note(layer: WeightLayer, _: object) -> None:
        called.setdefault(layer, names[layer])

    training = model.training
    handles = [layer.register_forward_pre_hook(note) for layer in layers]
    model.eval()
    try:
        model(inputs)
        for handle in handles:
            handle.remove()
        for layer, path in called.items():
            FITS[name](layer, partial(outputs_of, model, layer, inputs), f"init={name}: layer {path}")
    finally:
        for handle in handles:
            handle.remove()
        model.train(training)


def outputs_of(model: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
    """Return what comes out of a layer, which the model calls; of the last call if it repeats that."""
    found: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _, __, outputs: found.append(outputs))
    try:
        model(inputs)
    finally:
        handle.remove()
    return found[-1]


def assign(layer: WeightLayer, weight: Tensor) -> None:
    """Give a layer a weight, on whichever device; through the parametrization of a weight-normalized one."""
    if parametrize.is_parametrized(layer, "weight"):
        layer.weight = weight.to(layer.weight.device)  # through right_inverse
    else:
        layer.weight.copy_(weight)


def _unit_variance(layer: WeightLayer, outputs: Callable[[], Tensor], what: str) -> None:
    """Divide the weight by the outputs' standard deviation until the variance is 1, to `TOLERANCE`."""
    for _ in range(TRIES):
        variance = float(outputs().double().var())
        if abs(variance - 1) < TOLERANCE:
            return
        _refuse_unless(variance > 0, what)
        assign(layer, layer.weight / variance**0.5)
    raise LandscapeError(f"{what} does not reach unit variance in {TRIES} tries; choose another init=")


def _normalized_units(layer: WeightLayer, outputs: Callable[[], Tensor], what: str) -> None:
    """Give each unit's outputs (a channel's, over samples and pixels) a mean of 0 and a variance of 1.

    A layer without a bias is scaled only.
    """
    found = outputs().double()
    axis = 1 if found.ndim > 2 and not isinstance(layer, nn.Linear) else found.ndim - 1
    units = found.movedim(axis, 0).flatten(1)
    mean, deviation = units.mean(dim=1), units.std(dim=1)
    _refuse_unless(bool((deviation > 0).all()), what)
    weight = layer.weight.double() / deviation.view(-1, *[1] * (layer.weight.ndim - 1))
    assign(layer, weight.to(layer.weight.dtype))
    if layer.bias is not None:
        layer.bias.copy_(-mean / deviation)


def _refuse_unless(varies: bool, what: str) -> None:
    if not varies:
        raise LandscapeError(
            f"{what} gives the same for all samples; raise init.samples, or choose another init="
        )


FITS: dict[str, Fit] = {"lsuv": _unit_variance, "data_dependent": _normalized_units}
