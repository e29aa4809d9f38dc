"""Runs and surfaces that real commands make once for all tests of the contract."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.made import GRID, RUNS

from conftest import Landscape
from landscape_cli import cli


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three fully connected runs and two with BatchNorm, dropout and augmentation."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in RUNS:
            patch.setattr(sys, "argv", ["landscape", *words])
            assert cli.main() == 0
    return folder


@pytest.fixture
def here(landscape: Landscape, runs: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Landscape]:
    """The command line among those runs; what it writes is taken away again."""
    monkeypatch.chdir(runs)
    before = set(runs.rglob("*"))
    yield landscape
    for path in sorted(set(runs.rglob("*")) - before, reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


@pytest.fixture(scope="session")
def surfaces(runs: Path) -> Path:
    """A plane and a line of a fully connected run and a plane of one with BatchNorm."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(runs)
        for words in (
            ["run=seed0", *GRID, "out=plane.h5"],
            ["run=seed0", "x=[-1,1,5]", "y=null", "out=line.h5"],
            ["run=batch10", *GRID, "direction.seed=3", "out=batch.h5"],
        ):
            patch.setattr(sys, "argv", ["landscape", "surface", *words])
            assert cli.main() == 0
    return runs
