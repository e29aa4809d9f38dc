"""`landscape export`: files of every command as tables, and the mistakes of those who ask for one."""

import csv
from pathlib import Path

import numpy as np
import pytest
from contract.made import MLP, succeed

from conftest import Landscape
from landscape_cli import store

MADE = {
    "surface": ["run=run", "x=[-1,1,3]", "y=[-1,1,3]", "samples=50"],
    "interpolate": ["from_run=run", "to_run=run", "from_epoch=init", "alpha=[0,1,5]"],
    "trajectory": ["run=run", "x=[-1,1,3]", "y=[-1,1,3]"],
    "hessian": ["run=run", "x=[-1,1,3]", "y=null", "samples=20"],
}


@pytest.mark.parametrize("command", MADE)
def test_what_each_command_wrote(landscape: Landscape, tmp_path: Path, command: str) -> None:
    succeed(landscape, *MLP, "checkpoint_every=1", "out=run")
    succeed(landscape, command, *MADE[command], "out=made.h5")
    written = succeed(landscape, "export", "file=made.h5")
    assert str(written) == "outputs/exports/made.csv"
    surface = store.read(tmp_path / "made.h5")
    with Path(written).open(newline="") as file:
        rows = list(csv.DictReader(file))
    for name, values in surface.values.items():
        assert np.array([float(row[name]) for row in rows]).tobytes() == values.tobytes()
    assert str(succeed(landscape, "export", "file=made.h5", "out=here/t.csv")) == "here/t.csv"
    assert Path("here/t.csv").read_bytes() == Path("outputs/exports/made.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["file=nothing.h5"], "no file nothing.h5"),
        ([], "missing: file; say file=…"),
        (["file=nothing.h5", "format=xls"], "no format 'xls'; choose from csv"),
    ],
)
def test_mistakes(landscape: Landscape, tmp_path: Path, words: list[str], message: str) -> None:
    outcome = landscape("export", *words)
    assert outcome.status == 1
    assert message in outcome.err
    assert not list(tmp_path.iterdir())
