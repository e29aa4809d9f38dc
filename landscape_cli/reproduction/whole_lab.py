"""Where a phenomenon is measured: its runs, trained once, and the surfaces around them."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from landscape_cli.data.load import Dataset
from landscape_cli.device import resolve
from landscape_cli.errors import BusyError
from landscape_cli.progress import note
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.runs import Run, open_run
from landscape_cli.solutions import Solution, load_dataset, locate
from landscape_cli.store import Surface, read

SECONDS_BETWEEN_LOOKS = 2.0

Command = Callable[[str, list[str]], Path]
"""Command and words -> the path it wrote: `landscape <command> <words>`."""


class Lab:
    """The runs of a phenomenon at a scale, and what is computed from them.

    Everything is made by the commands that a person would type, and kept where they would put it: runs and
    surfaces are shared by all phenomena, and with whoever types the same words.

    Args:
        scale: what to train.
        seeds: of the runs.
        command: lets a command do its work.
        device: on which to work.
        location: where the data are now, as for `load_dataset`.
    """

    def __init__(
        self,
        scale: Scale,
        seeds: Sequence[int],
        command: Command,
        device: str = "auto",
        location: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.scale = scale
        self.seeds = list(seeds)
        self.device = resolve(device)
        self.surfaces: dict[Path, None] = {}  # the files that were used, in order
        self._command = command
        self._location = location
        self._runs: dict[tuple[str, int], Run] = {}

    def train(self) -> None:
        """Train every run, or go on with it."""
        wanted = [(name, seed) for seed in self.seeds for name in self.scale.runs]
        for number, (name, seed) in enumerate(wanted, start=1):
            note(f"run {number} of {len(wanted)}: {name}, seed {seed}")
            path = self.command("train", *self.scale.runs[name], f"seed={seed}")
            self._runs[name, seed] = open_run(path)

    def run(self, name: str, seed: int) -> Run:
        """Return a run that `train` has made."""
        return self._runs[name, seed]

    @property
    def runs(self) -> list[Run]:
        """All runs."""
        return list(self._runs.values())

    def command(self, name: str, *words: str) -> Path:
        """Return what `landscape <name> <words>` wrote; wait while another process is writing it."""
        waited = False
        while True:
            try:
                return self._command(name, list(words))
            except BusyError as error:
                if not waited:
                    note(f"waiting: {error}")
                waited = True
                time.sleep(SECONDS_BETWEEN_LOOKS)

    def surface(self, run: Run, *words: str) -> Surface:
        """Return the surface that `landscape surface run=<run> <words>` computes."""
        return self._kept(self.command("surface", f"run={run.path}", *words))

    def interpolate(self, start: Run, end: Run, *words: str) -> Surface:
        """Return the line that `landscape interpolate from_run=<start> to_run=<end> <words>` computes."""
        return self._kept(self.command("interpolate", f"from_run={start.path}", f"to_run={end.path}", *words))

    def trajectory(self, run: Run, *words: str) -> Surface:
        """Return the plane that `landscape trajectory run=<run> <words>` computes."""
        return self._kept(self.command("trajectory", f"run={run.path}", *words))

    def hessian(self, run: Run, *words: str) -> Surface:
        """Return the map that `landscape hessian run=<run> <words>` computes."""
        return self._kept(self.command("hessian", f"run={run.path}", *words))

    def _kept(self, path: Path) -> Surface:
        self.surfaces[path] = None
        return read(path)

    def dataset(self, run: Run) -> Dataset:
        """Return the data of a run, on the device."""
        return load_dataset(run.config, self.device, trust=False, location=self._location)

    def solution(self, run: Run, epoch: object = "last") -> Solution:
        """Return the weights that a run found by an epoch: ``last``, ``init`` or a number."""
        return locate(str(run.path), epoch, key="run")
