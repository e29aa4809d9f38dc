"""The optimizers, by name."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.training.entropy_sgd import EntropySGD
from landscape_cli.training.lars import LARS
from landscape_cli.training.sam import KINDS
from landscape_cli.uncompiled import without_compiler

OPTIMIZERS: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "entropy_sgd": EntropySGD,
    "lars": LARS,
}


FUSED = ("sgd", "adam", "adamw", "adagrad")  # torch updates all parameters of these in one pass over memory


def _check(key: str, value: object) -> None:
    if key == "nesterov":
        if not isinstance(value, bool):
            raise LandscapeError(f"optimizer.nesterov must be true or false, got {value!r}")
        return
    if key == "inner_steps":
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise LandscapeError(f"optimizer.inner_steps must be a positive whole number, got {value!r}")
        return
    numbers = value if isinstance(value, list) and key == "betas" else [value]
    part = key in ("betas", "mean_decay")
    expected = "a finite number of zero or more" if not part else "a number in [0, 1)"
    expected = "two numbers in [0, 1)" if key == "betas" else expected
    holds = len(numbers) == (2 if key == "betas" else 1) and all(
        isinstance(number, int | float)
        and not isinstance(number, bool)
        and 0 <= number < (1 if part else math.inf)
        for number in numbers
    )
    if not holds:
        raise LandscapeError(f"optimizer.{key} must be {expected}, got {value!r}")


def build(
    optimizer: dict[str, Any], parameters: Iterable[nn.Parameter], seed: int = 0
) -> torch.optim.Optimizer:
    """Return the optimizer of that name; the other entries are its arguments, but those of `sam`.

    One that draws random numbers draws those of `seed`.

    Weight decay, and in every other respect the update, acts on all of these parameters, biases and
    BatchNorm included.

    Raises:
        LandscapeError: an unknown name, or a value that torch refuses.
    """
    name = optimizer.get("name")
    if name not in OPTIMIZERS:
        raise unknown("optimizer", name, OPTIMIZERS)
    arguments = {key: value for key, value in optimizer.items() if key not in ("name", *KINDS)}
    for key, value in arguments.items():
        _check(key, value)
    if "betas" in arguments:
        arguments["betas"] = tuple(arguments["betas"])
    if name in FUSED:
        arguments["fused"] = True
    if name == "entropy_sgd":
        arguments["seed"] = seed
    try:
        return without_compiler(OPTIMIZERS[name])(parameters, **arguments)
    except (TypeError, ValueError) as error:
        raise LandscapeError(f"optimizer={name} cannot be built: {error}") from error
