"""From a network and its directions to the finished file of a surface, a line or an interpolation."""

import dataclasses
import json
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from landscape_cli import provenance, store
from landscape_cli.arrays import Array, Index
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import Subject
from landscape_cli.files import only_writer
from landscape_cli.progress import duration, note
from landscape_cli.schemas import EvaluationConfig
from landscape_cli.surfaces import precision_check, refinement
from landscape_cli.surfaces.grid import sweep
from landscape_cli.surfaces.known_solutions import Mark, check_marks
from landscape_cli.surfaces.loss_field import Points
from landscape_cli.weights.arithmetic import Vector
from landscape_cli.workers.processes import Alone, Follower, Group, Leader

# relative: by how much the loss of the same samples may differ between two machines
SAME = {"fp32": 1e-4, "bf16": 1e-2}


def compute(
    group: Group,
    config: EvaluationConfig,
    subject: Subject,
    directions: Mapping[str, Vector],
    x: Array,
    y: Array | None,
    marks: list[Mark],
    run_config: Mapping[str, Any],
    extras: Mapping[str, np.ndarray[Any, Any]] = MappingProxyType({}),
    checkpoints: Sequence[dict[str, str]] = (),
) -> Path | None:
    """Evaluate the plane through a network into the file `config.out`, or go on with it.

    Args:
        group: who computes.
        config: the command's.
        subject: the network at (0, 0), its data and loss.
        directions: "x", and for a plane "y".
        x: coordinates.
        y: coordinates; None for a line.
        marks: the known solutions, that at (0, 0) first. The loss at each is compared with what its training
            recorded.
        run_config: the training configuration, as far as the marked runs share it.
        extras: further datasets of the file, with their content.
        checkpoints: path and SHA-256 of those beside the marks' of which the directions are made.

    Returns:
        The file; None in a process that only helps another one.

    Raises:
        LandscapeError: a mark's loss is not the recorded one, the loss is random, or the file is of another
            configuration or being written.
    """
    assert config.out is not None
    out = Path(config.out)
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    points = Points(config, subject, directions, x, y)
    identities = [*(mark.identity for mark in marks), *checkpoints]
    with points.plane.evaluator.enough_threads():
        first = points.plane.evaluator.check_repeatable()
        if isinstance(group, Follower):
            _help(group, points)
            return None
        with only_writer(out):
            if out.exists():
                store.check_same(out, dataclasses.asdict(config), identities)
                check_loss(out, first, SAME[config.precision])
            else:
                _create(out, points, marks, identities, run_config, extras, first)
            with store.writing(out) as writer:
                _fill(group, points, writer)
    return out


def _help(group: Follower, points: Points) -> None:
    """Evaluate what the leading process hands out."""

    def evaluate(index: Index) -> dict[str, Any]:
        if points.anchors and index not in points.anchors and not points.calibrations:
            for split in points.splits:
                shared = np.frombuffer(group.obtain(split)).reshape(-1, len(points.anchors))
                points.calibrate(split, shared[:-1].T, shared[-1])
        return points.evaluate(index)

    group.serve(evaluate)


def _fill(group: Alone | Leader, points: Points, writer: store.Writer) -> None:
    """Evaluate what the file lacks, and tell the cost."""
    config, started = points.config, time.monotonic()
    before = int(writer.evaluated.sum())
    losses = writer.losses()

    def wanted() -> list[Index]:
        return refinement.wanted(points.x, points.y, losses, writer.evaluated, config.tolerance)

    def rounds() -> Iterator[list[Index]]:
        if points.anchors:
            yield [index for index in points.anchors if not writer.evaluated[index]]
            for split in points.splits:
                known = writer.array(f"anchors/{split}")
                loss = writer.values[f"{split}/loss"]
                means = np.array([loss[index] for index in points.anchors])
                points.calibrate(split, known, means)
                group.share(split, np.vstack([known.T, means]).tobytes())
        while indices := wanted():
            yield indices

    if wanted():
        most = "" if config.tolerance is None else "at most "
        note(f"{most}{writer.evaluated.size - before:,} points x {points.told_samples()}")
        receive, kind = partial(points.receive, writer), "line" if points.y is None else "surface"
        sweep(group, points.evaluate, receive, rounds(), writer.evaluated, kind, _advice(config))
    if config.tolerance is not None or np.isfinite(writer.array("interpolation_error")).any():
        _interpolate(points, writer)
    new, seconds = int(writer.evaluated.sum()) - before, time.monotonic() - started
    if new:
        note(f"{new:,} points evaluated in {duration(seconds)}")
    _tell_of_infinities(points, writer)


def _interpolate(points: Points, writer: store.Writer) -> None:
    """Fill in what was not evaluated, and tell how far that may be off."""
    for name, values in writer.values.items():
        filled = refinement.interpolated(
            points.x, points.y, values, writer.evaluated, positive=not name.endswith("/accuracy")
        )
        writer.write_array(name, filled)
    errors = refinement.estimated_errors(points.x, points.y, writer.losses(), writer.evaluated)
    writer.write_array("interpolation_error", np.where(writer.evaluated, np.nan, errors))
    interpolated = errors[~writer.evaluated]
    if interpolated.size:
        note(
            f"{interpolated.size:,} of {errors.size:,} points interpolated; estimated error of log-loss:"
            f" {interpolated.mean():.2g} on average, at most {interpolated.max():.2g}"
        )


def _advice(config: EvaluationConfig) -> str:
    """Return which cheaper ways there are that the user has not taken."""
    ways = []
    if config.precision == "fp32":
        ways.append("precision=bf16")
    if config.samples is None:
        ways.append("samples=2000")
    if config.tolerance is None:
        ways.append("tolerance=0.02")
    return f"; {', '.join(ways)} would cost less, with an error that the file states" if ways else ""


def _tell_of_infinities(points: Points, writer: store.Writer) -> None:
    """Say how many points have a loss that is not finite, and what can be done."""
    losses = writer.losses()
    count = int(np.any([np.isinf(values) for values in losses], axis=0).sum())
    if not count:
        return
    text = f"{count} of {losses[0].size} points have a loss that is not finite, stored as +inf"
    if any(name.endswith("running_var") for direction in points.directions.values() for name in direction):
        text += "; extrapolated BatchNorm variances may be negative: batchnorm=recompute estimates them anew"
    note(text)


def check_loss(out: Path, now: Mapping[str, list[float]], tolerance: float) -> None:
    """Refuse to go on with a file that was begun with another loss, or with other code of the network.

    Raises:
        LandscapeError: at the origin the loss of the same batch was another when the file was begun.
    """
    then = json.loads(store.read(out).attributes["first_batch"])
    for split, (count, loss) in now.items():
        count_then, loss_then = then[split]
        same = math.isclose(loss, loss_then, rel_tol=tolerance, abs_tol=1e-7)
        if count == count_then and not same and (math.isfinite(loss) or math.isfinite(loss_then)):
            raise LandscapeError(
                f"the loss of the first {count} {split} samples is {loss:.9g}, and was {loss_then:.9g}"
                f" when {out} was begun: the loss or the network's code has changed;"
                " choose another out= or delete it"
            )


def _create(
    out: Path,
    points: Points,
    marks: list[Mark],
    identities: list[dict[str, str]],
    run_config: Mapping[str, Any],
    extras: Mapping[str, np.ndarray[Any, Any]],
    first: Mapping[str, list[float]],
) -> None:
    """Check the marks and the precision, and make the file."""
    config, subject = points.config, points.subject
    comparable = any(mark.not_compared is None for mark in marks)
    origin_check = check_marks(marks, points.exact_plane().evaluate if comparable else points.plane.evaluate)
    attributes = {}
    if config.precision != "fp32":
        checks = precision_check.measure(
            subject,
            points.splits,
            points.directions,
            precision_check.points_to_check(points.x, points.y),
            config.precision,
            recompute=config.batchnorm == "recompute",
        )
        attributes["precision_check"] = json.dumps([dataclasses.asdict(check) for check in checks])
        worst = max(check.relative_error for check in checks)
        of = f"{len(checks)} points, {checks[0].samples} {checks[0].split} samples"
        note(f"{config.precision} is at most {worst:.2%} off float64 ({of})")
    store.create(
        out,
        x=points.x,
        y=points.y,
        names=points.names(),
        arrays=points.arrays(),
        directions={
            axis: {name: tensor.cpu().numpy() for name, tensor in direction.items()}
            for axis, direction in points.directions.items()
        },
        config=dataclasses.asdict(config),
        run_config=run_config,
        marks=[(mark.label, mark.x, mark.y) for mark in marks],
        attributes={
            "command": provenance.command(),
            "checkpoint": json.dumps(identities),
            "provenance": json.dumps(provenance.record(points.device, subject.fingerprint)),
            "origin_check": json.dumps(origin_check),
            "first_batch": json.dumps(first),
            **attributes,
        },
        extras=extras,
    )
