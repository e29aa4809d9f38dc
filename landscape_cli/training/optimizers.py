"""The optimizers, by name."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from landscape_cli.errors import LandscapeError, unknown

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
}


def build(optimizer: dict[str, Any], parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return torch's optimizer of that name; the other entries are its arguments.

    Weight decay, and in every other respect the update, acts on all parameters, biases and BatchNorm
    included.

    Raises:
        LandscapeError: an unknown name, or a value that torch refuses.
    """
    name = optimizer.get("name")
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    arguments = {key: value for key, value in optimizer.items() if key != "name"}
    for key, value in arguments.items():
        numbers = value if isinstance(value, list) else [value]
        if not all(isinstance(number, int | float) for number in numbers):
            raise LandscapeError(f"optimizer.{key} must be a number, got {value!r}")
    if "betas" in arguments:
        arguments["betas"] = tuple(arguments["betas"])
    try:
        return OPTIMIZERS[name](parameters, **arguments)
    except (TypeError, ValueError) as error:
        raise LandscapeError(f"optimizer={name} cannot be built: {error}") from error
