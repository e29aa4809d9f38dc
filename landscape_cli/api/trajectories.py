"""The path of your own training through weight space, from Python."""

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli.api.computed import GIVEN, NOT_COMPARED, Grid, computed, plain
from landscape_cli.api.options import with_options
from landscape_cli.api.surfaces import EXACTLY
from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.evaluation.batches import automatic_size, rebatched, tensors
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.options import Options
from landscape_cli.evaluation.problem import Problem
from landscape_cli.evaluation.user_loss import Loss
from landscape_cli.evaluation.user_model import identity_of, problem_of, sha256_of
from landscape_cli.progress import bar
from landscape_cli.store import Surface
from landscape_cli.store.trajectory import FEWEST, RECORDED
from landscape_cli.surfaces.grid import as_grid, grid
from landscape_cli.surfaces.known_solutions import KnownSolution
from landscape_cli.surfaces.path_field import PathField
from landscape_cli.surfaces.trajectory import around
from landscape_cli.surfaces.trajectory import trajectory as plane_of
from landscape_cli.weights.arithmetic import first_nan, params_of
from landscape_cli.weights.directions import IGNORES
from landscape_cli.weights.files import read
from landscape_cli.weights.matching import matched
from landscape_cli.weights.selection import selected

STATISTICS = ("keep", "recompute")  # running ones, on the plane

Weights = Callable[[int], dict[str, Tensor]]


@with_options(Options, *EXACTLY)
def trajectory(
    model: nn.Module,
    checkpoints: Sequence[Mapping[str, Tensor] | str | Path],
    loss: Loss,
    train: Any,
    test: Any = None,
    *,
    out: str | Path,
    x: Grid | None = None,
    y: Grid | None = None,
    epochs: Sequence[int] | None = None,
    ignore: str = "none",
    batchnorm: str = "keep",
    device: str | torch.device = "auto",
    **options: Any,
) -> Surface:
    """Evaluate the loss on the plane of the first two principal components of a training's checkpoints.

    The last checkpoint is (0, 0). The result's ``trajectory`` holds the path: ``x``, ``y``, ``distance`` from
    the plane, the losses at the checkpoints, ``explained_variance_ratio``; `plot` draws it (Li et al. 2018).

    Args:
        model: the network, with any weights; left as it is.
        checkpoints: state dicts, each a copy (``copy.deepcopy(model.state_dict())``), or files of them, in
            training order; three or more. Prefixes of names such as ``module.`` are found.
        loss: as for `surface`.
        train: as for `surface`.
        test: as for `surface`.
        out: the HDF5 file, as for `surface`.
        x: first coordinate, last, and number of points along the first component, in lengths of weight space;
            None: what holds the path.
        y: likewise, along the second.
        epochs: of the checkpoints, increasing; None: 0, 1, ….
        ignore: ``biasbn``: parameters with one dimension do not move; or ``none``.
        batchnorm: running statistics on the plane: ``keep`` (those of the last checkpoint), or ``recompute``
            (on the training split, at each point).
        device: ``auto``, ``cpu``, ``cuda``, …
        options: OPTIONS

    Raises:
        LandscapeError: as for `surface`, or the checkpoints are too few or do not fit the model.
    """
    count = len(checkpoints)
    numbers = list(range(count)) if epochs is None else [int(epoch) for epoch in epochs]
    if count < FEWEST:
        raise LandscapeError(f"{count} checkpoints span no plane; give at least {FEWEST}, in training order")
    if len(numbers) != count or sorted(set(numbers)) != numbers:
        raise LandscapeError(f"epochs must be {count} increasing numbers, one a checkpoint, got {numbers}")
    for key, got, choices in (("ignore", ignore, IGNORES), ("batchnorm", batchnorm, STATISTICS)):
        if got not in choices:
            raise unknown(key, got, choices)
    asked = plain({"x": x, "y": y, "epochs": numbers, "ignore": ignore})
    for axis in ("x", "y"):
        asked[axis] = None if asked[axis] is None else as_grid(axis, asked[axis])
    exactly = Options(**plain(options), batchnorm=batchnorm)
    state = model.state_dict()

    def weights(number: int) -> dict[str, Tensor]:
        given = checkpoints[number]
        stored = given if isinstance(given, Mapping) else read(Path(given)).tensors
        try:
            fitting = matched(state, {name: tensor.cpu() for name, tensor in stored.items()}, "names")
        except LandscapeError as error:
            raise LandscapeError(f"checkpoint {number}: {error}") from error
        broken = first_nan(fitting)
        if broken is not None:
            raise LandscapeError(f"checkpoint {number}: {broken}: the training has diverged; leave it out")
        return fitting

    last = copy.deepcopy(model).cpu()
    last.load_state_dict(weights(count - 1))
    problem = problem_of(last, loss, train, test, str(device))
    losses, identities = _evaluated(problem, weights, count, exactly)
    if len({one["sha256"] for one in identities}) == 1:
        raise LandscapeError(
            "the checkpoints are all the same; state_dict() goes on changing with its model:"
            " keep copy.deepcopy(model.state_dict())"
        )
    plane, path = plane_of(
        weights,
        params_of(last),
        selected(last, exactly.params),
        numbers,
        losses,
        ignore=ignore,
        seed=exactly.seed,
    )
    here, there = f"epoch {numbers[-1]}", f"epoch {numbers[0]}"
    origin = KnownSolution(here, 0.0, 0.0, identity_of(problem, [last]), not_compared=NOT_COMPARED)
    start = replace(origin, label=there, x=float(path.x[0]), y=float(path.y[0]), identity=identities[0])
    axes = zip((asked["x"], asked["y"]), around(path), strict=True)
    across, up = (grid(*given) if given else automatic for given, automatic in axes)
    field = PathField(problem, plane, across, up, exactly, path, weights)
    config = {"run": GIVEN, **dataclasses.asdict(exactly), **asked}
    return computed(Path(out), field, problem, config, [origin, start], identities[1:-1], path.datasets())


def _evaluated(
    problem: Problem, weights: Weights, count: int, options: Options
) -> tuple[dict[str, Array | None], list[dict[str, str]]]:
    """Return the losses, and accuracies or None, of `RECORDED` at the checkpoints, and what identifies these.

    The losses are of whole splits, each checkpoint with its own running statistics.
    """
    example = tensors(next(iter(problem.splits.values()))[0][0])[0]
    size = options.batch_size or automatic_size(example)
    splits = {name: rebatched(parts, size) for name, parts in problem.splits.items()}
    evaluator = Evaluator(problem.model, splits, problem.objective)
    found = {name: np.full(count, np.nan) for name in RECORDED}
    identities = []
    with evaluator.enough_threads(), bar(count, "checkpoints", "checkpoints") as progress:
        for number in range(count):
            state = weights(number)
            there = {name: state.get(name, own) for name, own in evaluator.point.items()}
            identities.append({"path": f"checkpoint {number}", "sha256": sha256_of([there])})
            evaluator.move(evaluator.beside(there), [])
            for split in splits:
                here = evaluator.evaluate(split)
                found[f"{split}_loss"][number] = here.loss
                found[f"{split}_accuracy"][number] = here.accuracy
            progress.update()
    known = {
        name: None if name.endswith("accuracy") and np.isnan(values).all() else values
        for name, values in found.items()
    }
    return known, identities
