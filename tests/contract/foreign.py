"""Weights as other programs would have written them, and what a refused command must leave as it was."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from contract.made import DATA, METRICS
from torch import Tensor

from conftest import Landscape

MLP = ["import", *DATA, "architecture.widths=[12]"]
CNN = ["import", *DATA, "architecture=cnn", "architecture.dropout=0.2", "normalization=batch"]
MEASURED = [name for name in METRICS.split(",") if name not in ("lr", "seconds")]

Weights = dict[str, Tensor]


def weights_of(run: Path, epoch: int = 2) -> Weights:
    found: Weights = torch.load(run / f"checkpoints/epoch_{epoch:04d}.pt", weights_only=True)["model"]
    return found


def elsewhere(runs: Path, folder: Path, names: dict[str, tuple[str, int]], wrap: Callable[..., Any]) -> None:
    """Weights as another program would have written them: file name -> run and epoch."""
    folder.mkdir(exist_ok=True)
    for name, (run, epoch) in names.items():
        torch.save(wrap(weights_of(runs / run, epoch), epoch), folder / name)


def state(folder: Path) -> dict[Path, int | None]:
    return {path: None if path.is_dir() else path.stat().st_mtime_ns for path in folder.rglob("*")}


def refused(landscape: Landscape, *words: object) -> str:
    """The message; nothing may have been written."""
    before = state(Path.cwd())
    outcome = landscape(*words)
    assert (outcome.status, outcome.out) == (1, ""), outcome.err
    assert "Traceback" not in outcome.err
    assert state(Path.cwd()) == before
    return "\n".join(line for line in outcome.err.splitlines() if not line.startswith("reading: "))
