"""`landscape interpolate`: the loss on the straight line from one solution to another."""

import dataclasses
from pathlib import Path

import numpy as np

from landscape_cli import device as devices
from landscape_cli import store
from landscape_cli.config import in_common
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import classifier
from landscape_cli.measures import barrier
from landscape_cli.schemas.evaluation import InterpolateConfig
from landscape_cli.solutions import check_comparable, load_dataset, locate
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import known_solutions
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights.directions import between
from landscape_cli.workers import processes


def run(config: InterpolateConfig) -> Path | None:
    """Evaluate (1 - alpha) theta + alpha theta' into `config.out`, print the barrier; return the file.

    A process that only helps another one returns None.
    """
    with processes.group(str(Path(config.out or "").absolute())) as group:
        out = _run(config, group)
    if out is not None:
        _report(store.read(out))
    return out


def _run(config: InterpolateConfig, group: processes.Group) -> Path | None:
    start = locate(config.from_run, config.from_epoch, key="from_run")
    end = locate(config.to_run, config.to_epoch, key="to_run")
    check_comparable([start, end])
    device = devices.resolve(config.device)
    dataset = load_dataset(start.run.config, device, trust=config.trust, location=config.dataset)
    model, other = (solution.network(dataset, trust=config.trust) for solution in (start, end))
    direction = between(model, other, config.params, config.batchnorm)
    options, ends = config.part(Options), [(0.0, 0.0), (1.0, 0.0)]
    problem = classifier(model, dataset, start.run.config["loss"], config.splits)
    field = LossField(problem, {"x": direction}, grid(*config.alpha), None, options)
    known = known_solutions([start, end], ends, dataset, config.splits, options)
    shared = in_common([start.run.config, end.run.config])
    return compute(group, Path(config.out or ""), field, Header(dataclasses.asdict(config), shared, known))


def _report(line: store.Surface) -> None:
    """Print the barrier between the solutions, on each split."""
    for split in ("train", "test"):
        if f"{split}/loss" not in line.values:
            continue
        loss = line.values[f"{split}/loss"]
        try:
            height, alpha = barrier(line.x, loss)
        except ValueError as error:
            print(f"{split}: no barrier: {error}")
            continue
        top = f"at alpha {alpha:.3g}, where the loss is {loss[np.flatnonzero(line.x == alpha)[0]]:.6g}"
        print(f"{split}: barrier {height:.6g} {top}")
