"""A lab over tiny runs, in an empty folder."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from landscape_cli.commands.reproduce import commands
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.schemas.reproduction import ReproduceConfig

MakeLab = Callable[..., Lab]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeLab:
    """`lab({"mlp": ["dataset=digits", "epochs=1"]}, seeds=[0, 1])` is a lab with these runs trained."""
    monkeypatch.chdir(tmp_path)

    def make(
        runs: Mapping[str, list[str]], seeds: Sequence[int] = (0,), settings: Mapping[str, Any] | None = None
    ) -> Lab:
        scale = Scale(cost="none", seeds=len(seeds), runs=runs, settings=settings or {})
        made = Lab(scale, seeds, commands(ReproduceConfig(id="made", device="cpu")), "cpu")
        made.train()
        return made

    return make
