"""A lab of one seed whose runs and surfaces are made up, so that what is measured on them is known."""

import copy
import importlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from landscape_cli.reproduction.catalogue import Scale, phenomenon
from landscape_cli.reproduction.claims import judge
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.runs import METRICS
from landscape_cli.store import Surface, Trajectory
from landscape_cli.store.table import Table

Columns = Mapping[str, Sequence[float]]
Height = Callable[..., Any]


@dataclass(frozen=True)
class MadeRun:
    """A run with these columns of metrics; the others are NaN."""

    path: Path
    columns: Columns
    config: Mapping[str, Any] = field(default_factory=lambda: {"loss": "cross_entropy"})

    def metrics(self) -> list[dict[str, float]]:
        """Return the rows."""
        epochs = range(max(map(len, self.columns.values()), default=0))
        return [
            {key: self.columns[key][epoch] if key in self.columns else math.nan for key in METRICS}
            for epoch in epochs
        ]


class MadeLab(Lab):
    """Hands out what it was made with, and keeps what it is asked for.

    Args:
        runs: name -> the columns of its metrics.
        computed: the names of one run, or of two for a line between them, and words -> what a command
            computes.
        networks: name -> network; the same at every epoch.
        seed: of the lab.
        tables: the names of runs and words -> the values of `landscape sharpness`, by column.

    Attributes:
        asked: for every surface or line, the command, the names of the runs and the words.
    """

    def __init__(
        self,
        runs: Mapping[str, Columns],
        computed: Callable[[Sequence[str], Sequence[str]], Surface] | None = None,
        networks: Mapping[str, nn.Module] | None = None,
        seed: int = 0,
        tables: Callable[[Sequence[str], Sequence[str]], Columns] | None = None,
    ) -> None:
        super().__init__(Scale(), seed, _no_command, "cpu")
        self.runs = {name: MadeRun(Path(name), columns) for name, columns in runs.items()}  # type: ignore[misc]
        self.asked: list[tuple[str, ...]] = []
        self._made, self._networks, self._tables = computed, networks or {}, tables

    def network(self, name: str, epoch: object = "last") -> nn.Module:
        """Return the network of a run."""
        assert name in self.runs
        return copy.deepcopy(self._networks[name])

    def sharpness(self, names: Sequence[str], *words: str) -> Table:
        """Return the made table of these runs."""
        assert self._tables is not None
        columns = self._tables(names, words)
        rows = [{name: str(of[row]) for name, of in columns.items()} for row in range(len(names))]
        return Table(Path("made.csv"), list(columns), rows)

    def _computed(self, command: str, ends: list[str], words: tuple[str, ...]) -> Surface:
        names = [end.partition("=")[2] for end in ends]
        assert self._made is not None
        self.asked.append((command, *names, *words))
        return self._made(names, words)


def _no_command(name: str, words: list[str]) -> Path:
    raise AssertionError(f"nothing is computed in a made-up lab: {name} {' '.join(words)}")


def labs(count: int = 3) -> list[MadeLab]:
    """Return a lab without runs for each seed."""
    return [MadeLab({}, seed=seed) for seed in range(count)]


def made_surface(
    values: Mapping[str, Height], x: Any, y: Any = None, trajectory: Trajectory | None = None
) -> Surface:
    """Return a surface with these heights over the grid; `y` None: a line."""
    shape = (len(x),) if y is None else (len(y), len(x))
    places = (x,) if y is None else tuple(np.meshgrid(x, y))
    arrays = {name: np.broadcast_to(height(*places), shape).astype(float) for name, height in values.items()}
    return Surface(
        path=Path("made.h5"),
        x=x,
        y=y,
        values=arrays,
        evaluated=np.ones(shape, bool),
        interpolation_error=np.full(shape, np.nan),
        config={"direction": {"name": "random", "norm": "filter", "seed": 0}, "epoch": "last"},
        run_config={"loss": "cross_entropy"},
        attributes={},
        marks=[("here", 0.0, 0.0)],
        trajectory=trajectory,
    )


def measure(name: str, labs: Iterable[Lab], scale: str = "small", **settings: Any) -> list[Measured]:
    """Return what a phenomenon measures in each lab, as it is read again from its file.

    Args:
        name: its id.
        labs: one a seed.
        scale: whose settings are taken.
        settings: in place of the scale's.
    """
    entry = phenomenon(name)
    function = getattr(_topic(name), name.replace("-", "_"))
    given = {**entry.scale(scale).settings, **settings}
    return [_kept({"seed": lab.seed, **function(lab, **given)}) for lab in labs]


def _kept(measured: Measured) -> Measured:
    def kept(value: Any) -> Any:
        if isinstance(value, Mapping):
            return _kept(value)
        return value if isinstance(value, Surface) else np.asarray(value)[()]

    return {name: kept(value) for name, value in measured.items()}


def verdicts(name: str, seeds: Sequence[Measured], scale: str = "small") -> list[str]:
    """Return the verdicts on a phenomenon's claims, in the order of its record, those of the scale last."""
    return [claim.verdict for claim in judge(phenomenon(name).scale(scale), seeds)]


def drawn(name: str, seeds: Sequence[Measured], scale: str = "small") -> dict[str, Any]:
    """Return a phenomenon's pictures."""
    draw = getattr(_topic(name), f"draw_{name.replace('-', '_')}")
    pictures: dict[str, Any] = draw(seeds, **phenomenon(name).scale(scale).drawing)
    return pictures


def _topic(name: str) -> Any:
    return importlib.import_module(f"landscape_cli.phenomena.{phenomenon(name).topic}")
