"""What scripts rely on, sentence by sentence: the run folder."""

import csv
import fcntl
import json
import math
import re
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
import torch
from contract.made import DATA, LAST, METRICS, MLP, metrics, network, succeed
from torch import Tensor, nn

import reference
from conftest import Landscape


def test_a_run_folder_holds_these_files_and_no_other(runs: Path) -> None:
    for run in ("seed0", "batch10"):
        found = {str(path.relative_to(runs / run)) for path in (runs / run).rglob("*") if path.is_file()}
        checkpoints = {"checkpoints/epoch_0000.pt", LAST}
        assert found == {"config.yaml", "metrics.csv", "provenance.json", *checkpoints}


def test_other_checkpoints_are_kept_as_checkpoint_every_says(landscape: Landscape, tmp_path: Path) -> None:
    succeed(landscape, *MLP[:-1], "epochs=5", "checkpoint_every=2", "out=run")
    names = sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir())
    assert names == [f"epoch_000{epoch}.pt" for epoch in (0, 2, 4, 5)]


@pytest.mark.parametrize("schedule", ["constant", "step", "multistep", "cosine", "linear", "exponential"])
def test_no_epochs_are_a_run_of_the_initial_weights(
    landscape: Landscape, tmp_path: Path, schedule: str
) -> None:
    succeed(landscape, *MLP[:-1], "epochs=0", f"schedule={schedule}", "out=run")
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["epoch_0000.pt"]
    assert [row["epoch"] for row in metrics(tmp_path / "run")] == [0]
    succeed(landscape, "surface", "run=run", "x=[-1,1,2]", "y=null")


def test_the_configuration_loads_with_omegaconf_alone(runs: Path) -> None:
    text = (runs / "batch10" / "config.yaml").read_text()
    assert "${" not in text
    assert "???" not in text
    code = (
        "import json, sys\nfrom omegaconf import OmegaConf\n"
        "loaded = OmegaConf.to_container(OmegaConf.load(sys.argv[1]), resolve=True, throw_on_missing=True)\n"
        "assert not {name.split('.')[0] for name in sys.modules} & {'landscape_cli', 'hydra', 'torch'}\n"
        "print(json.dumps(loaded))"
    )
    path = runs / "batch10" / "config.yaml"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True)
    config = json.loads(done.stdout)
    assert config["normalization"] == {"name": "batch"}
    assert (config["batch_size"], config["epochs"], config["augment"]) == (10, 2, "crop_flip")
    assert config["dataset"]["train_size"] == 100


def test_metrics_have_a_row_an_epoch_and_epoch_0_is_before_training(runs: Path) -> None:
    for run, steps in (("seed0", [0, 5, 10]), ("batch50", [0, 2, 4])):
        with (runs / run / "metrics.csv").open(newline="") as file:
            header, *rows = csv.reader(file)
        assert ",".join(header) == METRICS
        assert [int(row[0]) for row in rows] == [0, 1, 2]
        assert [int(row[1]) for row in rows] == steps
        for row in metrics(runs / run):
            assert all(math.isfinite(value) for value in row.values())
            assert row["seconds"] > 0


@pytest.mark.parametrize("run", ["seed0", "batch10"])
@pytest.mark.parametrize("epoch", [0, 2])
def test_metrics_are_those_of_the_epochs_weights_in_evaluation_mode(runs: Path, run: str, epoch: int) -> None:
    model, data = network(runs / run, epoch)
    row = metrics(runs / run)[epoch]
    for split in ("train", "test"):
        loss, accuracy = reference.evaluation(model, getattr(data, split), "cross_entropy")
        assert row[f"{split}_loss"] == pytest.approx(loss, rel=1e-5)
        assert row[f"{split}_accuracy"] == pytest.approx(accuracy, abs=0.011)  # a tie in float32
    norm = math.sqrt(sum(float(p.detach().double().square().sum()) for p in model.parameters()))
    assert row["weight_norm"] == pytest.approx(norm, rel=1e-6)
    twin = model.double().eval()
    outputs = twin(data.train.inputs.double())
    nn.functional.cross_entropy(outputs, data.train.targets).backward()
    gradients = [p.grad for p in twin.parameters() if p.grad is not None]
    gradient = math.sqrt(sum(float(g.square().sum()) for g in gradients))
    assert row["gradient_norm"] == pytest.approx(gradient, rel=1e-4)


def test_provenance_says_what_made_the_run(runs: Path) -> None:
    made_by = json.loads((runs / "seed0" / "provenance.json").read_text())
    assert {"command", "versions", "commit", "device", "dataset_fingerprint", "start", "end"} <= set(made_by)
    assert {"landscape-cli", "python", "torch"} <= set(made_by["versions"])
    assert made_by["commit"] is None or re.fullmatch("[0-9a-f]{40}", made_by["commit"])
    assert made_by["dataset_fingerprint"] == network(runs / "seed0")[1].fingerprint
    assert made_by["device"]
    assert datetime.fromisoformat(made_by["start"]) <= datetime.fromisoformat(made_by["end"])


def test_a_checkpoint_is_plain_data_with_what_a_resume_needs(runs: Path) -> None:
    for epoch, step in ((0, 0), (2, 10)):
        checkpoint = torch.load(runs / "seed0" / "checkpoints" / f"epoch_{epoch:04d}.pt", weights_only=True)
        assert set(checkpoint) == {"format", "epoch", "step", "model", "optimizer", "schedule", "rng"}
        assert isinstance(checkpoint["format"], int)
        assert (checkpoint["epoch"], checkpoint["step"]) == (epoch, step)
        assert {"1.weight", "1.bias"} <= set(checkpoint["model"])
        assert all(isinstance(tensor, Tensor) for tensor in checkpoint["model"].values())


def test_a_users_own_code_runs_with_trust_alone(here: Landscape, runs: Path) -> None:
    (runs / "own_network.py").write_text(
        "from pathlib import Path\nfrom torch import nn\nPath('imported').touch()\n"
        "def make(num_classes): return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes))\n"
    )
    own = ["architecture=custom", "architecture.source=own_network:make"]
    succeed(here, "train", *DATA, *own, "batch_size=20", "epochs=1", "trust=true", "out=own")
    (runs / "imported").unlink()
    del sys.modules["own_network"]
    assert here("surface", "run=own", "x=[-1,1,2]", "y=null", "out=own.h5").status == 1
    assert here("list", "runs", "outputs_dir=.").status == 0
    assert not (runs / "imported").exists()
    succeed(here, "surface", "run=own", "x=[-1,1,2]", "y=null", "out=own.h5", "trust=true")
    assert (runs / "imported").exists()


def test_a_run_begun_before_an_option_of_the_data_set_existed_is_still_that_run(
    landscape: Landscape, tmp_path: Path
) -> None:
    words = [*MLP[:-1], "epochs=1", "out=run"]
    succeed(landscape, *words)
    config = tmp_path / "run" / "config.yaml"
    old = config.read_text().replace("  pool: 1\n", "")
    assert old != config.read_text()
    config.write_text(old)
    before = (tmp_path / "run" / "metrics.csv").stat().st_mtime_ns
    succeed(landscape, *words)
    assert (tmp_path / "run" / "metrics.csv").stat().st_mtime_ns == before
    outcome = landscape(*words, "dataset.pool=2")
    assert outcome.status == 1
    assert "dataset.pool: saved 1, asked for 2" in outcome.err


@pytest.mark.parametrize(
    "words", [["list", "runs"], ["surface", "run=run", "x=-1:1:3", "y=null", "out=s.h5"]]
)
def test_the_next_command_removes_what_a_kill_left(
    tmp_path: Path, landscape: Landscape, words: list[str]
) -> None:
    """A temporary file that no process holds goes; one that is being written stays."""
    assert landscape("train", "epochs=1", "out=run").status == 0
    left, held = (tmp_path / "run" / "checkpoints" / f".epoch_0001.pt-{name}.part" for name in ("a", "b"))
    left.write_bytes(b"half")
    with held.open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        assert landscape(*words, *(["outputs_dir=run"] if words[0] == "list" else [])).status == 0
        assert held.exists()
    assert not left.exists()
