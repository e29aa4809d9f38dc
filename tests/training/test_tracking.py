"""The table of layers: what it holds, that it resumes, and what is refused."""

import csv
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch

from conftest import Landscape
from landscape_cli import open_run as opened
from landscape_cli import plot
from landscape_cli.errors import LandscapeError
from landscape_cli.runs import LAYERS, open_run, parse_layers
from landscape_cli.training import record
from landscape_cli.training.tracking import Tracker

SMALL = ["train", "dataset.train_size=60", "batch_size=20"]
WORDS = [*SMALL, "architecture=cnn", "architecture.dropout=0.3", "normalization=batch", "optimizer=adam"]
WORDS += ["track=weights,activations,gradients"]
MLP = [*SMALL, "architecture.widths=[8]", "epochs=2", "checkpoint_every=1", "track=weights", "out=run"]
STATISTICS = {
    "activation": ["mean", "variance", "dead"],
    "gradient": ["norm", "mean", "variance"],
    "weight": ["norm", "mean", "variance", "update"],
}


def table(path: Path) -> list[dict[str, str]]:
    with (path / "layers.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_row_for_each_epoch_layer_and_quantity(tmp_path: Path, landscape: Landscape) -> None:
    assert landscape(*WORDS, "epochs=4", "evaluate_every=3", "checkpoint_every=4", "out=run").status == 0
    layers = ["features.0", "features.4", "hidden.0", "classifier"]
    expected = [
        (str(epoch), str(3 * epoch), layer, f"{group}_{name}")
        for epoch in (0, 3, 4)
        for group, names in STATISTICS.items()
        for layer in layers
        for name in names
        if epoch or name != "update"
    ]
    rows = table(tmp_path / "run")
    assert [tuple(row[name] for name in LAYERS[:-1]) for row in rows] == expected
    found = opened("run").layers()
    assert found == open_run("run").layers()
    assert [(row["epoch"], row["value"]) for row in found] == [
        (int(row["epoch"]), float(row["value"])) for row in rows
    ]
    saved = torch.load("run/checkpoints/epoch_0004.pt", weights_only=True)
    assert saved["tracked"] is None  # the weights of this row are those of the checkpoint
    weight = saved["model"]["hidden.0.weight"].double()
    last = {row["quantity"]: row["value"] for row in found if (row["epoch"], row["layer"]) == (4, "hidden.0")}
    assert last["weight_norm"] == pytest.approx(float(weight.norm()), rel=1e-12)


def test_updates_are_those_between_rows(tmp_path: Path, landscape: Landscape) -> None:
    assert landscape(*MLP).status == 0
    weights = [
        torch.load(f"run/checkpoints/epoch_000{epoch}.pt", weights_only=True)["model"]["1.weight"].double()
        for epoch in range(3)
    ]
    expected = [float((after - before).norm() / before.norm()) for before, after in pairwise(weights)]
    got = [
        row["value"]
        for row in open_run("run").layers()
        if (row["layer"], row["quantity"]) == ("1", "weight_update")
    ]
    assert got == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("every", [1, 3])
def test_an_interrupted_training_leaves_the_same_table(
    tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Also where the checkpoint is of an epoch without a row: the weights of the last row are in it."""
    monkeypatch.setattr(record, "SECONDS_BETWEEN_SAVES", 0)
    words = [*WORDS, "epochs=7", f"evaluate_every={every}"]
    assert landscape(*words, "out=whole").status == 0
    save = record.Record.save

    def interrupted(self: record.Record, state: object, *, kept: bool = False) -> None:
        save(self, state, kept=kept)  # type: ignore[arg-type]
        if state.epoch == 5:  # type: ignore[attr-defined]
            raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(record.Record, "save", interrupted)
        assert landscape(*words, "out=cut").status == 130
    with (tmp_path / "cut/layers.csv").open("a") as file:
        file.write(
            "6,18,features.0,weight_norm,1.0\n6,18,feat"
        )  # an epoch that did not come to its checkpoint
    assert landscape(*words, "out=cut").status == 0
    assert (tmp_path / "cut/layers.csv").read_bytes() == (tmp_path / "whole/layers.csv").read_bytes()


def test_a_lost_table_is_told(tmp_path: Path, landscape: Landscape, monkeypatch: pytest.MonkeyPatch) -> None:
    assert landscape(*MLP).status == 0
    (tmp_path / "run/checkpoints/epoch_0002.pt").unlink()
    provenance = tmp_path / "run/provenance.json"
    provenance.write_text(provenance.read_text().replace('"end": "', '"end": null, "was": "'))
    path = tmp_path / "run/layers.csv"
    text = path.read_text()
    path.write_text("".join(line for line in text.splitlines(keepends=True) if not line.startswith("1,")))
    assert "layers.csv lacks rows of epochs that metrics.csv has" in landscape(*MLP).err
    path.write_text(text)
    assert landscape(*MLP).status == 0
    assert path.read_text() == text


def test_tracking_changes_nothing_of_the_training(tmp_path: Path, landscape: Landscape) -> None:
    for out, words in {"tracked": WORDS, "plain": [*WORDS, "track=[]"]}.items():
        assert landscape(*words, "epochs=2", f"out={out}").status == 0
    one, other = (
        torch.load(f"{out}/checkpoints/epoch_0002.pt", weights_only=True) for out in ("tracked", "plain")
    )
    assert all(torch.equal(one["model"][name], other["model"][name]) for name in one["model"])
    assert "tracked" not in other
    with pytest.raises(LandscapeError, match=r"plain has no layers.csv; train one with track="):
        open_run("plain").layers()


def test_a_run_is_drawn_and_reported(tmp_path: Path, landscape: Landscape) -> None:
    assert landscape(*MLP).status == 0
    assert (
        landscape("plot", "run=run", "kind=layers", "axis=steps", "out=layers.svg").last_line == "layers.svg"
    )
    figure = plot(run="run", kind="layers", out="again.svg", axis="steps")
    assert [axes.get_ylabel() for axes in figure.axes[:2]] == ["weight norm", "weight mean"]
    assert Path("again.svg").read_bytes() == Path("layers.svg").read_bytes()
    assert landscape("report", "run=run", "out=page.html").status == 0
    assert "<h2>Layers</h2>" in Path("page.html").read_text()
    told = landscape("plot", "run=run,run", "kind=layers").err
    assert "run must be one run folder for kind=layers, got ['run', 'run']" in told
    told = landscape("plot", "run=run", "kind=layers", "value=loss").err
    assert "value must be auto for kind=layers, which draws all, got 'loss'" in told
    with pytest.raises(LandscapeError, match="one run for kind=layers"):
        plot(run=["run", "run"], kind="layers")
    assert landscape(*MLP[:-2], "out=plain").status == 0
    assert "plain has no layers.csv" in landscape("plot", "run=plain", "kind=layers").err


def test_mistakes_are_told(landscape: Landscape) -> None:
    told = landscape("train", "track=weights,outputs").err
    assert (
        "track must be a list of some of activations, gradients, weights, got ['weights', 'outputs']" in told
    )
    with pytest.raises(LandscapeError, match="Flatten has none; leave it out"):
        Tracker(["weights"], torch.nn.Flatten())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("epoch,step,layer,value\n", "its columns are not epoch, step, layer, quantity, value"),
        ("epoch,step,layer,quantity,value\n0,0,a,b\n", "row 1 has an entry that is missing or no number"),
        ("epoch,step,layer,quantity,value\n0.5,0,a,b,1\n", "row 1 has an entry"),
        ("epoch,step,layer,quantity,value\n2,0,a,b,1\n1,0,a,b,1\n", "epoch 1 comes after epoch 2"),
    ],
)
def test_a_damaged_table_is_told(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        parse_layers(text)


def test_what_a_kill_cut_short_is_left_out() -> None:
    head = "epoch,step,layer,quantity,value\n"
    assert parse_layers("") == parse_layers(head + "0,0,a,b,1") == []
    (row,) = parse_layers(head + "0,0,a,b,nan\n0,0,a,")
    assert np.isnan(row["value"])
