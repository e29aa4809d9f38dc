"""The Hessian of your own model's loss, its ends and its whole spectrum, from Python."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from landscape_cli.api.computed import GIVEN, NOT_COMPARED, Grid, computed, plain
from landscape_cli.api.options import with_options
from landscape_cli.curvature.hessian_field import HessianField
from landscape_cli.curvature.layer_field import LayerField
from landscape_cli.curvature.options import Options, SpectrumOptions
from landscape_cli.curvature.spectrum_field import SpectrumField
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.user_loss import Loss
from landscape_cli.evaluation.user_model import identity_of, problem_of
from landscape_cli.store import Surface
from landscape_cli.surfaces.grid import as_grid, grid
from landscape_cli.surfaces.known_solutions import KnownSolution
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import params_of


@with_options(Options)
def hessian(
    model: nn.Module,
    loss: Loss,
    train: Any,
    *,
    out: str | Path,
    x: Grid | None = None,
    y: Grid | None = None,
    norm: str = "filter",
    ignore: str = "biasbn",
    direction_seed: int = 0,
    by: str | None = None,
    device: str | torch.device = "auto",
    **options: Any,
) -> Surface:
    """Find the largest and the smallest eigenvalue of the Hessian of the mean loss, matrix-free.

    At the model's weights alone, or on a line or a plane around them. The result's ``values`` are
    ``"train/largest_eigenvalue"``, ``"…smallest_eigenvalue"``, ``"…eigenvalue_ratio"``, ``"…residual"`` (of
    the eigenpairs, relative), ``"…products"`` (with the Hessian, that it took) and ``"…loss"``: of one entry
    for the weights alone.

    Args:
        model: any module, twice differentiable; evaluated in evaluation mode, in a private copy.
        loss: as for `surface`.
        train: the samples of which the loss is the mean, as for `surface`.
        out: the HDF5 file, as for `surface`.
        x: first coordinate, last, and number of points along a random direction; None: the weights alone.
        y: likewise, along a second one; None for a line.
        norm: of the directions: ``filter``, ``layer`` or ``none``.
        ignore: ``biasbn``: parameters with one dimension do not move; or ``none``.
        direction_seed: of the directions.
        by: ``"layer"``: of each layer's own block, at the model's weights; ``layers`` of the result has their
            names.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the loss cannot be differentiated twice.
    """
    if by not in (None, "layer"):
        raise unknown("by", by, ["layer"])
    if by is not None and x is not None:
        raise LandscapeError("by='layer' is at the model's weights; leave out x and y")
    if x is None and y is not None:
        raise LandscapeError("a line is along x: say x=(first, last, count) too, or leave out y")
    how: dict[str, Any] = {"norm": norm, "ignore": ignore, "seed": direction_seed}
    given = plain({"x": x, "y": y})
    asked = {axis: None if one is None else as_grid(axis, one) for axis, one in given.items()}
    exactly = Options(**plain(options))
    problem = problem_of(model, loss, train, None, str(device))
    grids = {axis: grid(*one) for axis, one in asked.items() if one is not None}
    along = {axis: directions.random(params_of(model), axis=axis, **how) for axis in grids}
    if by is None:
        field = HessianField(problem, along, grids.get("x", np.zeros(1)), grids.get("y"), exactly)
    else:
        field = LayerField(problem, exactly)
    config = {
        "run": GIVEN,
        "epoch": GIVEN,
        "direction": {"name": "random", **how},
        "split": "train",
        "by": by,
        **asked,
    }
    here = KnownSolution("model", 0.0, 0.0, identity_of(problem, [model]), not_compared=NOT_COMPARED)
    return computed(Path(out), field, problem, {**dataclasses.asdict(exactly), **config}, [here])


@with_options(SpectrumOptions)
def spectrum(
    model: nn.Module,
    loss: Loss,
    train: Any,
    *,
    out: str | Path,
    by: str | None = None,
    device: str | torch.device = "auto",
    **options: Any,
) -> Surface:
    """Find eigenvalues of the Hessian of the mean loss, their density, trace and Frobenius norm.

    The result's ``spectrum`` has ``eigenvalues``, their ``residuals``, and the density:
    ``spectrum.quadrature(0).smooth(places, width)`` is it with its standard error. The ``values`` are
    ``"train/largest_eigenvalue"``, ``"…smallest_eigenvalue"``, ``"…trace"``, ``"…trace_error"``,
    ``"…frobenius_norm"``, ``"…frobenius_norm_error"``, ``"…products"`` and ``"…loss"``: of one entry, or
    one a layer.

    Args:
        model: any module, twice differentiable; evaluated in evaluation mode, in a private copy.
        loss: as for `surface`.
        train: the samples of which the loss is the mean, as for `surface`.
        out: the HDF5 file, as for `surface`.
        by: ``"layer"``: of each layer's own block; ``spectrum.layers`` of the result has their names.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the loss cannot be differentiated twice.
    """
    if by not in (None, "layer"):
        raise unknown("by", by, ["layer"])
    exactly = SpectrumOptions(**plain(options))
    problem = problem_of(model, loss, train, None, str(device))
    field = SpectrumField(problem, exactly, np.zeros(1), lambda _: params_of(problem.model), by)
    config = {"run": GIVEN, "epoch": GIVEN, "split": "train", "by": by}
    here = KnownSolution("model", 0.0, 0.0, identity_of(problem, [model]), not_compared=NOT_COMPARED)
    return computed(Path(out), field, problem, {**dataclasses.asdict(exactly), **config}, [here])
