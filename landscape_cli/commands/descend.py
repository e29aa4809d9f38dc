"""`landscape descend`: optimizers on a function that can be drawn."""

import dataclasses
from pathlib import Path

import numpy as np
import torch

from landscape_cli import device as devices
from landscape_cli.analytic import catalogue
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.recorded import recorded
from landscape_cli.analytic.stationary import classify
from landscape_cli.schemas.descent import DescendConfig
from landscape_cli.store.descent import Descent

FLAT = 1e-3  # length of a gradient below which the table of ends takes it for zero
SHOWN = 4  # coordinates of an end in that table


def run(config: DescendConfig) -> Path:
    """Put the descents into `config.out` and print where they ended; return the file."""
    function = catalogue.build(config.function, config.trust)
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
        kinds = classify(function, ends[there], gradient=FLAT).names
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        counts |= {"left for infinity": int((~there).sum())} if not there.all() else {}
        if len(ends) == 1:
            place = ", ".join(f"{each:.4g}" for each in ends[0, :SHOWN].tolist())
            where = f"at ({place}{', …' if ends.shape[1] > SHOWN else ''}), {next(iter(counts))}"
        else:
            where = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        value = f"{'' if len(ends) == 1 else 'median '}{np.median(path.loss[:, -1]):.6g}"
        print(f"{name:<{width}}  {value} after {path.steps[-1]:.0f} steps, {where}")
