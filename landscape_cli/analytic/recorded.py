"""Descents into a file: computed once, and found again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from landscape_cli import provenance
from landscape_cli.analytic import descent
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.options import DEFAULTS, Options
from landscape_cli.analytic.picture import over_plane
from landscape_cli.config import first_difference
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.progress import bar, note
from landscape_cli.store.descent import Descent, read_descent, write_descent


def recorded(
    out: Path,
    function: Function,
    start: Tensor,
    options: Options,
    *,
    seed: int,
    config: dict[str, Any],
    grid: tuple[int, int] | None = None,
    x: list[float] | None = None,
    y: list[float] | None = None,
) -> Descent:
    """Let the optimizers descend and keep their paths in `out`, or find them there.

    Args:
        out: the HDF5 file.
        function: on which.
        start: (n, d), float64, on the device that works.
        options: the optimizers, and how they go.
        seed: of what they draw at random.
        config: what the file is known by: another one under the same name is refused.
        grid: (ny, nx) of starts on a grid, row by row.
        x: first, last and count along x of the function's picture; None: its box, or what holds the paths.
        y: likewise.

    Raises:
        LandscapeError: `out` is a folder, holds other descents, or is being written.
    """
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    with only_writer(out):
        if out.exists():
            found = read_descent(out)
            # of optimizers that came after the file was made nothing had been said
            difference = first_difference({**DEFAULTS, **found.config}, config)
            if difference is not None:
                raise LandscapeError(f"{out} holds other descents ({difference}); choose another out=")
            _check_same(found, function, start)
            note(f"{out} is there already")
            return found
        low, high = function.box[0]
        paths = {}
        with bar(options.steps * len(options.optimizers), "descending", "steps") as progress:
            for name in options.optimizers:
                how = options.of(name, function.lr, high - low)
                paths[name] = descent.descend(
                    function, start, name, how, options.steps, seed, progress.update
                )
        points = np.concatenate([path.points.reshape(-1, function.dimension) for path in paths.values()])
        write_descent(
            out,
            paths=paths,
            plane=over_plane(function, points, x, y) if function.dimension == 2 else None,
            minima=np.reshape(function.minima, (-1, function.dimension)),
            config=config,
            attributes={
                "command": provenance.command(),
                "provenance": json.dumps(provenance.record(start.device, "")),
                "formula": function.formula,
                "lowest": json.dumps(function.lowest),
                "grid": json.dumps(grid),
            },
        )
        return read_descent(out)


def _check_same(found: Descent, function: Function, start: Tensor) -> None:
    """Refuse a file of other starts, or of a function that has other values there.

    Raises:
        LandscapeError: saying which.
    """
    path = next(iter(found.paths.values()))
    if not np.array_equal(path.points[:, 0], start.cpu().numpy()):
        raise LandscapeError(f"{found.path} holds descents from other starts; choose another out=")
    if not np.allclose(path.loss[:, 0], function.value(start).cpu().numpy(), rtol=1e-9, atol=1e-12):
        raise LandscapeError(
            f"{found.path} holds descents on another function: its values at the starts differ; choose"
            " another out= or delete it"
        )
