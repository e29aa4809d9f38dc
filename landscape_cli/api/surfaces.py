"""Surfaces of your own model, from Python: with the engine, the files and the pictures of the command line.

    from landscape_cli import plot, surface

    plane = surface(model, nn.CrossEntropyLoss(reduction="none"), (images, labels), out="plane.h5")
    plot(plane)

Your module is left as it was. Files resume: the same call goes on where it stopped, and returns what the file
holds where there is nothing left to do.
"""

import dataclasses
from pathlib import Path
from typing import Any

import torch
from torch import nn

from landscape_cli.api.computed import GIVEN, NOT_COMPARED, Grid, computed, plain
from landscape_cli.api.options import with_options
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.user_loss import Loss
from landscape_cli.evaluation.user_model import check_model, identity_of, problem_of
from landscape_cli.store import Surface
from landscape_cli.surfaces.grid import as_grid, grid
from landscape_cli.surfaces.known_solutions import KnownSolution
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights import directions
from landscape_cli.weights.selection import selected

EXACTLY = ("samples", "anchors", "tolerance", "precision", "batch_size", "params", "seed")


@with_options(Options, *EXACTLY)
def surface(
    model: nn.Module,
    loss: Loss,
    train: Any,
    test: Any = None,
    *,
    out: str | Path,
    x: Grid = (-1, 1, 51),
    y: Grid | None = (-1, 1, 51),
    norm: str = "filter",
    ignore: str = "biasbn",
    direction_seed: int = 0,
    device: str | torch.device = "auto",
    **options: Any,
) -> Surface:
    """Evaluate the loss on a plane through the model's weights along two random directions.

    Frozen parameters move like the others. The result holds ``x``, ``y`` and ``values``: arrays [y, x] by
    name, ``"train/loss"`` and, where targets are class numbers, ``"train/accuracy"``; ``"test/…"`` likewise.

    Args:
        model: any module; evaluated in evaluation mode, without gradients, in a private copy.
        loss: ``loss(outputs, targets)``; returns losses whose mean over the split is taken, one a sample or
            one a token; or ``(losses, weights)``, whose mean is sum w l / sum w: a token of padding has
            weight 0. Or one number, the mean over a batch, of which the split's mean is made by the number of
            samples; then, and where the samples of a batch act on one another, the value depends on
            `batch_size`. `nn.CrossEntropyLoss` and `nn.NLLLoss` weigh classes and leave out ``ignore_index``
            over the whole split, as their ``reduction="mean"`` would. For classifiers also
            ``"cross_entropy"``, or ``"mse"``, ``"l1"``, ``"huber"``, ``"hinge"`` or ``"squared_hinge"``, sums
            over the classes. It may differentiate, as may the model: a physics-informed network's.
        train: the training split: (inputs, targets), or a DataLoader or other iterable of batches. Inputs are
            a tensor, or tensors by name (keyword arguments of the model) or position. A batch that is a
            mapping as a whole, as of a language model, gives the model what its ``forward`` names, and the
            loss all of it as targets. It is read once and kept on the device; augmentation is drawn once.
        test: likewise, or None.
        out: the HDF5 file; begun by another model, another loss, other data or options it is
            refused.
        x: first coordinate, last, and number of points; or ``"-1:1:51"``.
        y: likewise; None for a line.
        norm: of the directions: ``filter``, ``layer`` or ``none``.
        ignore: ``biasbn``: parameters with one dimension do not move; or ``none``.
        direction_seed: of the directions.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: an option is out of range, the loss is random, or the file is of another surface.
    """
    how = {"norm": norm, "ignore": ignore, "seed": direction_seed}
    asked = {
        **{"run": GIVEN, "epoch": GIVEN},
        **{"direction": plain({"name": "random", **how}), **plain({"x": x, "y": y})},
    }
    asked["x"], asked["y"] = as_grid("x", asked["x"]), None if y is None else as_grid("y", asked["y"])
    exactly = Options(**plain(options))
    problem = problem_of(model, loss, train, test, str(device))
    params = {name: model.get_parameter(name).detach() for name in selected(model, exactly.params)}
    axes = {
        axis: directions.random(params, norm=norm, ignore=ignore, seed=direction_seed, axis=axis)
        for axis in ("x" if y is None else "xy")
    }
    here = KnownSolution("model", 0.0, 0.0, identity_of(problem, [model]), not_compared=NOT_COMPARED)
    up = None if y is None else grid(*asked["y"])
    field = LossField(problem, axes, grid(*asked["x"]), up, exactly)
    return computed(Path(out), field, problem, {**dataclasses.asdict(exactly), **asked}, [here])


def line(model: nn.Module, loss: Loss, train: Any, test: Any = None, **options: Any) -> Surface:
    """Evaluate the loss along one random direction; the arguments are those of `surface` but ``y``."""
    return surface(model, loss, train, test, y=None, **options)


@with_options(Options, *EXACTLY, "batchnorm")
def interpolate(
    start: nn.Module,
    end: nn.Module,
    loss: Loss,
    train: Any,
    test: Any = None,
    *,
    out: str | Path,
    alpha: Grid = (-0.5, 1.5, 41),
    labels: tuple[str, str] = ("start", "end"),
    device: str | torch.device = "auto",
    **options: Any,
) -> Surface:
    """Evaluate (1 - alpha) start + alpha end, two modules of one architecture.

    Args:
        start: at alpha 0.
        end: at alpha 1.
        loss: as for `surface`.
        train: as for `surface`.
        test: as for `surface`.
        out: the HDF5 file, as for `surface`.
        alpha: first, last, and number of points, or ``"-0.5:1.5:41"``; the result's ``x``.
        labels: what pictures call the two.
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the two are of different architectures.
    """
    ends = dict.fromkeys(("from_run", "to_run"), GIVEN) | dict.fromkeys(("from_epoch", "to_epoch"), "last")
    asked = {**ends, **plain({"alpha": alpha})}
    asked["alpha"] = as_grid("alpha", asked["alpha"])
    exactly = Options(**plain(options))
    problem = problem_of(start, loss, train, test, str(device))
    check_model(end)
    direction = directions.between(start, end, exactly.params, exactly.batchnorm)
    identity = identity_of(problem, [start, end])
    known = [
        KnownSolution(label, place, 0.0, identity, not_compared=NOT_COMPARED)
        for label, place in zip(labels, (0.0, 1.0), strict=True)
    ]
    field = LossField(problem, {"x": direction}, grid(*asked["alpha"]), None, exactly)
    return computed(Path(out), field, problem, {**dataclasses.asdict(exactly), **asked}, known)
