"""`landscape descend`: optimizers on a function that can be drawn."""

import dataclasses
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from landscape_cli import device as devices
from landscape_cli.analytic import catalogue
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.recorded import recorded
from landscape_cli.analytic.stationary import classify
from landscape_cli.errors import LandscapeError
from landscape_cli.schemas.descent import DescendConfig
from landscape_cli.store.descent import Descent

FLAT = 1e-3  # length of a gradient below which the table of ends takes it for zero
SHOWN = 4  # coordinates of an end in that table
LARGEST = 100  # coordinates of functions whose ends are told apart: Hessians have their square
AT_ONCE = 1_000  # of these ends


def run(config: DescendConfig) -> Path:
    """Put the descents into `config.out` and print where they ended; return the file."""
    function = catalogue.build(config.function, config.trust)
    if function.dimension != 2 and config.x is not None:
        raise LandscapeError(
            f"x and y are of the picture of a function of two coordinates, and {config.function['name']} has"
            f" {function.dimension}; leave them out"
        )
    start, grid = catalogue.starts(function, config.start, config.seed, config.function["name"])
    found = recorded(
        Path(config.out or ""),
        function,
        start.to(devices.resolve(config.device)),
        config,
        seed=config.seed,
        config=dataclasses.asdict(config),
        grid=grid,
        x=config.x,
        y=config.y,
    )
    _report(found, function)
    return found.path


def _report(found: Descent, function: Function) -> None:
    """Print, for each optimizer, how low its paths end and what is there."""
    width = max(map(len, found.paths))
    for name, path in found.paths.items():
        ends = torch.from_numpy(path.points[:, -1])
        there = ends.isfinite().all(-1)
        kinds = [kind for part in ends[there].split(AT_ONCE) for kind in _kinds(function, part)]
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        counts |= {"left for infinity": int((~there).sum())} if not there.all() else {}
        if len(ends) == 1:
            place = ", ".join(f"{each:.4g}" for each in ends[0, :SHOWN].tolist())
            where = ", ".join([f"at ({place}{', …' if ends.shape[1] > SHOWN else ''})", *counts])
        else:
            where = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        value = f"{'' if len(ends) == 1 else 'median '}{np.median(path.loss[:, -1]):.6g}"
        print(f"{name:<{width}}  {value} after {path.steps[-1]:.0f} steps{where and f', {where}'}")


def _kinds(function: Function, ends: Tensor) -> list[str]:
    """Return what kind of point each end is; nothing where there are too many coordinates."""
    return classify(function, ends, gradient=FLAT).names if function.dimension <= LARGEST else []
