"""Which parameters of a network move, and which stay."""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase

from torch import nn

from landscape_cli.errors import LandscapeError, nearest

KINDS: dict[str, Callable[[nn.Parameter], bool]] = {
    "all": lambda parameter: True,
    "weights": lambda parameter: parameter.ndim > 1,
    "trainable": lambda parameter: parameter.requires_grad,
}
SHOWN = 6  # names in a message

Params = str | Sequence[str]


def selected(model: nn.Module, params: Params) -> list[str]:
    """Return the names of the parameters that move, in the model's order.

    Args:
        model: whose parameters.
        params: ``all``; ``weights``: those with more than one dimension; ``trainable``: those with
            ``requires_grad``; or glob patterns of their names, one or several: ``layer4.*``.

    Raises:
        LandscapeError: a pattern matches no name, or nothing moves.
    """
    named = dict(model.named_parameters())
    if isinstance(params, str) and params in KINDS:
        found = [name for name, parameter in named.items() if KINDS[params](parameter)]
        if not found:
            raise LandscapeError(f"params={params}: the network has no such parameters; say params=all")
        return found
    patterns = [params] if isinstance(params, str) else list(params)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in named):
            shown = ", ".join([*list(named)[:SHOWN], *(["…"] if len(named) > SHOWN else [])])
            raise LandscapeError(
                f"params={pattern}: no parameter has such a name; choose all, weights, trainable, or a"
                f" pattern of {shown}{nearest(pattern, named)}"
            )
    return [name for name in named if any(fnmatchcase(name, pattern) for pattern in patterns)]


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
