"""A plane, or a line, of weight space through solutions: from its directions to the finished file."""

import dataclasses
import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from landscape_cli import device as devices
from landscape_cli import provenance
from landscape_cli.config import EvaluationConfig, in_common
from landscape_cli.data.load import Dataset, Split
from landscape_cli.data.selection import balanced
from landscape_cli.data.streams import stream
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation import store
from landscape_cli.evaluation.batchnorm import recompute
from landscape_cli.evaluation.evaluator import Evaluation, Evaluator
from landscape_cli.evaluation.sweep import sweep
from landscape_cli.files import only_writer
from landscape_cli.solutions import Solution
from landscape_cli.weights.arithmetic import Vector, point_of

# relative; the same weights and samples in another batch size or on another device agree to 1e-6
ORIGIN_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Mark:
    """A known solution of the plane, at (x, y); y is 0 on a line."""

    label: str
    solution: Solution
    x: float
    y: float


class Plane:
    """The affine plane origin + x dx + y dy, or the line origin + x dx, and the loss on it.

    Args:
        evaluator: the network that moves.
        origin: the point at (0, 0).
        directions: "x", and for a plane "y"; a name that a direction lacks does not move.
        batchnorm_inputs: the training inputs on which running statistics are estimated at each point; None:
            they are the origin's, moved along with the directions where these have entries for them.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        origin: Mapping[str, Tensor],
        directions: Mapping[str, Mapping[str, Tensor]],
        batchnorm_inputs: Tensor | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.origin = evaluator.beside(origin)
        self.directions: dict[str, Mapping[str, Tensor]] = {
            axis: evaluator.beside(direction) for axis, direction in directions.items()
        }
        self.batchnorm_inputs = batchnorm_inputs

    def evaluate(self, x: float, y: float = 0.0) -> dict[str, Evaluation]:
        """Return the evaluation on each split at a point."""
        coordinates = {"x": x, "y": y}
        self.evaluator.move(
            self.origin, [(coordinates[axis], self.directions[axis]) for axis in self.directions]
        )
        if self.batchnorm_inputs is not None:
            recompute(self.evaluator.model, self.batchnorm_inputs)
        return {split: self.evaluator.evaluate(split) for split in self.evaluator.splits}


def compute(
    config: EvaluationConfig,
    model: nn.Module,
    dataset: Dataset,
    directions: Mapping[str, Vector],
    x: store.Array,
    y: store.Array | None,
    marks: list[Mark],
) -> Path:
    """Evaluate the plane through `model` into the file `config.out`, or go on with it; return the file.

    Args:
        config: the command's.
        model: the network at (0, 0).
        dataset: on the device on which to work.
        directions: "x", and for a plane "y".
        x: coordinates.
        y: coordinates; None for a line.
        marks: the known solutions, that at (0, 0) first. The loss at each is compared with what its training
            recorded.

    Raises:
        LandscapeError: a mark's loss is not the recorded one, or the file is of another configuration or
            being written.
    """
    assert config.out is not None
    out, centre = Path(config.out), marks[0].solution
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    trained_on = centre.run.provenance()["dataset_fingerprint"]
    if trained_on != dataset.fingerprint:
        raise LandscapeError(
            f"the data have changed since {centre.run.path} was trained on them (SHA-256 {trained_on[:12]}…,"
            f" now {dataset.fingerprint[:12]}…); say dataset.source= or dataset.root= where those data lie"
        )
    checkpoints = [mark.solution.identity for mark in marks]
    settings = dataclasses.asdict(config)
    evaluator = Evaluator(model, _splits(config, dataset), centre.run.config["loss"], config.batch_size)
    recomputing = config.batchnorm == "recompute"
    inputs = devices.in_layout(dataset.train.inputs, evaluator.layout) if recomputing else None
    plane = Plane(evaluator, point_of(evaluator.model), directions, inputs)
    with only_writer(out), evaluator.enough_threads():
        if out.exists():
            store.check_same(out, settings, checkpoints)
        else:
            origin_check = check_marks(plane, marks, config, dataset)
            store.create(
                out,
                x=x,
                y=y,
                names=_names(config),
                directions={
                    axis: {k: v.cpu().numpy() for k, v in d.items()} for axis, d in directions.items()
                },
                config=settings,
                run_config=in_common([mark.solution.run.config for mark in marks]),
                marks=[(mark.label, mark.x, mark.y) for mark in marks],
                attributes={
                    "command": provenance.command(),
                    "checkpoint": json.dumps(checkpoints),
                    "provenance": json.dumps(
                        provenance.record(dataset.train.inputs.device, dataset.fingerprint)
                    ),
                    "origin_check": json.dumps(origin_check),
                },
            )
        with store.writing(out) as writer:
            sweep(plane.evaluate, x, y, writer, "line" if y is None else "surface")
            _tell_of_infinities(writer, directions)
    return out


def _tell_of_infinities(writer: store.Writer, directions: Mapping[str, Vector]) -> None:
    """Say on standard error how many points have a loss that is not finite, and what can be done."""
    losses = [values for name, values in writer.values.items() if name.endswith("/loss")]
    count = int(np.any([np.isinf(values) for values in losses], axis=0).sum())
    if not count:
        return
    note = f"{count} of {losses[0].size} points have a loss that is not finite, stored as +inf"
    if any(name.endswith("running_var") for direction in directions.values() for name in direction):
        note += "; extrapolated BatchNorm variances may be negative: batchnorm=recompute estimates them anew"
    print(note, file=sys.stderr)


def _splits(config: EvaluationConfig, dataset: Dataset) -> dict[str, Split]:
    whole = {"train": dataset.train, "test": dataset.test}
    if config.samples is None:
        return {name: whole[name] for name in config.splits}
    chosen = {}
    for name in config.splits:
        split = whole[name]
        if config.samples > len(split):
            raise LandscapeError(
                f"samples={config.samples} is more than the {len(split)} of the {name} split"
            )
        labels = split.targets.cpu().numpy()
        random = stream(config.seed, name)
        indices = torch.from_numpy(balanced(labels, config.samples, dataset.classes, random, key="samples"))
        indices = indices.to(split.targets.device)
        chosen[name] = Split(split.inputs[indices], split.targets[indices])
    return chosen


def _names(config: EvaluationConfig) -> list[str]:
    values = ["loss", "accuracy"] + (["loss_stderr"] if config.samples is not None else [])
    return [f"{split}/{value}" for split in config.splits for value in values]


def check_marks(
    plane: Plane, marks: list[Mark], config: EvaluationConfig, dataset: Dataset
) -> list[dict[str, object]]:
    """Compare the loss at each known solution with the one its training recorded; return all numbers.

    A mark is not compared where the two are not of the same samples, or where its running statistics are
    others.

    Raises:
        LandscapeError: two losses that should be equal differ, with both numbers.
    """
    checks: list[dict[str, object]] = []
    for number, mark in enumerate(marks):
        recorded_on = mark.solution.run.provenance()["dataset_fingerprint"]
        reason = None
        if config.samples is not None:
            reason = f"samples={config.samples}"
        elif recorded_on != dataset.fingerprint:
            reason = "trained on other data"
        elif config.batchnorm == "recompute" or (config.batchnorm == "keep" and number > 0):
            reason = f"batchnorm={config.batchnorm}"
        if reason is not None:
            checks.append({"mark": mark.label, "not compared": reason})
            continue
        for split, evaluation in plane.evaluate(mark.x, mark.y).items():
            recorded, measured = mark.solution.recorded_loss(split), evaluation.loss
            checks.append({"mark": mark.label, "split": split, "recorded": recorded, "measured": measured})
            equal = math.isclose(recorded, measured, rel_tol=ORIGIN_TOLERANCE, abs_tol=1e-7)
            if math.isfinite(recorded) and not equal:
                raise LandscapeError(
                    f"{mark.solution.path}: the {split} loss is {measured:.9g},"
                    f" but its training recorded {recorded:.9g};"
                    " the data, the network's code or the checkpoint has changed: train the run again"
                )
    return checks
