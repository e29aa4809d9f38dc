"""Runs and files that a stranger could have sent: a whole run and a plane, and a place for changed copies."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from contract.made import MLP

from conftest import Landscape, carry_out

Sound = Callable[..., str]
"""Called with the words of a command: it succeeds, or tells a mistake in a line; returns what it told."""


@pytest.fixture(scope="package")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run and the files of a plane, a line, a trajectory, spectra and descents."""
    folder = tmp_path_factory.mktemp("whole")
    return carry_out(
        folder,
        (
            [*MLP, "checkpoint_every=1", "out=run"],
            ["surface", "run=run", "x=[-1,1,3]", "y=[-1,1,3]", "out=plane.h5"],
            ["surface", "run=run", "x=[-1,1,3]", "y=null", "out=line.h5"],
            ["trajectory", "run=run", "x=[-1,1,3]", "y=[-1,1,3]", "out=path.h5"],
            ["spectrum", "run=run", "epoch=init,last", "method=lanczos", "k=2", "out=spectrum.h5"],
            ["spectrum", "run=run", "by=layer", "method=slq", "probes=2", "steps=3", "out=density.h5"],
            ["descend", "optimizer=gd,adam", "start=grid:3", "steps=4", "out=descent.h5"],
        ),
    )


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    """An own copy of the run and the files, in the working directory."""
    shutil.copytree(whole, tmp_path, dirs_exist_ok=True)
    return tmp_path


@pytest.fixture
def sound(landscape: Landscape) -> Sound:
    """Run a command and check that it ends well, or in a line that says what is wrong."""

    def check(*words: object) -> str:
        outcome = landscape(*words)  # an exception of ours would come through
        told = outcome.out + outcome.err
        assert outcome.status in (0, 1), told
        assert "Traceback" not in told, told
        if outcome.status:
            lines = [
                line for line in outcome.err.splitlines() if " %" not in line and " points x " not in line
            ]
            assert 1 <= len(lines) <= 2, (words, outcome.err)
        assert all(letter.isprintable() or letter == "\n" for letter in told), repr(told)
        return outcome.err if outcome.status else ""

    return check
