"""Where a descent ends, with the loss on its way: what `descend` tells, without keeping its path."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.rules import begun
from landscape_cli.arrays import Array


@dataclass(frozen=True)
class Arrival:
    """The end of descents from n starts.

    Attributes:
        points: (n, d).
        steps: (k,), after how many steps the loss is told: 0 first, the last last.
        loss: (n, k).
    """

    points: Tensor
    steps: Array
    loss: Array


def arrive(
    function: Function,
    start: Tensor,
    name: str,
    options: Mapping[str, Any],
    steps: int,
    seed: int = 0,
    looks: int = 50,
) -> Arrival:
    """Return where an optimizer gets to.

    Args:
        function: in float64.
        start: (n, d), float64.
        name: one of `RULES`.
        options: of the optimizer, its step size ``lr`` among them.
        steps: how many.
        seed: of what is drawn at random.
        looks: how often at most the loss is computed, evenly spaced.
    """
    step = begun(function, start, name, options, seed)
    told = np.unique(np.linspace(0, steps, looks).round())
    wanted = set(told.tolist())
    now, loss = start, [function.value(start)]
    for number in range(1, steps + 1):
        now = step()
        if number in wanted:
            loss.append(function.value(now))
    return Arrival(now.clone(), told, torch.stack(loss, dim=1).numpy())
