"""A run folder: config.yaml, metrics.csv, layers.csv, provenance.json and checkpoints/, opened for reading.

It may be a stranger's: nothing in it is executed or resolved, and what a command needs of it is checked here.
"""

import csv
import io
import json
import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from landscape_cli.config import LARGEST, from_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.files import forget_parts, read_bytes
from landscape_cli.run_config import check_run_config

METRICS = (
    "epoch",
    "step",
    "lr",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "weight_norm",
    "gradient_norm",
    "seconds",
)
LAYERS = ("epoch", "step", "layer", "quantity", "value")
LARGEST_LAYERS = 1 << 28  # bytes: DenseNet-121 for three thousand epochs
LARGEST_METRICS = 1 << 24  # bytes: a hundred thousand epochs
LARGEST_EPOCH = 999_999_999  # that the name of a checkpoint can tell

T = TypeVar("T")
Measurement = tuple[str, str, float]
"""Layer, quantity and value: what `track=` measures."""


@dataclass(frozen=True)
class Run:
    """A finished or unfinished run, opened for reading."""

    path: Path
    config: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether its training came to its end."""
        return self.provenance()["end"] is not None

    def epochs(self) -> list[int]:
        """Return the epochs whose checkpoints were kept, in order.

        Raises:
            LandscapeError: the folder of checkpoints cannot be read.
        """
        folder = self.path / "checkpoints"
        try:
            names = [entry.name for entry in os.scandir(folder) if entry.is_file()]
        except OSError as error:
            raise _unreadable(folder, error) from error
        numbered = (re.fullmatch(r"epoch_([0-9]{4,9})\.pt", name) for name in names)
        epochs = {match[0]: int(match[1]) for match in numbered if match}
        return sorted(epoch for name, epoch in epochs.items() if self.checkpoint_path(epoch).name == name)

    def epoch(self, which: object) -> int:
        """Return the epoch that ``last``, ``init`` or a number means.

        Raises:
            LandscapeError: no such checkpoint was kept.
        """
        kept = self.epochs()
        if not kept:
            raise LandscapeError(f"run {self.path} has no checkpoint yet; train it first")
        if which == "last":
            if not self.finished:
                raise LandscapeError(
                    f"run {self.path} is not finished; train it to the end,"
                    f" or choose an epoch from {_listed(kept)}"
                )
            last = int(self.provenance()["epochs"])
            if last not in kept:
                raise LandscapeError(f"run {self.path} has lost {self.checkpoint_path(last)}; train it again")
            return last
        number = 0 if which == "init" else which
        if not isinstance(number, int) or isinstance(number, bool) or number not in kept:
            raise LandscapeError(
                f"run {self.path} has no checkpoint of epoch {which!r}; choose last, init,"
                f" or one of {_listed(kept)} (checkpoint_every= keeps more)"
            )
        return number

    def checkpoint_path(self, epoch: int) -> Path:
        """Return where the checkpoint of an epoch lies."""
        return self.path / "checkpoints" / f"epoch_{epoch:04d}.pt"

    def metrics(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv, by increasing epoch; NaN is what was not measured.

        Raises:
            LandscapeError: there is no such file, or it has other columns or values.
        """
        return _read(self.path / "metrics.csv", LARGEST_METRICS, parse_metrics)

    def row(self, epoch: int) -> dict[str, float]:
        """Return the row of metrics.csv of an epoch.

        Raises:
            LandscapeError: as `metrics`, or there is no such row.
        """
        for row in self.metrics():
            if row["epoch"] == epoch:
                return row
        raise LandscapeError(
            f"{self.path / 'metrics.csv'} has no row of epoch {epoch}, of which there is a checkpoint;"
            " copy the run again or train it again"
        )

    @property
    def tracked(self) -> bool:
        """Whether its layers were tracked."""
        return (self.path / "layers.csv").is_file()

    def layers(self) -> list[dict[str, Any]]:
        """Return the rows of layers.csv, by increasing epoch: epoch, step, layer, quantity, value.

        Raises:
            LandscapeError: nothing was tracked, or the file has other columns or values.
        """
        if not self.tracked:
            raise LandscapeError(
                f"run {self.path} has no layers.csv; train one with track=activations,gradients,weights"
            )
        return _read(self.path / "layers.csv", LARGEST_LAYERS, parse_layers)

    def provenance(self) -> dict[str, Any]:
        """Return provenance.json.

        Raises:
            LandscapeError: there is no such file, or it is of another form.
        """
        largest = LARGEST_METRICS  # it has some lines for each checkpoint that was imported
        return _read(self.path / "provenance.json", largest, _provenance)


def parse_metrics(text: str) -> list[dict[str, float]]:
    """Return the rows of a table of metrics, by increasing epoch; a last one that is cut short is left out.

    Raises:
        ValueError: it has other columns or values.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if reader.fieldnames is None:
        return []  # an empty file
    missing = [name for name in METRICS if name not in reader.fieldnames]
    if missing:
        raise ValueError(f"it has no column {missing[0]}")
    table = list(reader)
    rows: list[dict[str, float]] = []
    for number, cells in enumerate(table):
        try:
            row = {name: float(cells[name]) for name in METRICS}
        except (TypeError, ValueError) as error:
            if number == len(table) - 1 and not text.endswith("\n"):
                break  # a kill or a full disk can cut it short
            raise ValueError(f"row {number + 1} has an entry that is missing or no number") from error
        if not all(math.isfinite(row[name]) and row[name] == int(row[name]) for name in ("epoch", "step")):
            raise ValueError(f"row {number + 1} has an epoch or a step that is no whole number")
        if rows and row["epoch"] <= rows[-1]["epoch"]:
            raise ValueError(f"epoch {row['epoch']:.0f} comes after epoch {rows[-1]['epoch']:.0f}")
        rows.append(row)
    return rows


def parse_layers(text: str) -> list[dict[str, Any]]:
    """Return the rows of a table of layers, by increasing epoch; a last one that is cut short is left out.

    Raises:
        ValueError: it has other columns or values.
    """
    reader = csv.DictReader(io.StringIO(text, newline=""))
    if reader.fieldnames is None:
        return []  # an empty file
    if tuple(reader.fieldnames) != LAYERS:
        raise ValueError(f"its columns are not {', '.join(LAYERS)}")
    rows: list[dict[str, Any]] = []
    table = list(reader)
    if table and not text.endswith("\n"):
        table.pop()  # a kill or a full disk can cut it short
    for number, cells in enumerate(table):
        try:
            row = {name: int(cells[name]) for name in ("epoch", "step")}
            value = float(cells["value"])
        except (TypeError, ValueError) as error:
            raise ValueError(f"row {number + 1} has an entry that is missing or no number") from error
        if not 0 <= row["epoch"] <= LARGEST_EPOCH or not 0 <= row["step"] < 1 << 63:
            raise ValueError(f"row {number + 1} is of no epoch and step")
        if rows and row["epoch"] < rows[-1]["epoch"]:
            raise ValueError(f"epoch {row['epoch']} comes after epoch {rows[-1]['epoch']}")
        rows.append({**row, "layer": cells["layer"], "quantity": cells["quantity"], "value": value})
    return rows


def _provenance(text: str) -> dict[str, Any]:
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("expected a mapping")
    if "end" not in found or not isinstance(found["end"], str | None):
        raise ValueError("expected end: a time, or null before the end")
    if not isinstance(found.get("dataset_fingerprint"), str):
        raise ValueError("expected dataset_fingerprint: a SHA-256")
    epochs = found.get("epochs")
    if found["end"] is not None and (not isinstance(epochs, int) or isinstance(epochs, bool) or epochs < 0):
        raise ValueError("expected epochs: how many were trained")
    return found


def _read(path: Path, largest: int, parse: Callable[[str], T]) -> T:
    """Return what a file of a run says.

    Raises:
        LandscapeError: naming the file, and what is wrong with it.
    """
    try:
        return parse(read_bytes(path, largest).decode())
    except OSError as error:
        raise _unreadable(path, error) from error
    except (ValueError, csv.Error, RecursionError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise LandscapeError(f"{path} is damaged ({reason}); copy the run again or train it again") from error


def _unreadable(path: Path, error: OSError) -> LandscapeError:
    advice = "copy the run again or train it again"
    if isinstance(error, PermissionError):
        advice = "let yourself read it, or choose another run"
    return LandscapeError(f"{path} cannot be read ({error.strerror}); {advice}")


def _listed(epochs: list[int]) -> str:
    shown = [str(epoch) for epoch in epochs]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:4], "…", *shown[-3:]])


def is_run(path: Path) -> bool:
    """Whether a folder has the parts of a run, as far as that can be seen."""
    try:
        return (path / "config.yaml").is_file() and (path / "checkpoints").is_dir()
    except PermissionError:
        return False


def open_run(path: str | Path, *, key: str = "run") -> Run:
    """Return the run in a folder, without the temporary files that a kill may have left there.

    Args:
        path: the folder.
        key: under which it was named, for the messages.

    Raises:
        LandscapeError: the folder holds no run, or its configuration is none of a training.
    """
    if not isinstance(path, str | Path):
        raise LandscapeError(f"{key} must be a run folder, got {path!r}")
    path = Path(path)
    if not is_run(path):
        raise _no_run(path, key)
    for folder in (path, path / "checkpoints"):
        forget_parts(folder)
    return Run(path, _read(path / "config.yaml", LARGEST, _config))


def _no_run(path: Path, key: str) -> LandscapeError:
    reason = "there is no such folder"
    try:
        if path.is_dir():
            os.listdir(path)
            reason = "it has no config.yaml and checkpoints/"
    except OSError as error:
        return _unreadable(path, error)
    return LandscapeError(
        f"{key}={path} is no run folder ({reason}); `landscape train` prints the folder it wrote,"
        " `landscape list runs` lists them"
    )


def _config(text: str) -> dict[str, Any]:
    config = from_yaml(text)
    check_run_config(config)
    return config
