"""`landscape hessian`: the extreme eigenvalues of the loss's Hessian on a line or a plane."""

import dataclasses
from pathlib import Path

import numpy as np

from landscape_cli import device as devices
from landscape_cli import store
from landscape_cli.curvature.hessian_field import HessianField
from landscape_cli.curvature.layer_field import LayerField
from landscape_cli.curvature.options import Options
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.options import Options as EvaluationOptions
from landscape_cli.evaluation.problem import classifier
from landscape_cli.schemas.curvature import HessianConfig
from landscape_cli.solutions import load_dataset, locate
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import known_solutions
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.workers import processes


def run(config: HessianConfig) -> Path | None:
    """Put the eigenvalues into the file `config.out`, print those at the run's weights; return the file.

    A process that only helps another one returns None.
    """
    with processes.group(str(Path(config.out or "").absolute())) as group:
        out = _run(config, group)
    if out is not None:
        _report(store.read(out), config.split)
    return out


def _run(config: HessianConfig, group: processes.Group) -> Path | None:
    name, seed = config.direction["name"], config.direction.get("seed")
    if name != "random":
        raise unknown("direction", name, ("random",))
    if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
        raise LandscapeError(f"direction.seed must be a whole number of zero or more, got {seed!r}")
    solution = locate(config.run, config.epoch, key="run")
    device = devices.resolve(config.device)
    dataset = load_dataset(solution.run.config, device, trust=config.trust, location=config.dataset)
    model = solution.network(dataset, trust=config.trust)
    grids = {axis: grid(*given) for axis in ("x", "y") if (given := getattr(config, axis)) is not None}
    how = {key: config.direction[key] for key in ("norm", "ignore", "seed")}
    chosen = {axis: directions.random(params_of(model), axis=axis, **how) for axis in grids}
    problem = classifier(model, dataset, solution.run.config["loss"], [config.split])
    x, y, options = grids.get("x", np.zeros(1)), grids.get("y"), config.part(Options)
    field = (
        HessianField(problem, chosen, x, y, options) if config.by is None else LayerField(problem, options)
    )
    known = known_solutions(
        [solution], [(0.0, 0.0)], dataset, [config.split], EvaluationOptions(samples=config.samples)
    )
    header = Header(dataclasses.asdict(config), solution.run.config, known)
    return compute(group, Path(config.out or ""), field, header)


def _report(map_: store.Surface, split: str) -> None:
    """Print the values at the run's weights, where these are on the grid; of layers a table."""
    if map_.layers is not None:
        _tabulate(map_.layers, map_, split)
        return
    here = np.flatnonzero(map_.x == 0)
    there = np.zeros(1, int) if map_.y is None else np.flatnonzero(map_.y == 0)
    if len(here) and len(there):
        values = {
            name: float(np.atleast_2d(map_.values[f"{split}/{name}"])[there[0], here[0]])
            for name in ("largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio", "residual")
        }
        told = ", ".join(f"{name.replace('_', ' ')} {value:.6g}" for name, value in values.items())
        print(f"{split} loss at the run's weights: {told}")


def _tabulate(layers: list[str], table: store.Surface, split: str) -> None:
    columns = {
        name: [f"{value:.5g}" for value in table.values[f"{split}/{name}"]]
        for name in ("largest_eigenvalue", "smallest_eigenvalue", "residual")
    }
    width = max(map(len, layers), default=0)
    print(f"{'layer':<{width}}" + "".join(f"  {name.replace('_', ' '):>19}" for name in columns))
    for row, layer in enumerate(layers):
        print(f"{layer:<{width}}" + "".join(f"  {values[row]:>19}" for values in columns.values()))
