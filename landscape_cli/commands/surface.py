"""`landscape surface`: the loss on a line or a plane through a run's weights."""

import dataclasses
from pathlib import Path

from landscape_cli import device as devices
from landscape_cli.config import in_common
from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import classifier
from landscape_cli.schemas.evaluation import SurfaceConfig
from landscape_cli.solutions import Solution, check_comparable, load_dataset, locate
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.grid import grid
from landscape_cli.surfaces.known_solutions import known_solutions
from landscape_cli.surfaces.loss_field import LossField
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import Vector, norm
from landscape_cli.weights.selection import selected
from landscape_cli.workers import processes

AXES = {1: "a line needs one run", 2: "a plane needs two runs"}


def run(config: SurfaceConfig) -> Path | None:
    """Evaluate the surface into the file `config.out`, or go on with it; return the file.

    A process that only helps another one returns None.
    """
    with processes.group(str(Path(config.out or "").absolute())) as group:
        return _run(config, group)


def _run(config: SurfaceConfig, group: processes.Group) -> Path | None:
    centre = locate(config.run, config.epoch, key="run")
    targets = _targets(config)
    if not targets and config.batchnorm == "recompute":
        raise LandscapeError(
            "batchnorm=recompute is for direction=runs;"
            " along random directions the statistics stay those of the checkpoint"
        )
    check_comparable([centre, *targets])
    device = devices.resolve(config.device)
    dataset = load_dataset(centre.run.config, device, trust=config.trust, location=config.dataset)
    model = centre.network(dataset, trust=config.trust)
    if targets:
        chosen, places = _toward(config, centre, targets, dataset)
    else:
        how = {key: config.direction[key] for key in ("norm", "ignore", "seed")}
        seed = how["seed"]
        if not isinstance(seed, int) or isinstance(seed, bool) or seed < 0:
            raise LandscapeError(f"direction.seed must be a whole number of zero or more, got {seed!r}")
        axes = ["x"] if config.y is None else ["x", "y"]
        params = {name: model.get_parameter(name).detach() for name in selected(model, config.params)}
        chosen = {axis: directions.random(params, axis=axis, **how) for axis in axes}
        places = [(0.0, 0.0)]
    solutions = [centre, *targets]
    options = config.part(Options)
    problem = classifier(model, dataset, centre.run.config["loss"], config.splits)
    y = None if config.y is None else grid(*config.y)
    field = LossField(problem, chosen, grid(*config.x), y, options)
    known = known_solutions(solutions, places, dataset, config.splits, options)
    shared = in_common([solution.run.config for solution in solutions])
    return compute(group, Path(config.out or ""), field, Header(dataclasses.asdict(config), shared, known))


def _targets(config: SurfaceConfig) -> list[Solution]:
    """Return the solutions that the directions lead to: none for random ones.

    Raises:
        LandscapeError: there are not as many as axes.
    """
    name = config.direction["name"]
    if name not in ("random", "runs"):
        raise unknown("direction", name, ("random", "runs"))
    if name == "random":
        return []
    to, orthogonalize = config.direction["to"], config.direction["orthogonalize"]
    if not isinstance(orthogonalize, bool):
        raise LandscapeError(f"direction.orthogonalize must be true or false, got {orthogonalize!r}")
    paths = to if isinstance(to, list) else [to]
    if not all(isinstance(path, str) for path in paths):
        raise LandscapeError(f"direction.to must be a run folder or a list of two, got {to!r}")
    axes = 1 if config.y is None else 2
    if len(paths) != axes:
        hint = "say y=null" if axes == 2 else "say y=first:last:count"
        raise LandscapeError(f"{AXES[axes]} in direction.to, got {len(paths)}; or {hint}")
    return [locate(path, config.direction["epoch"], key="direction.to") for path in paths]


def _toward(
    config: SurfaceConfig, centre: Solution, targets: list[Solution], dataset: Dataset
) -> tuple[dict[str, Vector], list[tuple[float, float]]]:
    """Return the directions toward the targets, and where in the plane the solutions lie."""
    model, *others = (solution.network(dataset, trust=config.trust) for solution in (centre, *targets))
    params = set(selected(model, config.params))
    vectors = [directions.between(model, other, config.params, config.batchnorm) for other in others]
    places = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0)]
    if norm({name: vectors[0][name] for name in params}) == 0:
        raise LandscapeError(
            f"direction.to={targets[0].run.path} leads to itself: it has the weights of run="
            + ("" if config.params == "all" else f" as far as params={config.params}")
        )
    if len(vectors) == 2:
        orthogonal, along = directions.orthogonalize(vectors[1], vectors[0], params)  # refuses a line
        if config.direction["orthogonalize"]:
            vectors[1], places[2] = orthogonal, (along, 1.0)
    return dict(zip("xy", vectors, strict=False)), places[: 1 + len(targets)]
