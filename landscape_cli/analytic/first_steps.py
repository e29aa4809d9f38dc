"""After how many steps a descent first gets somewhere, for many starts at once."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.rules import begun
from landscape_cli.arrays import Array


def first_steps(
    function: Function,
    start: Tensor,
    name: str,
    options: Mapping[str, Any],
    there: Callable[[Tensor], Tensor],
    *,
    most: int,
    seed: int,
) -> Array:
    """Return after how many steps each descent was first there, (n,); inf where not within `most`.

    Nothing of a path is kept, so that there may be many coordinates.

    Args:
        function: in float64.
        start: (n, d), float64.
        name: of the optimizer, one of `RULES`.
        options: of it.
        there: points (n, d) -> whether each has got there, (n,).
        most: steps that are taken; fewer where all have got there.
        seed: of what the optimizer draws at random.
    """
    step = begun(function, start, name, options, seed)
    found = torch.where(there(start), 0.0, math.inf).double()
    for number in range(1, most + 1):
        if found.isfinite().all():
            break
        found = torch.where(there(step()) & found.isinf(), float(number), found)
    return found.cpu().numpy()
