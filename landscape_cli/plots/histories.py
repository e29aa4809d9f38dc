"""What trainings recorded epoch by epoch, and which of them are one configuration under several seeds."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.config import CIRCUMSTANCES
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.labels import run_titles
from landscape_cli.terminal import printable

SEEDS = ("mean", "each")
"""What becomes of runs that differ in their seed alone: a mean with its spread, or a curve each."""

# Beside the seed, what is kept and measured of a training makes no other training of it. What weights were
# imported from does.
REPEATED = {*CIRCUMSTANCES, "seed", "checkpoint_every", "evaluate_every", "track"} - {"weights"}


@dataclass(frozen=True)
class History:
    """A training as its metrics.csv has it.

    Attributes:
        path: the run folder.
        config: of the training.
        columns: name in metrics.csv -> (rows,), by increasing epoch; NaN is what was not measured.
    """

    path: Path
    config: Mapping[str, Any]
    columns: Mapping[str, Array]

    @classmethod
    def of(cls, path: Path, config: Mapping[str, Any], metrics: Sequence[Mapping[str, float]]) -> "History":
        """Return the history of these rows of metrics.csv.

        Raises:
            LandscapeError: there is none.
        """
        if not metrics:
            raise LandscapeError(f"run {path} has no metrics yet; train it first")
        return cls(path, config, {name: np.array([row[name] for row in metrics]) for name in metrics[0]})


@dataclass(frozen=True)
class Group:
    """Trainings that are drawn alike.

    Attributes:
        label: what sets them apart from the other groups; empty where there is no other one.
        histories: of one configuration, with the seeds that differ.
        averaged: whether their mean is drawn, and not each.
    """

    label: str
    histories: Sequence[History]
    averaged: bool

    def curves(self, column: str, axis: str) -> list[tuple[Array, Array]]:
        """Return what to draw of a column: x (n,) and values (runs, n).

        That is one entry of all runs where these are averaged, at the epochs that all have measured; and
        otherwise an entry for each run. What was measured nowhere is left out.

        Args:
            column: its name in metrics.csv.
            axis: the column of x, ``epoch`` or ``step``.
        """
        together = [self.histories] if self.averaged else [[history] for history in self.histories]
        found = []
        for histories in together:
            x, values = _aligned(histories, column, axis)
            if len(x):
                found.append((x, values))
        return found

    @property
    def ends(self) -> list[int]:
        """The last epochs of its trainings, each once, in order."""
        return sorted({int(history.columns["epoch"][-1]) for history in self.histories})


def grouped(histories: Sequence[History], seeds: str) -> tuple[str, list[Group]]:
    """Return what all trainings have in common, in words, and the groups, each with what sets it apart.

    Runs are of one group where they differ in seed, folder and circumstances alone. Two of one seed are no
    repetition: neither is averaged, and such a group is a curve a run.
    """
    members: list[list[History]] = []
    for history in histories:
        for group in members:
            if _told(group[0].config) == _told(history.config):
                group.append(history)
                break
        else:
            members.append([history])
    # what weights were imported from is too long for a legend
    common, labels = run_titles([_told(group[0].config, {*REPEATED, "weights"}) for group in members])
    names = [printable(group[0].path.name) for group in members]
    if len(set(labels)) < len(labels):
        labels = [f"{label}, {name}" if label else name for label, name in zip(labels, names, strict=True)]
    told = [label or name for label, name in zip(labels, names, strict=True)] if len(members) > 1 else [""]
    groups = []
    for label, group in zip(told, members, strict=True):
        differ = len({str(history.config.get("seed")) for history in group}) == len(group)
        groups.append(Group(label, group, seeds == "mean" and differ))
    return common, groups


def _told(
    config: Mapping[str, Any], left_out: Collection[str] = REPEATED, prefix: str = ""
) -> dict[str, Any]:
    """Return a configuration without the keys, such as ``dataset.root``, that are left out."""
    return {
        key: _told(value, left_out, f"{prefix}{key}.") if isinstance(value, Mapping) else value
        for key, value in config.items()
        if f"{prefix}{key}" not in left_out
    }


def _aligned(histories: Sequence[History], column: str, axis: str) -> tuple[Array, Array]:
    """Return x (n,) and values (runs, n) at the epochs at which all of these have measured a column."""
    measured = [
        dict(
            zip(
                one.columns["epoch"].tolist(),
                zip(one.columns[axis], one.columns[column], strict=True),
                strict=True,
            )
        )
        for one in histories
    ]
    known = [[epoch for epoch, (_, value) in rows.items() if not np.isnan(value)] for rows in measured]
    shared = sorted(_in_all(known))
    x = np.array([measured[0][epoch][0] for epoch in shared])
    return x, np.array([[rows[epoch][1] for epoch in shared] for rows in measured])


def _in_all(lists: Iterable[list[float]]) -> set[float]:
    first, *others = map(set, lists)
    return first.intersection(*others)
