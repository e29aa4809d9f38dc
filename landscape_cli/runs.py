"""A run folder: config.yaml, metrics.csv, provenance.json and checkpoints/, opened for reading."""

import csv
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landscape_cli.config import from_yaml
from landscape_cli.errors import LandscapeError

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
        """Return the epochs whose checkpoints were kept, in order."""
        found = (
            re.fullmatch(r"epoch_(\d+)\.pt", path.name) for path in (self.path / "checkpoints").glob("*.pt")
        )
        return sorted(int(match[1]) for match in found if match)

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
        if which == "init":
            return 0
        if not isinstance(which, int) or isinstance(which, bool) or which not in kept:
            raise LandscapeError(
                f"run {self.path} has no checkpoint of epoch {which!r}; choose last, init,"
                f" or one of {_listed(kept)} (checkpoint_every= keeps more)"
            )
        return which

    def checkpoint_path(self, epoch: int) -> Path:
        """Return where the checkpoint of an epoch lies."""
        return self.path / "checkpoints" / f"epoch_{epoch:04d}.pt"

    def metrics(self) -> list[dict[str, float]]:
        """Return the rows of metrics.csv."""
        path = self.path / "metrics.csv"
        try:
            with path.open(newline="") as file:
                # a full disk can cut the last row short
                rows = [row for row in csv.DictReader(file) if row["seconds"]]
            return [{name: float(row[name]) for name in METRICS} for row in rows]
        except (OSError, KeyError, ValueError, TypeError) as error:
            raise LandscapeError(
                f"{path} cannot be read ({_reason(error)}); delete the run and train it again"
            ) from error

    def provenance(self) -> dict[str, Any]:
        """Return provenance.json."""
        path = self.path / "provenance.json"
        try:
            loaded: dict[str, Any] = json.loads(path.read_text())
        except (OSError, ValueError) as error:
            raise LandscapeError(
                f"{path} cannot be read ({_reason(error)}); delete the run and train it again"
            ) from error
        return loaded


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _listed(epochs: list[int]) -> str:
    shown = [str(epoch) for epoch in epochs]
    return ", ".join(shown if len(shown) <= 8 else [*shown[:4], "…", *shown[-3:]])


def open_run(path: str | Path, *, key: str = "run") -> Run:
    """Return the run in a folder.

    Raises:
        LandscapeError: the folder holds no run.
    """
    path = Path(path)
    config = path / "config.yaml"
    if not config.is_file() or not (path / "checkpoints").is_dir():
        reason = "it has no config.yaml and checkpoints/" if path.is_dir() else "there is no such folder"
        raise LandscapeError(
            f"{key}={path} is no run folder ({reason}); `landscape train` prints the folder it wrote,"
            " `landscape list runs` lists them"
        )
    try:
        return Run(path, from_yaml(config.read_text()))
    except (OSError, ValueError) as error:
        raise LandscapeError(
            f"{config} cannot be read ({_reason(error)}); delete the run and train it again"
        ) from error
