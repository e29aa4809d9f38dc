"""A lab whose runs and surfaces are made up: what is measured on them is known."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.store import Surface, Trajectory

Height = Callable[..., Any]


@dataclass
class MadeRun:
    """A run with metrics."""

    name: str
    seed: int
    test_accuracy: float = 0.9
    weight_norms: Sequence[float] = (1.0, 2.0)
    path: Path = Path("run")

    def metrics(self) -> list[dict[str, float]]:
        return [
            {"test_accuracy": self.test_accuracy, "train_accuracy": 1.0, "weight_norm": norm}
            for norm in self.weight_norms
        ]

    def epoch(self, which: str) -> int:
        return len(self.weight_norms) - 1

    def checkpoint_path(self, epoch: int) -> Path:
        return self.path / "checkpoints" / f"epoch_{epoch:04d}.pt"


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


@dataclass
class MadeLab:
    """Hands out what it was made with, in place of a `Lab`."""

    runs_of: Callable[[str, int], MadeRun]
    names: Sequence[str]
    surface_of: Callable[[MadeRun, Sequence[str]], Surface] | None = None
    line_between: Callable[[MadeRun, MadeRun], Surface] | None = None
    seeds: Sequence[int] = (0, 1, 2)
    asked: list[tuple[str, ...]] = field(default_factory=list)

    @property
    def scale(self) -> Scale:
        return Scale("none", len(self.seeds), {name: [] for name in self.names}, {})

    def run(self, name: str, seed: int) -> MadeRun:
        assert name in self.names
        return self.runs_of(name, seed)

    def surface(self, run: MadeRun, *words: str) -> Surface:
        self.asked.append(words)
        assert self.surface_of is not None
        return self.surface_of(run, words)

    trajectory = hessian = surface

    def interpolate(self, start: MadeRun, end: MadeRun, *words: str) -> Surface:
        self.asked.append(words)
        assert self.line_between is not None
        return self.line_between(start, end)
