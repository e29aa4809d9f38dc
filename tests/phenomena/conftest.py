"""A lab over tiny runs, in an empty folder."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from landscape_cli.commands.reproduce import command
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.reproduction.lab import Lab
from landscape_cli.schemas.reproduction import ReproduceConfig

MakeLab = Callable[..., Lab]


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MakeLab:
    """`lab({"mlp": ["dataset=digits", "epochs=1"]}, seed=1)` is a lab with these runs trained."""
    monkeypatch.chdir(tmp_path)

    def make(runs: Mapping[str, list[str]], seed: int = 0, **scale: Any) -> Lab:
        config = ReproduceConfig(id="made", device="cpu")
        made = Lab(Scale(runs=runs, **scale), seed, partial(command, config), "cpu", config.dataset)
        made.train()
        return made

    return make
