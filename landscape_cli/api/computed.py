"""From a field of a caller's own problem to its file, read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli import store
from landscape_cli.evaluation.problem import Problem
from landscape_cli.store import Surface
from landscape_cli.surfaces.compute import Header, compute
from landscape_cli.surfaces.field import Field
from landscape_cli.surfaces.known_solutions import KnownSolution
from landscape_cli.workers import processes

Grid = tuple[float, float, int] | str  # "first:last:count" as on the command line

GIVEN = "(given)"  # in the file, in place of a run's path and epoch
NOT_COMPARED = "no recorded loss"


def plain(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with NumPy's numbers as Python's, and tuples as lists: as a file can name them."""

    def number(value: Any) -> Any:
        return value.item() if isinstance(value, np.generic) else value

    return {
        name: [number(one) for one in value] if isinstance(value, tuple | list) else number(value)
        for name, value in options.items()
    }


def computed(
    out: Path,
    field: Field,
    problem: Problem,
    config: Mapping[str, Any],
    known: Sequence[KnownSolution],
    checkpoints: Sequence[dict[str, str]] = (),
    extras: Mapping[str, np.ndarray[Any, Any]] | None = None,
) -> Surface:
    """Evaluate a field into a file, or go on with it; return the file's content.

    Args:
        out: the file.
        field: what is computed.
        problem: of which.
        config: what was asked for, by the keys of the command line.
        known: the solutions in the plane, that at (0, 0) first.
        checkpoints: identities of those beside the solutions' of which the directions are made.
        extras: further datasets.

    Raises:
        LandscapeError: as `compute`.
    """
    asked = {"splits": list(problem.splits), **config}
    run_config = {"architecture": {"name": type(problem.model).__name__}}
    header = Header(asked, run_config, known, checkpoints, extras or {})
    with processes.group(str(out.absolute())) as group:
        compute(group, out, field, header)
    return store.read(out)
