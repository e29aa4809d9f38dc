"""The functions by name, as configurations name them, and where descents start on them."""

import inspect
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from landscape_cli.analytic import factorizations, quadratics, saddle_chain, surfaces2d
from landscape_cli.analytic.function import Function, checked, differentiated, pointwise
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.sources import load_source

FUNCTIONS: dict[str, Callable[..., Function]] = {
    "beale": surfaces2d.beale,
    "rosenbrock": surfaces2d.rosenbrock,
    "himmelblau": surfaces2d.himmelblau,
    "rastrigin": surfaces2d.rastrigin,
    "styblinski_tang": surfaces2d.styblinski_tang,
    "muller_brown": surfaces2d.muller_brown,
    "ravine": quadratics.ravine,
    "dented_ravine": quadratics.dented_ravine,
    "saddle": quadratics.saddle,
    "monkey_saddle": quadratics.monkey_saddle,
    "saddle_chain": saddle_chain.saddle_chain,
    "two_wells": quadratics.two_wells,
    "valley": quadratics.valley,
    "matrix_factorization": factorizations.matrix_factorization,
    "tensor_factorization": factorizations.tensor_factorization,
}
"""Name -> what makes the function of its options."""

CUSTOM_OPTIONS = ("source", "dimension")
CUSTOM_BOX = (-2.0, 2.0)
CUSTOM_LR = 1e-2


def build(config: dict[str, Any], trust: bool = False) -> Function:
    """Return the function that a configuration names.

    Args:
        config: ``name``, and the function's options; for ``custom`` also ``source`` and ``dimension``.
        trust: whether the user said that ``source`` may run.

    Raises:
        LandscapeError: an unknown name or option, or one out of range.
    """
    name = config.get("name")
    options = {key: value for key, value in config.items() if key != "name"}
    if name != "custom" and name not in FUNCTIONS:
        raise unknown("function", name, [*FUNCTIONS, "custom"])
    known = CUSTOM_OPTIONS if name == "custom" else inspect.signature(FUNCTIONS[name]).parameters
    for key, value in options.items():
        if key not in known:
            raise unknown(f"function.{name} option", key, known)
        if key != "source":
            _check(key, value)
    if name != "custom":
        return FUNCTIONS[name](**options)
    if not isinstance(options.get("source"), str):
        raise LandscapeError("function=custom needs function.source=package.module:name")
    return _custom(trust=trust, **options)


def _check(key: str, value: object) -> None:
    whole, several = key in ("dimension", "rank"), key == "eigenvalues"
    numbers = value if several and isinstance(value, list) else [value]
    kind = int if whole else int | float
    if isinstance(value, list) != several or not all(
        isinstance(number, kind) and not isinstance(number, bool) for number in numbers
    ):
        wanted = "a list of numbers" if several else "a whole number" if whole else "a number"
        raise LandscapeError(f"function.{key} must be {wanted}, got {value!r}")
    if whole and not (isinstance(value, int) and 1 <= value <= 10_000):
        raise LandscapeError(f"function.{key} must be from 1 to 10000, got {value!r}")


def _custom(*, source: str, dimension: int = 2, trust: bool) -> Function:
    own = load_source(source, key="function.source", trust=trust)
    if not callable(own):
        raise LandscapeError(f"function.source={source} must name a function of a tensor, got {own!r}")
    box = (CUSTOM_BOX,) * dimension
    return differentiated(pointwise(own), box, (1.0,) * dimension, CUSTOM_LR, formula=source)


def starts(function: Function, start: Any, seed: int, name: str) -> tuple[Tensor, tuple[int, int] | None]:
    """Return where descents start, (n, d), and the numbers (ny, nx) of rows and columns of a grid of them.

    Args:
        function: on which.
        start: None: the function's own; a point; a list of points; ``random:n`` in its box; ``grid:n``, n a
            side of it.
        seed: of the random ones.
        name: of the function, for messages.

    Raises:
        LandscapeError: none of these, or no point of the function's space.
    """
    found: Tensor
    shape = None
    if isinstance(start, str):
        found, shape = _many(function, start, seed)
    else:
        given = list(function.start) if start is None else start
        try:
            found = torch.atleast_2d(torch.tensor(given, dtype=torch.float64))
        except (TypeError, ValueError, RuntimeError) as error:
            raise LandscapeError(f"start must be numbers, got {start!r}") from error
    if found.ndim != 2 or found.shape[-1] != function.dimension or not found.isfinite().all():
        raise LandscapeError(
            f"start must be points of {function.dimension} finite coordinates, got {start!r};"
            " or say start=random:10"
        )
    checked(f"function {name}", function.value, found[0])
    return found, shape


def _many(function: Function, word: str, seed: int) -> tuple[Tensor, tuple[int, int] | None]:
    kind, _, number = word.partition(":")
    if kind not in ("random", "grid") or not number.isdecimal() or not 1 <= int(number) <= 1_000_000:
        raise LandscapeError(
            "start must be a point such as [1,1.5], several such as [[1,1],[0,2]], random:n or grid:n, got"
            f" {word!r}"
        )
    low, high = torch.tensor(function.box, dtype=torch.float64).unbind(-1)
    if kind == "random":
        random = torch.Generator().manual_seed(seed)
        uniform = torch.rand(int(number), function.dimension, generator=random, dtype=torch.float64)
        return low + (high - low) * uniform, None
    if function.dimension != 2 or not 2 <= int(number) <= 1000:
        raise LandscapeError(
            f"start=grid:n is for functions of two coordinates and n from 2 to 1000, got {word!r} for"
            f" {function.dimension}"
        )
    n = int(number)
    x, y = (torch.linspace(float(low[i]), float(high[i]), n, dtype=torch.float64) for i in (0, 1))
    down, right = torch.meshgrid(y, x, indexing="ij")
    return torch.stack([right.reshape(-1), down.reshape(-1)], dim=-1), (n, n)
