"""`landscape trajectory`: a run's path through weight space, on the plane that it lies in best."""

import dataclasses
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import Tensor

from landscape_cli import checkpoint
from landscape_cli import device as devices
from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import classifier
from landscape_cli.runs import Run, open_run
from landscape_cli.schemas.evaluation import TrajectoryConfig
from landscape_cli.solutions import Solution, load_dataset
from landscape_cli.store.trajectory import FEWEST, RECORDED
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import known_solutions
from landscape_cli.surfaces.path_field import PathField
from landscape_cli.surfaces.trajectory import around, trajectory
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.selection import selected
from landscape_cli.workers import processes


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
    rows = {epoch: trained.row(epoch) for epoch in epochs}

    def weights(number: int) -> Mapping[str, Tensor]:
        return dict(checkpoint.load(trained.checkpoint_path(epochs[number]))["model"])

    plane, path = trajectory(
        weights,
        params_of(model),
        selected(model, config.params),
        epochs,
        {name: _recorded([rows[epoch][name] for epoch in epochs]) for name in RECORDED},
        ignore=config.ignore,
        seed=config.seed,
    )
    options = config.part(Options)
    origin, start = known_solutions(
        [last, first],
        [(0.0, 0.0), (float(path.x[0]), float(path.y[0]))],
        dataset,
        config.splits,
        options,
    )
    start = replace(start, not_compared=f"{path.distance[0]:.4g} away from the plane")
    axes = zip((config.x, config.y), around(path), strict=True)
    x, y = (grid(*given) if given else automatic for given, automatic in axes)
    problem = classifier(model, dataset, trained.config["loss"], config.splits)
    header = Header(
        dataclasses.asdict(config),
        trained.config,
        [origin, start],
        [solution.identity for solution in others],
        path.datasets(),
    )
    field = PathField(problem, plane, x, y, options, path, weights)
    return compute(group, Path(config.out or ""), field, header)


def _recorded(values: list[float]) -> Array | None:
    """Return what training recorded; None where that is nothing, as of accuracies in a regression."""
    return None if np.isnan(values).all() else np.array(values)


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
