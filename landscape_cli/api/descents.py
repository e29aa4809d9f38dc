"""Optimizers on a function of your own, from Python."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli import device as devices
from landscape_cli.analytic import catalogue
from landscape_cli.analytic.function import Box, Function, differentiated, pointwise
from landscape_cli.analytic.options import DEFAULTS, Options
from landscape_cli.analytic.recorded import recorded
from landscape_cli.api.computed import GIVEN, plain
from landscape_cli.api.options import with_options
from landscape_cli.errors import LandscapeError
from landscape_cli.store.descent import Descent

AROUND = 1.0  # how far the picture of a function of one's own reaches beyond the starts, in their extent
LR = 1e-2


@with_options(Options, "steps", "lr", *DEFAULTS)
def descend(
    function: str | dict[str, Any] | Callable[[Tensor], Tensor],
    start: Any = None,
    *,
    out: str | Path,
    optimizer: str | Sequence[str] = "gd",
    box: Sequence[tuple[float, float]] | None = None,
    seed: int = 0,
    device: str | torch.device = "auto",
    **options: Any,
) -> Descent:
    """Let optimizers descend on a function, from one start or many at once, in float64.

    The same call again finds the file; `plot` draws it.

    Args:
        function: a function of a float64 tensor of shape (d,) that returns a number as torch can
            differentiate it; or the name of one that `landscape list functions` shows, or a dictionary with
            its ``name`` and options, such as ``{"name": "ravine", "condition": 30}``.
        start: a point (d,), or several (n, d); of a named function also None (its own), ``"random:100"``
            in its box, and ``"grid:50"``, so many a side.
        out: the HDF5 file.
        optimizer: one or several of ``gd``, ``heavy_ball``, ``nesterov``, ``adagrad``, ``rmsprop``, ``adam``,
            ``newton``, ``damped_newton``, ``sam``, ``noisy_gd``, ``annealed_gd``, ``perturbed_gd``, ``sgd``.
        box: first and last coordinate of the picture along each axis; None: what lies around the starts.
        seed: of what is drawn at random.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: an unknown name, an option out of range, a function that torch cannot differentiate,
            or a file of other descents.
    """
    names = [optimizer] if isinstance(optimizer, str) else list(optimizer)
    how = Options(optimizers=names, **plain(options))
    grid = None
    if callable(function):
        points = _points(start)
        built = _own(function, points, None if box is None else _checked(box, points.shape[1]))
        at, grid = catalogue.starts(built, points.tolist(), seed, "function")
        told: dict[str, Any] = {"name": getattr(function, "__name__", "function"), "source": GIVEN}
    else:
        told = {"name": function} if isinstance(function, str) else dict(function)
        built = catalogue.build(told)
        at, grid = catalogue.starts(built, plain({"start": start})["start"], seed, str(told["name"]))
    config = {**dataclasses.asdict(how), "function": told, "start": GIVEN, "seed": seed}
    x = y = None
    if box is not None:
        limits = _checked(box, built.dimension)
        config["box"] = [list(side) for side in limits]
        x, y = ([*side, 201] for side in limits) if built.dimension == 2 else (None, None)
    there = at.to(devices.resolve(str(device)))
    return recorded(Path(out), built, there, how, seed=seed, config=config, grid=grid, x=x, y=y)


def _points(start: Any) -> Tensor:
    """Return the starts on a function of the caller's, (n, d)."""
    try:
        points: Tensor = torch.atleast_2d(torch.as_tensor(np.array(start, dtype=np.float64)))
    except (TypeError, ValueError):
        points = torch.empty(0, 0)
    if points.ndim != 2 or not points.numel() or not points.isfinite().all():
        raise LandscapeError(
            f"start must be a point (d,) or points (n, d), finite, for a function of your own, got {start!r}"
        )
    return points


def _checked(box: Sequence[tuple[float, float]], dimension: int) -> Box:
    """Return the box that a caller gave."""
    try:
        sides = tuple((float(low), float(high)) for low, high in box)
    except (TypeError, ValueError):
        sides = ()
    if len(sides) != dimension or not all(-math.inf < low < high < math.inf for low, high in sides):
        raise LandscapeError(
            f"box must have {dimension} pairs, the first and the last number of each coordinate, got {box!r}"
        )
    return sides


def _own(function: Callable[[Tensor], Tensor], points: Tensor, box: Box | None) -> Function:
    """Return a caller's function, with a box around the starts unless it is given."""
    low, high = points.min(0).values, points.max(0).values
    reach = AROUND * (high - low).clamp_min(1.0)
    limits = box or tuple(zip((low - reach).tolist(), (high + reach).tolist(), strict=True))
    name = getattr(function, "__name__", "")
    return differentiated(pointwise(function), limits, tuple(points[0].tolist()), LR, formula=name)
