"""What scripts rely on, sentence by sentence, on run folders and surface files that real commands made."""

import csv
import hashlib
import json
import math
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

import reference
from conftest import Landscape
from landscape_cli import cli
from landscape_cli.architectures.build import build
from landscape_cli.data.load import Dataset, load
from landscape_cli.data.selection import balanced
from landscape_cli.data.streams import stream
from landscape_cli.files import only_writer
from landscape_cli.weights.directions import gaussian

METRICS = "epoch,step,lr,train_loss,train_accuracy,test_loss,test_accuracy,weight_norm,gradient_norm,seconds"
DATA = ["dataset.train_size=100", "dataset.test_size=50"]
MLP = ["train", *DATA, "architecture.widths=[12]", "batch_size=20", "epochs=2"]
BATCH = ["train", *DATA, "architecture=cnn", "architecture.dropout=0.2", "normalization=batch", "epochs=2"]
RUNS = [
    *([*MLP, f"seed={seed}", f"out=seed{seed}"] for seed in (0, 1, 2)),
    *([*BATCH, "augment=crop_flip", f"batch_size={size}", f"out=batch{size}"] for size in (10, 50)),
]
LAST = "checkpoints/epoch_0002.pt"


@pytest.fixture(scope="module")
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


def network(run: Path, epoch: int = 2) -> tuple[nn.Module, Dataset]:
    config: Any = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
    data = load(config["dataset"], torch.device("cpu"))
    model = build(config["architecture"], config["normalization"], data.input_shape, data.classes)
    checkpoint = torch.load(run / "checkpoints" / f"epoch_{epoch:04d}.pt", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    return model, data


def metrics(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def values(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        names = [f"{split}/{name}" for split in ("train", "test") for name in file.get(split, {})]
        return {name: file[name][...] for name in ["x", *(["y"] if "y" in file else []), *names]}


def attributes(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return dict(file.attrs)


def direction(path: Path, axis: str) -> dict[str, Tensor]:
    with h5py.File(path) as file:
        return {name: torch.from_numpy(values[...]) for name, values in file[f"directions/{axis}"].items()}


def succeed(landscape: Landscape, *words: object) -> str:
    outcome = landscape(*words)
    assert outcome.status == 0, outcome.err
    return outcome.last_line


# --- a run folder


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


# --- a surface file

GRID = ["x=[-1,1,5]", "y=[-0.5,0.5,3]"]


@pytest.fixture(scope="module")
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


def test_a_surface_file_has_these_datasets(surfaces: Path) -> None:
    found = values(surfaces / "plane.h5")
    assert set(found) == {"x", "y", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert all(array.dtype == np.float64 for array in found.values())
    np.testing.assert_allclose(found["x"], np.linspace(-1, 1, 5))
    np.testing.assert_allclose(found["y"], [-0.5, 0, 0.5])
    assert {array.shape for name, array in found.items() if "/" in name} == {(3, 5)}
    assert np.isfinite([array for name, array in found.items() if "/" in name]).all()
    line = values(surfaces / "line.h5")
    assert set(line) == set(found) - {"y"}
    assert {array.shape for array in line.values()} == {(5,)}
    np.testing.assert_array_equal(line["train/loss"], found["train/loss"][1])  # y = 0


def test_a_surface_file_has_these_attributes(surfaces: Path) -> None:
    found = attributes(surfaces / "plane.h5")
    assert found["format"] == "landscape-surface"
    assert {"version", "config", "command", "checkpoint", "provenance", "origin_check"} <= set(found)
    config = OmegaConf.create(found["config"])
    assert config.run == "seed0"
    assert config.x == [-1, 1, 5]
    assert config.direction.name == "random"
    (checkpoint,) = json.loads(found["checkpoint"])
    content = (surfaces / checkpoint["path"]).read_bytes()
    assert checkpoint["path"] == f"seed0/{LAST}"
    assert checkpoint["sha256"] == hashlib.sha256(content).hexdigest()
    fingerprint = network(surfaces / "seed0")[1].fingerprint
    assert json.loads(found["provenance"])["dataset_fingerprint"] == fingerprint
    checks = json.loads(found["origin_check"])
    assert [check["split"] for check in checks] == ["train", "test"]
    recorded = metrics(surfaces / "seed0")[-1]
    for check in checks:
        assert check["recorded"] == recorded[f"{check['split']}_loss"]
        assert check["measured"] == pytest.approx(check["recorded"], rel=1e-6)


def test_directions_are_float32_by_parameter_name(surfaces: Path) -> None:
    for name, run in (("plane", "seed0"), ("batch", "batch10")):
        parameters = dict(network(surfaces / run)[0].named_parameters())
        x, y = (direction(surfaces / f"{name}.h5", axis) for axis in "xy")
        assert set(x) == set(y) == set(parameters)
        for parameter, tensor in parameters.items():
            assert x[parameter].dtype == torch.float32
            assert x[parameter].shape == tensor.shape
            assert tensor.ndim < 2 or not torch.equal(x[parameter], y[parameter])
    with h5py.File(surfaces / "line.h5") as file:
        assert set(file["directions"]) == {"x"}


@pytest.mark.parametrize(("name", "run"), [("plane", "seed0"), ("batch", "batch10")])
def test_filters_of_a_direction_have_the_norms_of_the_checkpoints(
    surfaces: Path, name: str, run: str
) -> None:
    for axis in "xy":
        stored = direction(surfaces / f"{name}.h5", axis)
        for parameter, weight in network(surfaces / run)[0].named_parameters():
            if weight.ndim < 2:
                assert not stored[parameter].any(), parameter
                continue
            norms = (
                tensor.double().flatten(1).norm(dim=1) for tensor in (stored[parameter], weight.detach())
            )
            torch.testing.assert_close(*norms, rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("norm", ["filter", "layer", "none"])
def test_a_direction_is_the_seeds_gaussian_normalized(here: Landscape, runs: Path, norm: str) -> None:
    torch.rand(7)  # what else drew random numbers does not matter
    path = runs / "d.h5"
    succeed(
        here,
        "surface",
        "run=batch10",
        "x=[-1,1,2]",
        "y=null",
        "direction.seed=5",
        f"direction.norm={norm}",
        "out=d.h5",
    )
    for name, weight in network(runs / "batch10")[0].named_parameters():
        stored = direction(path, "x")[name]
        if weight.ndim < 2:
            assert not stored.any()
            continue
        d = gaussian(tuple(weight.shape), 5, "x", name)
        if norm == "filter":
            d = reference.filter_normalized(d, weight.detach())
        elif norm == "layer":
            d = d * (weight.double().norm() / (d.norm() + 1e-10))
        torch.testing.assert_close(stored.double(), d.detach(), rtol=1e-5, atol=1e-7)


def test_the_origin_has_the_recorded_loss(surfaces: Path) -> None:
    for name, run in (("plane", "seed0"), ("batch", "batch10")):
        found, recorded = values(surfaces / f"{name}.h5"), metrics(surfaces / run)[-1]
        for split in ("train", "test"):
            for value in ("loss", "accuracy"):
                assert found[f"{split}/{value}"][1, 2] == pytest.approx(
                    recorded[f"{split}_{value}"], rel=1e-6
                )


@pytest.mark.parametrize(("name", "run"), [("plane", "seed0"), ("batch", "batch10")])
def test_values_are_y_x_and_means_over_the_split_in_evaluation_mode(
    surfaces: Path, name: str, run: str
) -> None:
    """BatchNorm's running statistics stay those of the checkpoint: the twin moves the parameters alone."""
    model, data = network(surfaces / run)
    path = surfaces / f"{name}.h5"
    found, x, y = values(path), direction(path, "x"), direction(path, "y")
    for i, j in ((0, 4), (2, 0), (1, 3)):
        twin = reference.moved(model, [(found["x"][j], x), (found["y"][i], y)])
        for split in ("train", "test"):
            loss, accuracy = reference.evaluation(twin, getattr(data, split), "cross_entropy")
            assert found[f"{split}/loss"][i, j] == pytest.approx(loss, rel=1e-5)
            assert found[f"{split}/accuracy"][i, j] == pytest.approx(accuracy, abs=0.021)


def test_accuracy_is_a_fraction(surfaces: Path) -> None:
    found = values(surfaces / "plane.h5")
    for split, n in (("train", 100), ("test", 50)):
        correct = found[f"{split}/accuracy"] * n
        assert ((correct >= 0) & (correct <= n)).all()
        np.testing.assert_allclose(correct, np.round(correct), atol=1e-9)
        assert correct.max() > 0.2 * n


def test_a_loss_that_is_not_finite_is_plus_infinity(here: Landscape, runs: Path) -> None:
    succeed(here, "surface", "run=seed0", "x=[-1e38,1e38,3]", "y=null", "out=far.h5")
    for split in ("train", "test"):
        loss = values(runs / "far.h5")[f"{split}/loss"]
        assert loss[0] == loss[2] == np.inf
        assert np.isfinite(loss[1])


def test_epoch_init_is_the_surface_around_the_initial_weights(here: Landscape, runs: Path) -> None:
    first = metrics(runs / "batch10")[0]
    for epoch in ("init", 0):
        path = runs / succeed(here, "surface", "run=batch10", f"epoch={epoch}", "x=[-1,1,3]", "y=null")
        assert values(path)["train/loss"][1] == pytest.approx(first["train_loss"], rel=1e-6)
        assert json.loads(attributes(path)["checkpoint"])[0]["path"].endswith("epoch_0000.pt")


def test_samples_are_one_subset_with_the_standard_error(here: Landscape, runs: Path) -> None:
    line = ["surface", "run=seed0", "y=null", "samples=30", "splits=[train]"]
    succeed(here, *line, "x=[-1,1,3]", "seed=4", "out=a.h5")
    succeed(here, *line, "x=[0,3,4]", "seed=4", "out=b.h5")
    succeed(here, *line, "x=[-1,1,3]", "seed=5", "out=c.h5")
    a, b, c = (values(runs / f"{name}.h5") for name in "abc")
    assert set(a) == {"x", "train/loss", "train/accuracy", "train/loss_stderr"}
    model, data = network(runs / "seed0")
    chosen = balanced(data.train.targets.numpy(), 30, 10, stream(4, "train"), key="samples")
    for alpha, loss, stderr in zip(a["x"], a["train/loss"], a["train/loss_stderr"], strict=True):
        twin = reference.moved(model, [(float(alpha), direction(runs / "a.h5", "x"))])
        outputs = twin(data.train.inputs[chosen].double()).detach()
        losses = nn.functional.cross_entropy(outputs, data.train.targets[chosen], reduction="none")
        assert loss == pytest.approx(float(losses.mean()), rel=1e-5)
        assert stderr == pytest.approx(float(losses.std() / math.sqrt(30)), rel=1e-4)
    for name in ("train/loss", "train/accuracy", "train/loss_stderr"):
        np.testing.assert_array_equal(a[name][1:], b[name][:2])  # the points that both have
    assert (a["train/loss"] != c["train/loss"]).all()


@pytest.mark.parametrize("name", ["plane", "line"])
def test_a_resumed_file_gets_what_it_lacks_and_keeps_the_rest(
    here: Landscape, surfaces: Path, name: str
) -> None:
    whole, path = surfaces / f"{name}.h5", surfaces / "resumed.h5"
    path.write_bytes(whole.read_bytes())
    index = ((0, 3), (2, 1), (1, 2)) if name == "plane" else ((3,), (1,), (2,))
    with h5py.File(path, "r+") as file:
        file["train/loss"][index[0]] = np.nan
        file["test/accuracy"][index[1]] = np.nan
        file["test/loss"][index[2]] = 7.25  # shows whether a value that is there is computed again
    y = GRID[1] if name == "plane" else "y=null"
    assert succeed(here, "surface", "run=seed0", GRID[0], y, "out=resumed.h5") == "resumed.h5"
    expected = values(whole)
    expected["test/loss"][index[2]] = 7.25
    for dataset, array in values(path).items():
        np.testing.assert_array_equal(array, expected[dataset], err_msg=dataset)
    assert attributes(path) == attributes(whole)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["run=seed0", "x=[-1,1,5]", "y=[-0.5,0.5,5]"], "y: saved [-0.5, 0.5, 3], asked for [-0.5, 0.5, 5]"),
        (["run=seed0", *GRID, "direction.seed=1"], "direction.seed: saved 0, asked for 1"),
        (["run=seed1", *GRID], "was begun with another configuration"),
        (["run=seed0", "epoch=init", *GRID], "epoch: saved last, asked for init"),
    ],
)
def test_a_file_of_another_configuration_is_refused(
    here: Landscape, surfaces: Path, words: list[str], expected: str
) -> None:
    before = (surfaces / "plane.h5").read_bytes()
    outcome = here("surface", *words, "out=plane.h5")
    assert outcome.status == 1
    assert expected in outcome.err
    assert (surfaces / "plane.h5").read_bytes() == before


def test_the_same_run_by_another_spelling_resumes_too(here: Landscape, surfaces: Path) -> None:
    """A shell completes a folder with a slash at its end."""
    for run in ("seed0/", "./seed0", surfaces / "seed0"):
        assert succeed(here, "surface", f"run={run}", *GRID, "out=plane.h5") == "plane.h5"


def test_a_file_has_one_writer(here: Landscape, surfaces: Path) -> None:
    with only_writer(surfaces / "plane.h5"):
        outcome = here("surface", "run=seed0", *GRID, "out=plane.h5")
    assert outcome.status == 1
    assert "being written by another process" in outcome.err


@pytest.mark.parametrize(
    "words",
    [["run=seed1", *GRID], ["run=seed0", "direction=runs", "direction.to=seed1", "x=[0,1,2]", "y=null"]],
)
def test_a_checkpoint_whose_loss_is_not_the_recorded_one_is_refused_with_both(
    here: Landscape, runs: Path, words: list[str]
) -> None:
    """Whether it lies at the origin or at another known place of the line."""
    path = runs / "seed1" / LAST
    before = path.read_bytes()
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["model"]["1.weight"][0] += 0.5
    torch.save(checkpoint, path)
    try:
        outcome = here("surface", *words, "out=tampered.h5")
        model, data = network(runs / "seed1")
    finally:
        path.write_bytes(before)
    assert outcome.status == 1
    measured, recorded = (float(number) for number in re.findall(r"\d+\.\d{4,}", outcome.err)[:2])
    expected = reference.evaluation(model, data.train, "cross_entropy")[0]
    assert measured == pytest.approx(expected, rel=1e-5)
    assert recorded == pytest.approx(metrics(runs / "seed1")[-1]["train_loss"], rel=1e-6)
    assert not (runs / "tampered.h5").exists()


# --- interpolation, and planes through runs


@pytest.mark.parametrize("batchnorm", ["interpolate", "recompute", "keep"])
def test_interpolate_writes_a_line_over_alpha(here: Landscape, runs: Path, batchnorm: str) -> None:
    words = [
        "interpolate",
        "from_run=batch10",
        "to_run=batch50",
        "alpha=[-0.5,1.5,5]",
        f"batchnorm={batchnorm}",
    ]
    outcome = here(*words, "out=i.h5")
    assert (outcome.status, outcome.last_line) == (0, "i.h5")
    found = values(runs / "i.h5")
    assert set(found) == {"x", "train/loss", "train/accuracy", "test/loss", "test/accuracy"}
    assert found["x"].tolist() == [-0.5, 0, 0.5, 1, 1.5]
    assert attributes(runs / "i.h5")["format"] == "landscape-surface"
    for split in ("train", "test"):
        loss = found[f"{split}/loss"]
        start, end = (metrics(runs / run)[-1][f"{split}_loss"] for run in ("batch10", "batch50"))
        assert (loss[1] == pytest.approx(start, rel=1e-5)) == (batchnorm != "recompute")
        assert (loss[3] == pytest.approx(end, rel=1e-5)) == (batchnorm == "interpolate")
        rise = loss[1:4] - np.linspace(loss[1], loss[3], 3)
        printed = re.search(rf"^{split}: barrier (\S+) at alpha (\S+),", outcome.out, re.MULTILINE)
        assert printed is not None, outcome.out
        assert float(printed[1]) == pytest.approx(rise.max(), rel=1e-4, abs=1e-6)
        assert float(printed[2]) == [0, 0.5, 1][int(rise.argmax())]


def test_batchnorm_statistics_go_with_the_weights_or_stay(here: Landscape, runs: Path) -> None:
    (one, data), (other, _) = network(runs / "batch10"), network(runs / "batch50")
    buffers, ends = (
        dict(one.named_buffers()),
        {**dict(other.named_parameters()), **dict(other.named_buffers())},
    )
    own = {**dict(one.named_parameters()), **buffers}
    way = {name: (ends[name] - own[name]).detach() for name in own if own[name].is_floating_point()}
    for batchnorm in ("interpolate", "keep"):
        if batchnorm == "keep":
            way = {name: tensor for name, tensor in way.items() if name not in buffers}
        words = [
            "from_run=batch10",
            "to_run=batch50",
            "alpha=[0,1,3]",
            f"batchnorm={batchnorm}",
            f"out={batchnorm}.h5",
        ]
        succeed(here, "interpolate", *words)
        expected = reference.evaluation(reference.moved(one, [(0.5, way)]), data.test, "cross_entropy")[0]
        assert values(runs / f"{batchnorm}.h5")["test/loss"][1] == pytest.approx(expected, rel=1e-5)


def test_recomputed_statistics_do_not_know_which_end_they_come_from(here: Landscape, runs: Path) -> None:
    for one, other in (("batch10", "batch50"), ("batch50", "batch10")):
        words = [
            f"from_run={one}",
            f"to_run={other}",
            "alpha=[0,1,3]",
            "batchnorm=recompute",
            f"out={one}.h5",
        ]
        succeed(here, "interpolate", *words)
    there, back = (values(runs / f"{run}.h5") for run in ("batch10", "batch50"))
    for name in ("train/loss", "test/loss"):
        np.testing.assert_allclose(there[name], back[name][::-1], rtol=1e-4)


def test_a_line_toward_another_run_ends_there(here: Landscape, runs: Path) -> None:
    words = ["direction=runs", "direction.to=batch50", "x=[0,1,3]", "y=null", "out=to.h5"]
    succeed(here, "surface", "run=batch10", *words)
    loss = values(runs / "to.h5")["train/loss"]
    for place, run in ((0, "batch10"), (2, "batch50")):
        assert loss[place] == pytest.approx(metrics(runs / run)[-1]["train_loss"], rel=1e-5)


def test_a_plane_goes_through_three_solutions(here: Landscape, runs: Path) -> None:
    plain = ["surface", "run=seed0", "direction=runs", "direction.to=[seed1,seed2]"]
    succeed(here, *plain, "x=[0,1,3]", "y=[0,1,3]", "out=three.h5")
    recorded = [metrics(runs / f"seed{seed}")[-1]["train_loss"] for seed in (0, 1, 2)]
    loss = values(runs / "three.h5")["train/loss"]
    assert [loss[0, 0], loss[0, 2], loss[2, 0]] == pytest.approx(recorded, rel=1e-5)
    assert json.loads(attributes(runs / "three.h5")["marks"]) == [
        ["seed 0", 0.0, 0.0],
        ["seed 1", 1.0, 0.0],
        ["seed 2", 0.0, 1.0],
    ]


def test_an_orthogonalized_plane_has_the_third_solution_at_its_mark(here: Landscape, runs: Path) -> None:
    plain = [
        "surface",
        "run=seed0",
        "direction=runs",
        "direction.to=[seed1,seed2]",
        "direction.orthogonalize=true",
    ]
    succeed(here, *plain, "x=[0,1,2]", "y=[0,1,2]", "out=first.h5")
    dx, dy = (direction(runs / "first.h5", axis) for axis in "xy")
    inner, lengths = sum(float((dx[n].double() * dy[n]).sum()) for n in dx), []
    for d in (dx, dy):
        lengths.append(math.sqrt(sum(float(tensor.double().square().sum()) for tensor in d.values())))
    assert abs(inner) < 1e-6 * lengths[0] * lengths[1]
    along, across = json.loads(attributes(runs / "first.h5")["marks"])[2][1:]
    assert across == 1.0
    assert along != 0.0
    third = dict(network(runs / "seed2")[0].named_parameters())
    for name, start in network(runs / "seed0")[0].named_parameters():
        place = start.detach() + along * dx[name] + dy[name]
        torch.testing.assert_close(place, third[name].detach(), rtol=1e-5, atol=1e-6)
    first, last = sorted([0.0, along])
    succeed(here, *plain, f"x=[{first},{last},2]", "y=[0,1,2]", "out=corner.h5")
    corner = values(runs / "corner.h5")["test/loss"][1, [first, last].index(along)]
    assert corner == pytest.approx(metrics(runs / "seed2")[-1]["test_loss"], rel=1e-5)


# --- commands


def test_the_last_line_of_every_command_is_the_path_it_wrote(here: Landscape, surfaces: Path) -> None:
    for words, path in (
        ([*MLP, "out=a/run"], "a/run"),
        (["surface", "run=seed0", "x=[-1,1,2]", "y=null", "out=a/b/s.h5"], "a/b/s.h5"),
        (["interpolate", "from_run=seed0", "to_run=seed1", "alpha=[0,1,2]", "out=a/i.h5"], "a/i.h5"),
        (["plot", "file=plane.h5", "out=a/p.svg"], "a/p.svg"),
        (["plot", "file=plane.h5", "kind=interactive", "out=a/p.html"], "a/p.html"),
        (["report", "run=[seed0]", "file=[plane.h5,line.h5]", "out=a/r.html"], "a/r.html"),
    ):
        assert succeed(here, *words) == path
        assert (surfaces / path).exists()


def test_default_names_are_readable_and_the_same_each_time(here: Landscape, surfaces: Path) -> None:
    for words in (
        [*MLP, "optimizer.lr=0.05"],
        ["surface", "run=seed0", *GRID, "direction.norm=layer"],
        ["surface", "run=batch10", "direction=runs", "direction.to=[batch50]", "x=[0,1,2]", "y=null"],
        ["interpolate", "from_run=seed0", "to_run=seed1", "alpha=[0,1,2]", "from_epoch=init"],
        ["plot", "file=[plane.h5,batch.h5]", "kind=heatmap"],
        ["report", "file=[line.h5]"],
    ):
        path = succeed(here, *words, "outputs_dir=else/where")
        assert path.startswith("else/where/")
        assert re.fullmatch(
            r"[A-Za-z0-9._+/-]+", path
        )  # no = and no comma: it can be given to the next command
        assert not re.search(r"20\d\d-?\d\d-?\d\d|\d\d[-_:]\d\d[-_:]\d\d", path)
        assert (surfaces / path).exists()
        assert succeed(here, *words, "outputs_dir=else/where") == path
    assert succeed(here, "report", "file=[line.h5]").startswith("outputs/")


def test_a_multirun_makes_a_file_for_each_job(here: Landscape, runs: Path) -> None:
    outcome = here(*MLP[:-1], "epochs=0", "seed=7,8", "optimizer=sgd,adam", "--multirun")
    assert outcome.status == 0
    trained = outcome.out.split()
    assert len(set(trained)) == len(trained) == 4
    found = {
        (config.seed, config.optimizer.name)
        for config in map(OmegaConf.load, (f"{p}/config.yaml" for p in trained))
    }
    assert found == {(7, "sgd"), (7, "adam"), (8, "sgd"), (8, "adam")}
    outcome = here(
        "surface",
        "run=seed0,seed1",
        "direction.seed=0,1",
        "direction.norm=filter,none",
        "x=[-1,1,2]",
        "y=null",
        "-m",
    )
    assert outcome.status == 0
    files = outcome.out.split()
    assert len({(runs / path).read_bytes() for path in files}) == len(set(files)) == 8
    assert not list(runs.glob("multirun"))


def test_elsewhere_than_on_a_terminal_progress_is_a_line_now_and_then(landscape: Landscape) -> None:
    outcome = landscape(*MLP[:-1], "epochs=12", "out=run")
    lines = outcome.err.splitlines()
    assert 1 <= len(lines) <= 3
    assert re.search(r"1200 of 1200 in .* to go, .*/s", lines[-1])
    outcome = landscape("surface", "run=run", "x=[-1,1,9]", "y=[-1,1,9]", "out=s.h5")
    assert 1 <= len(outcome.err.splitlines()) <= 2
    assert re.search(r"81 of 81 in .* to go, .*/s", outcome.err)


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_a_commands_help_names_its_keys_and_does_nothing(
    landscape: Landscape, tmp_path: Path, command: str
) -> None:
    line = [sys.executable, "-m", "landscape_cli", command, "--help"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout.startswith(f"landscape {command}: ")
    shown = landscape(command, "--cfg", "job")
    assert shown.status == 0
    for key in OmegaConf.create(shown.out):
        assert re.search(rf"^'?{key}'?:", done.stdout, re.MULTILINE), key
    assert not list(tmp_path.iterdir())


def test_help_lists_the_commands_with_a_line_each(landscape: Landscape) -> None:
    lines = landscape("--help").out.splitlines()
    for command in ("train", "surface", "interpolate", "plot", "list"):
        assert any(re.match(rf"  {command} +\w", line) for line in lines), command
    assert re.fullmatch(r"landscape \d+\.\d+\.\d+\S*\n", landscape("--version").out)


def test_python_m_landscape_cli_is_landscape(tmp_path: Path) -> None:
    words = [*MLP[:-1], "epochs=1", "out=run"]
    done = subprocess.run(
        [sys.executable, "-m", "landscape_cli", *words],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "run"
    command = json.loads((tmp_path / "run" / "provenance.json").read_text())["command"]
    assert re.match(r"(landscape|python\S* -m landscape_cli) train ", command)
    assert command.endswith("out=run")
