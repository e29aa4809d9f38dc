"""From a field to its finished file: begun, resumed, shared by processes, and never lost."""

import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli import provenance, store
from landscape_cli.arrays import Index
from landscape_cli.errors import LandscapeError
from landscape_cli.files import only_writer
from landscape_cli.progress import bar, duration, note
from landscape_cli.surfaces.field import Field
from landscape_cli.surfaces.known_solutions import KnownSolution, compare_with_training
from landscape_cli.workers.processes import Alone, Follower, Group, Leader, Values

LONG = 600  # seconds to go from which a cheaper way is pointed out
FIRST = 3  # points from which the time of all is told


@dataclass(frozen=True)
class Header:
    """What a file says besides its values.

    Attributes:
        config: what was asked for, by key; a file of another one is refused.
        run_config: the training configuration, as far as the runs of the known solutions share it.
        solutions: those in the plane, that at (0, 0) first.
        checkpoints: path and SHA-256 of those beside the solutions' of which the directions are made.
        extras: further datasets, with their content.
    """

    config: Mapping[str, Any]
    run_config: Mapping[str, Any]
    solutions: Sequence[KnownSolution]
    checkpoints: Sequence[dict[str, str]] = ()
    extras: Mapping[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    @property
    def identities(self) -> list[dict[str, str]]:
        """Path and SHA-256 of all checkpoints."""
        return [*(solution.identity for solution in self.solutions), *self.checkpoints]


def compute(group: Group, out: Path, wanted: Field, header: Header) -> Path | None:
    """Evaluate a field into a file, or go on with it.

    Args:
        group: who computes.
        out: the file.
        wanted: what is computed.
        header: what the file says besides. The loss at each known solution is compared with what its training
            recorded.

    Returns:
        The file; None in a process that only helps another one.

    Raises:
        LandscapeError: a solution's loss is not the recorded one, the loss is random, or the file is of
            another configuration or being written.
    """
    if out.is_dir():
        raise LandscapeError(f"out={out} is a folder; name an HDF5 file")
    with wanted.enough_threads():
        first = wanted.first_batch()
        if isinstance(group, Follower):
            group.serve(wanted.helping(group.obtain))
            return None
        with only_writer(out):
            if out.exists():
                filled = {**dict.fromkeys(wanted.names(), _shape(wanted)), **wanted.arrays()}
                store.check_same(out, header.config, header.identities, wanted.refinement, filled)
                _check_loss(out, first, wanted.same_loss)
            else:
                _create(out, wanted, header, first)
            with store.writing(out) as writer:
                _fill(group, wanted, writer)
    return out


def _shape(wanted: Field) -> tuple[int, ...]:
    return (len(wanted.x),) if wanted.y is None else (len(wanted.y), len(wanted.x))


def _fill(group: Alone | Leader, wanted: Field, writer: store.Writer) -> None:
    """Evaluate what the file lacks, and tell the cost."""
    started, new = time.monotonic(), []
    told = wanted.to_do(writer)
    if told is not None:
        note(told)
        new = _evaluate(group, wanted, writer)
    wanted.finish(writer, new)
    if new:
        note(f"{len(new):,} points evaluated in {duration(time.monotonic() - started)}")


def _evaluate(group: Alone | Leader, wanted: Field, writer: store.Writer) -> list[Index]:
    """Evaluate round after round of points, each received as soon as it is there; return them."""
    started, done = time.monotonic(), []

    def noted(index: Index, values: Values) -> None:
        wanted.receive(writer, index, values)
        done.append(index)
        progress.update()
        left = (writer.evaluated.size - progress.n) * (time.monotonic() - started) / len(done)
        if len(done) == FIRST and left > LONG:
            told = f"{wanted.kind}: about {duration(left)} to go{wanted.advice}"
            progress.write(told, file=sys.stderr)

    known = int(writer.evaluated.sum())
    with bar(writer.evaluated.size, wanted.kind, "points", initial=known) as progress:
        for indices in wanted.rounds(writer, group.share):
            group.evaluate(indices, wanted.evaluate, noted)
    return done


def _check_loss(out: Path, now: Mapping[str, list[float]], tolerance: float) -> None:
    """Refuse to go on with a file that was begun with another loss, or with other code of the network.

    Raises:
        LandscapeError: at the origin the loss of the same batch was another when the file was begun.
    """
    then = store.first_batch(store.read(out))
    for split, (count, loss) in now.items():
        count_then, loss_then = then.get(split, (0, 0.0))
        same = math.isclose(loss, loss_then, rel_tol=tolerance, abs_tol=1e-7)
        if count == count_then and not same and (math.isfinite(loss) or math.isfinite(loss_then)):
            raise LandscapeError(
                f"the loss of the first {count} {split} samples is {loss:.9g}, and was {loss_then:.9g}"
                f" when {out} was begun: the loss or the network's code has changed;"
                " choose another out= or delete it"
            )


def _create(out: Path, wanted: Field, header: Header, first: Mapping[str, list[float]]) -> None:
    """Check the known solutions and make the file."""
    origin_check = compare_with_training(header.solutions, wanted.losses_at)
    attributes = wanted.attributes()
    store.create(
        out,
        x=wanted.x,
        y=wanted.y,
        names=wanted.names(),
        arrays=wanted.arrays(),
        directions={
            axis: {name: tensor.cpu().numpy() for name, tensor in direction.items()}
            for axis, direction in wanted.directions.items()
        },
        config=header.config,
        run_config=header.run_config,
        marks=[(solution.label, solution.x, solution.y) for solution in header.solutions],
        attributes={
            "command": provenance.command(),
            "checkpoint": json.dumps(header.identities),
            "provenance": json.dumps(provenance.record(wanted.device, wanted.fingerprint)),
            "origin_check": json.dumps(origin_check),
            "first_batch": json.dumps(first),
            **attributes,
        },
        extras=header.extras,
    )
