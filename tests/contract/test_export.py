"""`landscape export`: files of every command for other programs, files of Goldstein's tools, and mistakes."""

import csv
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
from contract.made import MLP, succeed

from conftest import Landscape
from landscape_cli import store

MADE = {
    "surface": ["run=run", "x=[-1,1,3]", "y=[-1,1,3]", "samples=50"],
    "interpolate": ["from_run=run", "to_run=run", "from_epoch=init", "alpha=[0,1,5]"],
    "trajectory": ["run=run", "x=[-1,1,3]", "y=[-1,1,2]"],
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
    arrays = succeed(landscape, "export", "file=made.h5", "format=npz")
    assert arrays == "outputs/exports/made.npz"
    with np.load(arrays) as stored:
        for name, values in surface.values.items():
            assert stored[name].tobytes() == values.tobytes()
        assert ("trajectory/x" in stored) == (command == "trajectory")
    heights = succeed(landscape, "export", "file=made.h5", "format=vtp")
    assert heights == "outputs/exports/made.vtp"
    piece = ElementTree.parse(heights).find("PolyData/Piece")
    assert piece is not None
    lines = {"surface": 0, "interpolate": 4, "trajectory": 2, "hessian": 2}[command]
    assert (piece.attrib["NumberOfPolys"] == "0") == (surface.y is None)
    assert int(piece.attrib["NumberOfLines"]) == lines
    theirs = succeed(landscape, "export", "file=made.h5", "format=tg")
    assert theirs == "outputs/exports/made_tg.h5"
    with h5py.File(theirs) as file:
        assert list(file["xcoordinates"]) == list(surface.x)
        assert ("max_eig" in file) == (command == "hessian")
    again = store.read(Path(theirs))
    for name in again.values:
        np.testing.assert_allclose(again.values[name], surface.values[name], rtol=1e-15)


def test_the_path_of_a_trajectory(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, *MLP, "checkpoint_every=1", "out=run")
    succeed(landscape, "trajectory", *MADE["trajectory"], "out=made.h5")
    written = succeed(landscape, "export", "file=made.h5", "format=path")
    assert written == "outputs/exports/made_path.csv"
    with Path(written).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert float(rows[-1]["x"]) == float(rows[-1]["y"]) == 0
    for row in rows:  # at a checkpoint the loss is the recorded one; the last is on the plane
        for name in ("train_loss", "test_loss", "train_accuracy", "test_accuracy"):
            assert float(row[f"path_{name}"]) == pytest.approx(float(row[name]), rel=1e-5)
    assert float(rows[-1]["plane_train_loss"]) == float(rows[-1]["path_train_loss"])
    assert float(rows[0]["plane_train_loss"]) > 0


def test_a_file_of_goldsteins_tools(landscape: Landscape, tmp_path: Path) -> None:
    for name in ("one", "two"):
        with h5py.File(f"{name}.h5", "w") as file:
            file["dir_file"] = f"nets/{name}_sgd_lr=0.1_bs=128_wd=0.0/model_300.t7_weights_xnorm=filter.h5"
            file["xcoordinates"], file["ycoordinates"] = np.linspace(-1, 1, 4), np.linspace(0, 1, 3)
            file["train_loss"] = np.append(np.linspace(0.1, 5, 10), [-1, -1]).reshape(4, 3)
            file["train_acc"] = np.append(np.linspace(90, 10, 10), [-1, -1]).reshape(4, 3)
            file["max_eig"] = np.append(np.full(10, 3.0), [-1, -1]).reshape(4, 3)
            file["min_eig"] = np.append(np.full(10, -1.0), [1, 1]).reshape(4, 3)
    before = Path("one.h5").read_bytes()
    for words in (
        ["plot", "file=one.h5"],
        ["plot", "file=one.h5,two.h5", "value=accuracy", "out=both.pdf"],
        ["plot", "file=one.h5", "kind=heatmap", "value=eigenvalue_ratio", "out=ratio.png"],
        ["plot", "file=one.h5", "out=one.html"],
        ["report", "file=one.h5,two.h5"],
    ):
        assert Path(succeed(landscape, *words)).stat().st_size > 1000
    text = Path("one.html").read_text()
    assert "eigenvalues of the sum over batches" in text
    with Path(succeed(landscape, "export", "file=one.h5")).open(newline="") as table:
        rows = list(csv.DictReader(table))
    assert [row["evaluated"] for row in rows] == ["1"] * 10 + ["0"] * 2
    assert float(rows[4]["train/loss"]) == np.linspace(0.1, 5, 10)[4]
    assert (rows[4]["x"], rows[4]["y"]) == ("-1.0", "0.5")
    assert float(rows[9]["train/accuracy"]) == pytest.approx(0.1)
    succeed(landscape, *MLP, "out=run")
    outcome = landscape("surface", "run=run", "x=-1:1:4", "y=0:1:3", "out=one.h5")
    assert outcome.status == 1
    assert "one.h5 was begun with another configuration" in outcome.err
    assert Path("one.h5").read_bytes() == before


def test_a_file_is_never_exported_onto_itself(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, *MLP, "out=run")
    succeed(landscape, "surface", "run=run", "x=0:1:2", "y=null", "out=made.h5")
    before = Path("made.h5").read_bytes()
    outcome = landscape("export", "file=made.h5", "format=tg", "out=../" + tmp_path.name + "/made.h5")
    assert outcome.status == 1
    assert "made.h5 is the file that is exported; choose another out=" in outcome.err
    assert Path("made.h5").read_bytes() == before


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["file=nothing.h5"], "no file nothing.h5"),
        ([], "missing: file; say file=…"),
        (
            ["file=nothing.h5", "format=xls"],
            "no format 'xls'; choose from csv, eigenvalues, npz, path, tg, vtp",
        ),
    ],
)
def test_mistakes(landscape: Landscape, tmp_path: Path, words: list[str], message: str) -> None:
    outcome = landscape("export", *words)
    assert outcome.status == 1
    assert message in outcome.err
    assert not list(tmp_path.iterdir())
