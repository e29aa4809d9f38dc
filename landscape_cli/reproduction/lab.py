"""Where one seed of a phenomenon is measured: its runs, the commands a person would type, networks, data."""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from torch import nn

from landscape_cli import provenance
from landscape_cli.arrays import Array
from landscape_cli.data.load import Dataset
from landscape_cli.data.streams import stream
from landscape_cli.device import resolve
from landscape_cli.errors import BusyError, DivergedError
from landscape_cli.progress import note
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.runs import METRICS, Run, open_run
from landscape_cli.solutions import load_dataset, locate
from landscape_cli.store import Surface, Trajectory, read
from landscape_cli.store.table import Table
from landscape_cli.store.table import read as read_table

SECONDS_BETWEEN_LOOKS = 2.0

Command = Callable[[str, list[str]], Path]
"""Command and words -> the path it wrote: `landscape <command> <words>`."""


class Lab:
    """What a seed is measured with. Runs and surfaces are those of the same words at a shell, and kept there.

    Args:
        scale: what to train.
        seed: of the runs, and of what is drawn at random.
        command: lets a command do its work.
        device: on which to work.
        location: where the data are now, as for `load_dataset`.

    Attributes:
        runs: name -> the run of this seed, trained by `train`.
    """

    def __init__(
        self,
        scale: Scale,
        seed: int,
        command: Command,
        device: str = "auto",
        location: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.seed = seed
        self.device = resolve(device)
        self.runs: dict[str, Run] = {}
        self._scale, self._command, self._location = scale, command, location
        self._data: dict[str, Dataset] = {}
        self._began = provenance.now()

    def train(self) -> None:
        """Train every run, or go on with it; a training that diverges is measured as far as it came."""
        for number, (name, words) in enumerate(self._scale.runs.items(), start=1):
            note(f"seed {self.seed}, run {number} of {len(self._scale.runs)}: {name}")
            self.also(name, words)

    def also(self, name: str, words: Sequence[str]) -> None:
        """Train one more run, or go on with it: one whose words need what others gave."""
        own = sum(int(word.removeprefix("seed=")) for word in words if word.startswith("seed="))
        others = [word for word in words if not word.startswith("seed=")]
        try:
            folder = self._do("train", [*others, f"seed={own + self.seed}"])
        except DivergedError as error:
            note(str(error))
            folder = error.folder
        self.runs[name] = open_run(folder)

    def metrics(self, name: str) -> dict[str, Array]:
        """Return the columns of a run's metrics.csv, each of shape (epochs + 1,).

        They are shorter where training diverged: the last loss is then NaN or infinite.
        """
        rows = self.runs[name].metrics()
        return {key: np.array([row[key] for row in rows]) for key in METRICS}

    def surface(self, name: str, *words: str) -> Surface:
        """Return what `landscape surface run=<the run's> <words>` computes; the scale's words come first."""
        return self._computed("surface", [f"run={self.runs[name].path}"], words)

    def interpolate(self, start: str, end: str, *words: str) -> Surface:
        """Return the line from one run to another, likewise."""
        ends = [f"from_run={self.runs[start].path}", f"to_run={self.runs[end].path}"]
        return self._computed("interpolate", ends, words)

    def hessian(self, name: str, *words: str) -> Surface:
        """Return the map of the Hessian's extreme eigenvalues around a run, likewise."""
        return self._computed("hessian", [f"run={self.runs[name].path}"], words)

    def spectrum(self, name: str, *words: str) -> Surface:
        """Return the eigenvalues at epochs of a run, likewise."""
        return self._computed("spectrum", [f"run={self.runs[name].path}"], words)

    def noise(self, name: str, *words: str) -> Table:
        """Return the table of the noise of a run's gradients, a row a kept epoch, likewise."""
        return self._tabulated("noise", [f"run={self.runs[name].path}"], words)

    def sharpness(self, names: Sequence[str], *words: str) -> Table:
        """Return the table that `landscape sharpness run=<the runs'> <words>` makes."""
        runs = ",".join(str(self.runs[name].path) for name in names)
        return self._tabulated("sharpness", [f"run={runs}"], words)

    def trajectory(self, name: str, *words: str) -> tuple[Surface, Trajectory]:
        """Return the plane of a run's path, and the path, likewise."""
        plane = self._computed("trajectory", [f"run={self.runs[name].path}"], words)
        assert plane.trajectory is not None
        return plane, plane.trajectory

    def data(self, name: str) -> Dataset:
        """Return the data of a run, on the device; read once."""
        if name not in self._data:
            config = self.runs[name].config
            self._data[name] = load_dataset(config, self.device, trust=False, location=self._location)
        return self._data[name]

    def network(self, name: str, epoch: object = "last") -> nn.Module:
        """Return a network of one's own with the weights of a run, on the device, in evaluation mode.

        Args:
            name: of the run.
            epoch: ``last``, ``init`` or a number.
        """
        solution = locate(str(self.runs[name].path), epoch, key="run")
        return solution.network(self.data(name), trust=False).to(self.device).eval()

    def loss(self, name: str) -> str:
        """Return the name of the loss under which a run was trained."""
        return str(self.runs[name].config["loss"])

    def random(self, purpose: str) -> np.random.RandomState:
        """Return random numbers of this seed for one purpose."""
        return stream(self.seed, purpose)

    def made(self) -> dict[str, Any]:
        """Return what else is to be known: machine, data, how far and how long training went."""
        runs = self.runs.values()
        data = sorted({run.provenance()["dataset_fingerprint"] for run in runs})
        return {
            "training_seconds": sum(row["seconds"] for run in runs for row in run.metrics()),
            "train_losses": {
                name: _finite(run.metrics()[-1]["train_loss"])
                for name, run in self.runs.items()
                if run.config["epochs"]  # others are wanted for their data alone
            },
            "provenance": {**provenance.record(self.device, ", ".join(data)), "start": self._began},
            "run_folders": [str(run.path) for run in runs],
            "end": provenance.now(),
        }

    def _computed(self, command: str, ends: list[str], words: tuple[str, ...]) -> Surface:
        return read(self._do(command, [*ends, *self._scale.words.get(command, []), *words]))

    def _tabulated(self, command: str, of: list[str], words: tuple[str, ...]) -> Table:
        return read_table(self._do(command, [*of, *self._scale.words.get(command, []), *words]))

    def _do(self, command: str, words: list[str]) -> Path:
        """Let a command do its work; wait while another process is at it."""
        waited = False
        while True:
            try:
                return self._command(command, words)
            except BusyError as error:
                if not waited:
                    note(f"waiting: {error}")
                waited = True
                time.sleep(SECONDS_BETWEEN_LOOKS)


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
