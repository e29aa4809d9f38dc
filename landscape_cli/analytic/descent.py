"""Descents: every optimizer from every start, all starts at once."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.rules import begun
from landscape_cli.store.descent import OptimizerPath

MOST_KEPT = 4_000_000  # numbers of an optimizer's paths


def kept_steps(steps: int, starts: int, dimension: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Return the steps whose points are kept: all, or so many evenly spaced ones that they can be stored."""
    most = max(2, MOST_KEPT // (starts * dimension))
    every = max(1, -(-steps // (most - 1)))
    return np.unique(np.append(np.arange(0, steps + 1, every), steps))


def descend(
    function: Function,
    start: Tensor,
    name: str,
    options: Mapping[str, Any],
    steps: int,
    seed: int,
    told: Callable[[int], object] = lambda steps: None,
) -> OptimizerPath:
    """Return the paths of an optimizer.

    Args:
        function: in float64.
        start: (n, d), float64, on the device that works.
        name: one of `RULES`.
        options: of the optimizer, its step size ``lr`` among them.
        steps: how many.
        seed: of what is drawn at random; each optimizer draws the same for the same seed.
        told: is called with a number of steps that were done.
    """
    step = begun(function, start, name, options, seed)
    kept = kept_steps(steps, *start.shape)
    points, loss, slope = [], [], []
    now = start
    wanted = set(kept.tolist())
    for number in range(steps + 1):
        if number:
            now = step()
            told(1)
        if number in wanted:
            points.append(now.clone())
            loss.append(function.value(now))
            slope.append(torch.linalg.vector_norm(function.gradient(now), dim=-1))
    where = torch.stack(points, dim=1)
    heights, lengths = torch.stack(loss, dim=1), torch.stack(slope, dim=1)
    left = ~(where.isfinite().all(-1) & heights.isfinite() & lengths.isfinite())
    left = left.cummax(dim=1).values
    where[left], heights[left], lengths[left] = torch.nan, torch.inf, torch.inf
    return OptimizerPath(
        kept.astype(np.float64), where.cpu().numpy(), heights.cpu().numpy(), lengths.cpu().numpy()
    )
