"""What a training leaves behind: a run folder from which any moment can be resumed."""

import copy
import csv
import io
import json
import math
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from landscape_cli import checkpoint, provenance
from landscape_cli.config import first_difference, to_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.files import forget_parts, naming, only_writer, read_bytes, write_text
from landscape_cli.runs import LARGEST_METRICS, METRICS, Measurement, Run, open_run, parse_metrics
from landscape_cli.solutions import completed
from landscape_cli.training import layer_table
from landscape_cli.training.state import State

Every = int | Literal["log"]
"""Epochs between two, or ten for each power of ten: 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, …."""

SECONDS_BETWEEN_SAVES = 30
SECONDS_BETWEEN_COPIES = 1  # in memory, for an interruption
CHECKPOINT = re.compile(r"(epoch|resume)_[0-9]{4,9}\.pt")
BEING_WRITTEN = re.compile(
    r"\.(config\.yaml|provenance\.json)-.*\.part"
)  # by another process, at this moment


class Record:
    """The writer of a run folder; made by `claim`.

    Beside the checkpoints that are kept there is one ``resume_*.pt``, at most 30 seconds and an epoch old,
    until the run is finished; after an interruption (Ctrl-C, SIGTERM) a second and an epoch.

    Args:
        path: the folder.
        checkpoint_every: epochs between kept checkpoints, ``log``, or None: the first and the last alone.
        evaluate_every: epochs between rows of metrics.csv, or ``log``, beside those of kept checkpoints.
    """

    def __init__(self, path: Path, checkpoint_every: Every | None, evaluate_every: Every = 1) -> None:
        self.path = path
        self.checkpoint_every = checkpoint_every
        self.evaluate_every = evaluate_every
        self._run = Run(path, {})
        self._saved_at = self._copied_at = time.monotonic()
        self._copy: tuple[str, dict[str, Any]] | None = None  # newer than what is on the disk

    def restore(self, state: State) -> bool:
        """Bring `state` and metrics.csv to the newest checkpoint; return False where there is none."""
        found = [path for path in (self.path / "checkpoints").iterdir() if CHECKPOINT.fullmatch(path.name)]
        if not found:
            return False
        newest = max(found, key=_epoch_of)
        try:
            state.load_state_dict(checkpoint.load(newest))
        except (RuntimeError, ValueError, TypeError, LookupError, AttributeError) as error:
            reason = str(error).partition("\n")[0] or type(error).__name__
            raise LandscapeError(
                f"{newest} is not of the training that {self.path}/config.yaml describes ({reason});"
                " choose another out="
            ) from error
        if state.epoch != _epoch_of(newest):
            raise LandscapeError(f"{newest} is of epoch {state.epoch}; bring back the one it was")
        path = self.path / "metrics.csv"
        try:
            text = read_bytes(path, LARGEST_METRICS).decode()
            epochs = [row["epoch"] for row in parse_metrics(text) if row["epoch"] <= state.epoch]
            text = "".join(text.splitlines(keepends=True)[: len(epochs) + 1])  # the head, and these rows
            due = set(filter(self.is_due, range(state.epoch + 1)))
        except ValueError:
            epochs, due = [], {0}
        if not due <= set(epochs) <= due | {state.epoch}:  # the last epoch has a row in any case
            raise LandscapeError(
                f"{path} lacks rows of the epochs before {newest}; copy the run again or choose another out="
            )
        write_text(path, text)
        if state.tracker is not None:
            layer_table.cut(self.path / "layers.csv", epochs)
        return True

    def is_due(self, epoch: int) -> bool:
        """Whether metrics.csv has a row of this epoch, be it the last or not."""
        return _comes(epoch, self.evaluate_every) or self._is_kept(epoch)

    def _is_kept(self, epoch: int) -> bool:
        return epoch == 0 or (self.checkpoint_every is not None and _comes(epoch, self.checkpoint_every))

    def last_row(self) -> dict[str, float]:
        """Return the last row of metrics.csv."""
        return self._run.metrics()[-1]

    def add(self, state: State, metrics: dict[str, float], *, last: bool) -> None:
        """Add the row of an epoch, and its checkpoint where one is due."""
        kept = last or self._is_kept(state.epoch)
        row = {"epoch": state.epoch, "step": state.step, **metrics}
        self._append(row, first=state.epoch == 0)
        self.save(state, kept=kept)

    def add_layers(self, state: State, rows: Sequence[Measurement]) -> None:
        """Add the rows of an epoch to layers.csv, before `add` keeps its checkpoint."""
        layer_table.append(self.path / "layers.csv", state.epoch, state.step, rows)

    def save(self, state: State, *, kept: bool = False) -> None:
        """Write a checkpoint: one that is kept, or, where the last is long ago, one to resume from."""
        now, name = time.monotonic(), f"{'epoch' if kept else 'resume'}_{state.epoch:04d}.pt"
        if kept or now - self._saved_at > SECONDS_BETWEEN_SAVES:
            self._write(name, state.state_dict())
            self._copy = None
            self._forget_resume(but=name)
            self._saved_at = time.monotonic()
        elif now - max(self._saved_at, self._copied_at) > SECONDS_BETWEEN_COPIES:
            self._copy = name, copy.deepcopy(state.state_dict())
            self._copied_at = time.monotonic()

    def save_copy(self) -> None:
        """Write what was copied since the last checkpoint, if anything: an epoch's end to resume from."""
        if self._copy is not None:
            name, content = self._copy
            self._write(name, content)
            self._forget_resume(but=name)

    def keep(self, epoch: int, step: int, weights: Mapping[str, Tensor], metrics: dict[str, float]) -> None:
        """Add the row and the checkpoint of weights that were trained elsewhere, the last ones so far.

        What the folder has of this epoch and of later ones is replaced: a training that was begun again from
        a checkpoint of its own comes to them once more.
        """
        self.forget(epoch)
        path = self.path / "metrics.csv"
        self._append({"epoch": epoch, "step": step, **metrics}, first=not path.exists())
        content = {"epoch": epoch, "step": step, "model": dict(weights)}
        name = self._run.checkpoint_path(epoch).name
        self._write(name, content | dict.fromkeys(("optimizer", "schedule", "rng")))

    def forget(self, epoch: int) -> None:
        """Remove rows and checkpoints of `epoch` and later ones, and rows without a checkpoint."""
        path = self.path / "metrics.csv"
        for one in self._run.epochs():
            if one >= epoch:
                self._run.checkpoint_path(one).unlink()
        if path.exists():
            kept = {str(one) for one in self._run.epochs()}
            head, *rows = path.read_text().splitlines(keepends=True)
            write_text(path, "".join([head, *(row for row in rows if row.partition(",")[0] in kept)]))

    def _append(self, row: dict[str, float], *, first: bool) -> None:
        """Add a row to metrics.csv, with the head before the first."""
        path = self.path / "metrics.csv"
        with naming(path), path.open("w" if first else "a") as file:
            file.write((_line(METRICS) if first else "") + _line(row[name] for name in METRICS))

    def _write(self, name: str, content: dict[str, Any]) -> None:
        """Write a checkpoint, once the rows are on the disk: no checkpoint is without its rows."""
        path = self.path / "metrics.csv"
        with naming(path), path.open("a") as file:
            os.fsync(file.fileno())
        checkpoint.save(self.path / "checkpoints" / name, content)

    def finish(self, epoch: int) -> None:
        """Mark the run as finished."""
        self._forget_resume(but="")
        write_text(
            self.path / "provenance.json",
            _json({**self._run.provenance(), "end": provenance.now(), "epochs": epoch}),
        )

    def _forget_resume(self, but: str) -> None:
        for path in (self.path / "checkpoints").glob("resume_*.pt"):
            if path.name != but:
                path.unlink()


def _comes(epoch: int, every: Every) -> bool:
    if every != "log":
        return epoch % every == 0
    return epoch == 0 or epoch == round(10 ** (round(10 * math.log10(epoch)) / 10))


def _epoch_of(path: Path) -> int:
    return int(path.stem.partition("_")[2])


def _line(values: Any) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(values)
    return text.getvalue()


def _json(content: dict[str, Any]) -> str:
    return json.dumps(content, indent=2) + "\n"


def existing(path: Path, config: dict[str, Any]) -> Run | None:
    """Return the run that is already in the folder, or None for a new one.

    Raises:
        LandscapeError: the folder holds something else, or a run of another configuration.
    """
    for folder in (path, path / "checkpoints"):
        forget_parts(folder)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())) or _is_begun(path):
        return None
    if not (path / "config.yaml").is_file():
        raise LandscapeError(f"{path} exists and is no run folder; choose another out=")
    run = open_run(path, key="out")
    difference = first_difference(completed(run.config), completed(config))
    if difference:
        raise LandscapeError(
            f"{path} holds a run of another configuration ({difference}); choose another out= or delete it"
        )
    return run


def _is_begun(path: Path) -> bool:
    """Whether the folder holds no more than what `claim` makes before the configuration, its last.

    Some of it may still be being written, by another process.
    """
    if not path.is_dir() or (path / "config.yaml").exists():
        return False
    names = {entry.name for entry in path.iterdir() if not BEING_WRITTEN.fullmatch(entry.name)}
    return names <= {"checkpoints", "provenance.json"} and not any((path / "checkpoints").glob("*"))


@contextmanager
def claim(
    path: Path,
    config: dict[str, Any],
    made_by: dict[str, Any],
    checkpoint_every: Every | None,
    evaluate_every: Every = 1,
) -> Iterator[Record]:
    """Be the one writer of a run folder: make it, or go on with it.

    Raises:
        LandscapeError: another process writes it, or it holds something else.
    """
    with only_writer(path):
        before = existing(path, config)
        if before is None:
            try:
                write_text(path / "provenance.json", _json({**made_by, "end": None}))
                (path / "checkpoints").mkdir(exist_ok=True)
                write_text(path / "config.yaml", to_yaml(config))
            except BaseException:
                shutil.rmtree(path, ignore_errors=True)
                raise
        else:
            trained_on = before.provenance()["dataset_fingerprint"]
            if trained_on != made_by["dataset_fingerprint"]:
                raise LandscapeError(
                    f"the data have changed since {path} was begun (SHA-256 {trained_on[:12]}…, now"
                    f" {made_by['dataset_fingerprint'][:12]}…); bring them back or choose another out="
                )
        record = Record(path, checkpoint_every, evaluate_every)
        try:
            yield record
        except (KeyboardInterrupt, RuntimeError):  # as torch raises where another process has gone
            record.save_copy()
            raise
