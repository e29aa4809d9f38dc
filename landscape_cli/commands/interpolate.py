"""`landscape interpolate`: the loss on the straight line from one solution to another."""

from pathlib import Path

import numpy as np

from landscape_cli import device as devices
from landscape_cli.config import InterpolateConfig
from landscape_cli.evaluation import store
from landscape_cli.evaluation.barrier import barrier
from landscape_cli.evaluation.plane import Mark, compute
from landscape_cli.evaluation.sweep import grid
from landscape_cli.solutions import check_comparable, labels, load_dataset, locate
from landscape_cli.weights.arithmetic import params_of, point_of
from landscape_cli.weights.directions import toward


def run(config: InterpolateConfig) -> Path:
    """Evaluate (1 - alpha) theta + alpha theta' into `config.out`, print the barrier; return the file."""
    start = locate(config.from_run, config.from_epoch, key="from_run")
    end = locate(config.to_run, config.to_epoch, key="to_run")
    check_comparable([start, end])
    device = devices.resolve(config.device)
    dataset = load_dataset(start.run.config, device, trust=config.trust, location=config.dataset)
    model, other = (solution.network(dataset, trust=config.trust) for solution in (start, end))
    direction = toward(point_of(model), point_of(other))
    if config.batchnorm != "interpolate":
        direction = {name: direction[name] for name in params_of(model)}
    names = labels([start, end])
    marks = [Mark(names[0], start, 0.0, 0.0), Mark(names[1], end, 1.0, 0.0)]
    out = compute(config, model, dataset, {"x": direction}, grid(*config.alpha), None, marks)
    _report(store.read(out))
    return out


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
