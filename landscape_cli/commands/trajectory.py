"""`landscape trajectory`: a run's path through weight space, on the plane that it lies in best."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from landscape_cli import checkpoint
from landscape_cli import device as devices
from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import classifier
from landscape_cli.progress import note
from landscape_cli.runs import Run, open_run
from landscape_cli.schemas import TrajectoryConfig
from landscape_cli.solutions import Solution, load_dataset
from landscape_cli.store import Trajectory
from landscape_cli.store.trajectory import RECORDED
from landscape_cli.surfaces.compute import compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import Mark, marks_of
from landscape_cli.weights import pca
from landscape_cli.weights.arithmetic import Vector, params_of
from landscape_cli.weights.directions import random
from landscape_cli.workers import processes

FEWEST = 3  # checkpoints that can span a plane
COUNT = 31  # points along an axis
MARGIN = 0.15  # of the path's larger extent, around it


def run(config: TrajectoryConfig) -> Path | None:
    """Evaluate the plane of the path into the file `config.out`, or go on with it; return the file.

    A process that only helps another one returns None.
    """
    with processes.group(str(Path(config.out or "").absolute())) as group:
        return _run(config, group)


def _run(config: TrajectoryConfig, group: processes.Group) -> Path | None:
    trained = open_run(config.run, key="run")
    epochs = _epochs(config, trained)
    device = devices.resolve(config.device)
    dataset = load_dataset(trained.config, device, trust=config.trust, location=config.dataset)
    last, first, *others = (Solution(trained, epoch) for epoch in (epochs[-1], *epochs[:-1]))
    model = last.network(dataset, trust=config.trust)
    directions, path = _path(config, trained, epochs, params_of(model))
    place = float(path.x[0]), float(path.y[0])
    origin, start = marks_of([last, first], [(0.0, 0.0), place], config, dataset)
    marks: list[Mark] = [origin, replace(start, not_compared=f"{path.distance[0]:.4g} away from the plane")]
    subject = classifier(model, dataset, trained.config["loss"], config.splits)
    margin = MARGIN * max(np.ptp(path.x), np.ptp(path.y))
    x = grid(*config.x) if config.x else _around(path.x, margin)
    y = grid(*config.y) if config.y else _around(path.y, margin)
    return compute(
        group,
        config,
        subject,
        directions,
        x,
        y,
        marks,
        trained.config,
        path.datasets(),
        [solution.identity for solution in others],
    )


def _epochs(config: TrajectoryConfig, trained: Run) -> list[int]:
    """Return the epochs of the path, increasing.

    Raises:
        LandscapeError: a checkpoint was not kept, or they are too few to span a plane.
    """
    if config.epochs is None:
        trained.epoch("last")  # refuses a training that has not come to its end
        epochs = trained.epochs()
    else:
        epochs = sorted({trained.epoch(which) for which in config.epochs})
    if len(epochs) < FEWEST:
        what = f"epochs={config.epochs} names" if config.epochs else f"run {trained.path} has kept"
        raise LandscapeError(
            f"{what} {len(epochs)} checkpoints and a plane needs at least {FEWEST};"
            " train with checkpoint_every=1, or another number of epochs"
        )
    return epochs


def _path(
    config: TrajectoryConfig, trained: Run, epochs: list[int], params: Vector
) -> tuple[dict[str, Vector], Trajectory]:
    """Return the directions of the plane, and where the checkpoints lie in it.

    Li et al.'s code takes all parameters unless told ``--ignore biasbn``; so does this.
    """

    moving = {name: w for name, w in params.items() if config.ignore == "none" or w.ndim > 1}

    def saved(number: int, names: Mapping[str, Tensor]) -> Tensor:
        return pca.flat(checkpoint.load(trained.checkpoint_path(epochs[number]))["model"], names)

    def load(number: int) -> Tensor:
        return saved(number, moving)

    n, origin = len(epochs) - 1, pca.flat(params, moving)
    products = pca.gram(load, n, origin)
    ratios, coefficients = pca.components(products)
    axes = pca.directions(load, coefficients, origin)
    plane = {axis: pca.unflat(row, params, moving) for axis, row in zip("xy", axes, strict=True)}
    places, distances = pca.project(
        lambda number: saved(number, params), n + 1, pca.flat(params, params), _stacked(plane, params)
    )
    gaussian = {
        axis: random(moving, norm="none", ignore="none", seed=config.seed, axis=axis) for axis in "xy"
    }
    _, off = pca.project(load, n, origin, _stacked(gaussian, moving))
    by_chance = float(1 - np.sum(off**2) / np.trace(products))
    note(
        f"{n + 1} checkpoints: of their squared distance to the last one"
        f" the plane holds {ratios[:2].sum():.2%}, that of two random directions {by_chance:.2%}"
    )
    rows = {int(row["epoch"]): row for row in trained.metrics()}
    recorded = {name: np.array([rows[epoch][name] for epoch in epochs]) for name in RECORDED}
    return plane, Trajectory(
        epoch=np.array(epochs),
        x=places[:, 0],
        y=places[:, 1],
        distance=distances,
        **recorded,
        random_plane_ratio=by_chance,
        explained_variance_ratio=ratios,
        centred_explained_variance_ratio=pca.centred_ratio(products),
    )


def _stacked(plane: Mapping[str, Vector], names: Mapping[str, Tensor]) -> Tensor:
    """Return both directions as rows, of shape (2, p)."""
    return torch.stack([pca.flat(plane[axis], names) for axis in "xy"])


def _around(values: Array, margin: float) -> Array:
    """Return coordinates, zero among them, that hold these values and zero, and a margin.

    Their step has two digits, so rounding on another machine gives the same ones.
    """
    low, high = min(values.min(), 0.0) - margin, max(values.max(), 0.0) + margin
    step = (high - low) / (COUNT - 2)  # one is left over for the shift that makes zero one of them
    digit = 10.0 ** (math.floor(math.log10(step)) - 1)
    step = math.ceil(step / digit - 1e-6) * digit
    below = math.ceil(-low / step)
    return grid(-below * step, (COUNT - 1 - below) * step, COUNT)
