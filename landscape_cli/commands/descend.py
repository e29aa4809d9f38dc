"""`landscape descend`: optimizers on a function that can be drawn."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from landscape_cli import device as devices
from landscape_cli import provenance
from landscape_cli.analytic import catalogue
from landscape_cli.analytic.descent import Path as OptimizerPath
from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.picture import over_plane
from landscape_cli.analytic.stationary import classify
from landscape_cli.config import first_difference
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.progress import bar, note
from landscape_cli.schemas.descent import DescendConfig
from landscape_cli.store.descent import Descent, read_descent, write_descent


def run(config: DescendConfig) -> Path:
    """Write the descents into `config.out` and print where they ended; return the file."""
    out, asked = Path(config.out or ""), dataclasses.asdict(config)
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    function = catalogue.build(config.function, config.trust)
    device = devices.resolve(config.device)
    start, shape = catalogue.starts(function, config.start, config.seed, config.function["name"])
    with only_writer(out):
        if out.exists():
            found = read_descent(out)
            difference = first_difference(found.config, asked)
            if difference is not None:
                raise LandscapeError(f"{out} holds other descents ({difference}); choose another out=")
            note(f"{out} is there already")
        else:
            _write(out, config, asked, function, start.to(device), shape)
            found = read_descent(out)
    _report(found, function)
    return out


def _write(
    out: Path,
    config: DescendConfig,
    asked: dict[str, Any],
    function: Function,
    start: torch.Tensor,
    shape: tuple[int, int] | None,
) -> None:
    paths: dict[str, OptimizerPath] = {}
    low, high = function.box[0]
    with bar(config.steps * len(config.optimizers), "descending", "steps") as progress:
        for name in config.optimizers:
            options = config.of(name, function.lr, high - low)
            paths[name] = descend(function, start, name, options, config.steps, config.seed, progress.update)
    points = np.concatenate([path.points.reshape(-1, function.dimension) for path in paths.values()])
    write_descent(
        out,
        paths=paths,
        plane=over_plane(function, points, config.x, config.y) if function.dimension == 2 else None,
        minima=np.reshape(function.minima, (-1, function.dimension)),
        config=asked,
        attributes={
            "command": provenance.command(),
            "provenance": json.dumps(provenance.record(start.device, "")),
            "formula": function.formula,
            "lowest": json.dumps(function.lowest),
            "grid": json.dumps(shape),
        },
    )


def _report(found: Descent, function: Function) -> None:
    """Print, for each optimizer, how low its paths end and what is there."""
    width = max(map(len, found.paths))
    for name, path in found.paths.items():
        ends = torch.from_numpy(path.points[:, -1])
        there = ends.isfinite().all(-1)
        kinds = classify(function, ends[there], gradient=1e-3, curvature=1e-6).names
        counts = {kind: kinds.count(kind) for kind in dict.fromkeys(kinds)}
        counts |= {"left for infinity": int((~there).sum())} if not there.all() else {}
        if len(ends) == 1:
            place = ", ".join(f"{each:.4g}" for each in ends[0, :4].tolist())
            where = f"at ({place}{', …' if ends.shape[1] > 4 else ''}), {next(iter(counts))}"
        else:
            where = ", ".join(f"{count:,} {kind}" for kind, count in counts.items())
        print(f"{name:<{width}}  {np.median(path.loss[:, -1]):.6g} after {path.steps[-1]:.0f} steps, {where}")
