"""Which parameters of a network move, and which stay."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from torch import nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.conv import _ConvNd

from landscape_cli.errors import LandscapeError, nearest

NORMALIZATIONS = (_NormBase, nn.GroupNorm, nn.LayerNorm)
WEIGHT_LAYERS = (_ConvNd, nn.Linear)

KINDS: dict[str, Callable[[nn.Module], list[str]]] = {
    "all": lambda model: [name for name, _ in model.named_parameters()],
    "weights": lambda model: [name for name, one in model.named_parameters() if one.ndim > 1],
    "trainable": lambda model: [name for name, one in model.named_parameters() if one.requires_grad],
    "biases": lambda model: [name for name, _ in model.named_parameters() if _last_word(name) == "bias"],
    "normalization": lambda model: _of_layers(model, _layers(model, NORMALIZATIONS)),
    "last": lambda model: _of_layers(model, _layers(model, WEIGHT_LAYERS)[-1:]),
}
SHOWN = 6  # names in a message

Params = str | Sequence[str]


def selected(model: nn.Module, params: Params) -> list[str]:
    """Return the names of the parameters that move, in the model's order.

    Args:
        model: whose parameters.
        params: ``all``; ``weights``: those with more than one dimension; ``trainable``: those with
            ``requires_grad``; ``biases``, of whatever layer; ``normalization``: gains and offsets of the
            normalization layers; ``last``: the last convolution or linear layer's; or glob patterns of their
            names, one or several: ``layer4.*``.

    Raises:
        LandscapeError: a pattern matches no name, or nothing moves.
    """
    named = dict(model.named_parameters())
    if isinstance(params, str) and params in KINDS:
        found = KINDS[params](model)
        if not found:
            raise LandscapeError(f"params={params}: the network has no such parameters; say params=all")
        return found
    patterns = [params] if isinstance(params, str) else list(params)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in named):
            shown = ", ".join([*list(named)[:SHOWN], *(["…"] if len(named) > SHOWN else [])])
            raise LandscapeError(
                f"params={pattern}: no parameter has such a name; choose {', '.join(KINDS)}, or a"
                f" pattern of {shown}{nearest(pattern, [*KINDS, *named])}"
            )
    return [name for name in named if any(fnmatchcase(name, pattern) for pattern in patterns)]


def _last_word(name: str) -> str:
    return name.rpartition(".")[2]


def _layers(model: nn.Module, kinds: tuple[type[nn.Module], ...]) -> list[str]:
    """Return the names of the layers of such kinds, in the order in which they are registered."""
    return [name for name, module in model.named_modules() if isinstance(module, kinds)]


def _of_layers(model: nn.Module, layers: list[str]) -> list[str]:
    """Return the names of the parameters of layers, parametrized ones included."""
    heads = tuple(f"{layer}." if layer else "" for layer in layers)
    return [name for name, _ in model.named_parameters() if name.startswith(heads)] if heads else []


def moving(model: nn.Module, params: Params) -> set[str]:
    """Return the names of the parameters that move and of the buffers that go with them.

    A layer's running statistics are its solution's as its weights are: they move where one of its own
    parameters does.

    Raises:
        LandscapeError: as `selected`.
    """
    names = set(selected(model, params))
    layers = {name.rpartition(".")[0] for name in names}
    return names | {
        name for name, _ in model.named_buffers() if params == "all" or name.rpartition(".")[0] in layers
    }
