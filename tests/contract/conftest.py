"""Runs and surfaces that real commands make once for all tests of the contract."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from contract.made import GRID, RUNS

from conftest import Landscape, carry_out


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three fully connected runs and two with BatchNorm, dropout and augmentation."""
    folder = tmp_path_factory.mktemp("runs")
    return carry_out(folder, RUNS)


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
    return carry_out(
        runs,
        (
            ["surface", "run=seed0", *GRID, "out=plane.h5"],
            ["surface", "run=seed0", "x=[-1,1,5]", "y=null", "out=line.h5"],
            ["surface", "run=batch10", *GRID, "direction.seed=3", "out=batch.h5"],
        ),
    )
