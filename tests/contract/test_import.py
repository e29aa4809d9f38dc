"""`landscape import`: run folders of weights that were trained elsewhere, on which every command works."""

import csv
import hashlib
import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from contract.foreign import CNN, MEASURED, MLP, Weights, elsewhere, refused, weights_of
from contract.made import LAST, METRICS, attributes, metrics, network, succeed, values
from omegaconf import OmegaConf
from safetensors.torch import save_file
from torch import nn
from weights.their_resnet import TheirResNet

import reference
from conftest import Landscape
from landscape_cli import checkpoint
from landscape_cli.composition import settings_from
from landscape_cli.config import CONF


@pytest.mark.parametrize(("words", "run"), [(MLP, "seed0"), (CNN, "batch10")], ids=["mlp", "cnn"])
@pytest.mark.parametrize("match", ["names", "order"])
def test_ones_own_checkpoints_have_the_losses_that_training_recorded(
    here: Landscape, runs: Path, words: list[str], run: str, match: str
) -> None:
    outcome = here(*words, f"weights={run}", f"match={match}", "out=imported")
    assert (outcome.status, outcome.last_line) == (0, "imported"), outcome.err
    trained, imported = metrics(runs / run), metrics(runs / "imported")
    assert [row["epoch"] for row in imported] == [0, 2]
    for row, expected in zip(imported, (trained[0], trained[2]), strict=True):
        for name in MEASURED:
            assert row[name] == pytest.approx(expected[name], rel=1e-9), name
        assert math.isnan(row["lr"])
        assert (
            f"epoch {row['epoch']:.0f}: loss {row['train_loss']:.6g} on the training split,"
            f" {row['test_loss']:.6g} on the test split, accuracy {row['train_accuracy']:.2%} and"
            f" {row['test_accuracy']:.2%}"
        ) in outcome.out
    for epoch in (0, 2):
        mine = weights_of(runs / "imported", epoch)
        assert list(mine) == list(weights_of(runs / run, epoch))
        for name, one in weights_of(runs / run, epoch).items():  # order leaves counters of batches out
            assert torch.equal(mine[name], one) or (match == "order" and "num_batches" in name)


def test_the_folder_is_that_of_a_run(here: Landscape, runs: Path) -> None:
    succeed(here, *MLP, "weights=seed0", "out=imported")
    found = {str(path.relative_to(runs / "imported")) for path in (runs / "imported").rglob("*.*")}
    checkpoints = {"checkpoints/epoch_0000.pt", LAST}
    assert found == {"config.yaml", "metrics.csv", "provenance.json", *checkpoints}
    with (runs / "imported/metrics.csv").open(newline="") as file:
        assert ",".join(next(csv.reader(file))) == METRICS
    made_by = json.loads((runs / "imported/provenance.json").read_text())
    assert made_by["end"] is not None
    assert made_by["weights"] == [
        {
            "path": f"seed0/checkpoints/epoch_{epoch:04d}.pt",
            "sha256": hashlib.sha256(
                (runs / f"seed0/checkpoints/epoch_{epoch:04d}.pt").read_bytes()
            ).hexdigest(),
            "epoch": epoch,
        }
        for epoch in (0, 2)
    ]
    trained = json.loads((runs / "seed0/provenance.json").read_text())
    assert made_by["dataset_fingerprint"] == trained["dataset_fingerprint"]
    for epoch in (0, 2):
        content = checkpoint.load(runs / f"imported/checkpoints/epoch_{epoch:04d}.pt")
        assert (content["epoch"], content["step"]) == (epoch, 5 * epoch)
    config: Any = OmegaConf.to_container(OmegaConf.load(runs / "imported/config.yaml"))
    assert config["architecture"]["widths"] == [12]
    assert config["loss"] == "cross_entropy"


def test_every_command_works_on_it(here: Landscape, runs: Path) -> None:
    names = {f"ckpt_{epoch}.pt": ("seed0", epoch) for epoch in (0, 2)} | {"ckpt_10.pt": ("seed1", 2)}
    elsewhere(runs, runs / "files", names, lambda weights, epoch: {"state_dict": weights})
    succeed(here, *MLP, "weights=files", "out=imported")
    recorded = {int(row["epoch"]): row for row in metrics(runs / "imported")}
    assert list(recorded) == [0, 2, 10]
    grid = ["x=[-1,1,3]", "y=[-1,1,3]"]
    succeed(here, "surface", "run=imported", *grid, "out=s.h5")
    succeed(here, "surface", "run=imported", "epoch=init", "x=[-1,1,3]", "y=null", "out=init.h5")
    succeed(
        here, "interpolate", "from_run=imported", "from_epoch=2", "to_run=seed2", "alpha=[0,1,3]", "out=i.h5"
    )
    succeed(here, "trajectory", "run=imported", *grid, "out=t.h5")
    succeed(here, "hessian", "run=imported", "x=[-1,1,3]", "y=null", "out=h.h5")
    for name, place, epoch in (("s", (1, 1), 10), ("init", (1,), 0), ("i", (0,), 2)):
        checks = json.loads(attributes(runs / f"{name}.h5")["origin_check"])
        for split in ("train", "test"):
            loss = recorded[epoch][f"{split}_loss"]
            assert values(runs / f"{name}.h5")[f"{split}/loss"][place] == pytest.approx(loss, rel=1e-5)
            told = next(check for check in checks if check.get("split") == split)
            assert told["recorded"] == pytest.approx(loss, rel=1e-9)
            assert told["measured"] == pytest.approx(loss, rel=1e-4)
    listed = here("list", "runs", "outputs_dir=.")
    (line,) = [line for line in listed.out.splitlines() if line.startswith("imported ")]
    assert (
        line.split("  ", 1)[1].strip().startswith("mlp, digits (100 samples); finished, epoch 10: accuracy")
    )
    succeed(here, "report", "run=imported,seed0", "file=s.h5,i.h5,t.h5,h.h5", "out=page.html")
    assert (runs / "page.html").stat().st_size > 10_000
    succeed(here, "plot", "file=t.h5", "out=t.png")


def test_two_imported_runs_interpolate(here: Landscape, runs: Path) -> None:
    for seed in (0, 1):
        succeed(here, *MLP, f"weights=seed{seed}/{LAST}", f"out=imported{seed}")
    ends = ["from_run=imported0", "to_run=imported1"]
    succeed(here, "interpolate", *ends, "alpha=[0,1,5]", "out=between.h5")
    succeed(here, "interpolate", "from_run=seed0", "to_run=seed1", "alpha=[0,1,5]", "out=trained.h5")
    one, other = values(runs / "between.h5"), values(runs / "trained.h5")
    for name, array in other.items():
        np.testing.assert_array_equal(one[name], array)
    assert [mark[0] for mark in json.loads(attributes(runs / "between.h5")["marks"])] == [
        "imported0",
        "imported1",
    ]


def test_no_epoch_0_is_no_initial_point(here: Landscape, runs: Path) -> None:
    succeed(here, *MLP, f"weights=seed0/{LAST}", "out=imported")
    outcome = here("surface", "run=imported", "epoch=init", "x=[-1,1,3]", "y=null", "out=s.h5")
    assert outcome.status == 1
    assert "run imported has no checkpoint of epoch 'init'; choose last, init, or one of 2" in outcome.err
    assert not (runs / "s.h5").exists()


WRITERS: dict[str, tuple[str, Callable[[Weights, Path], None]]] = {
    "bare": ("w.pt", torch.save),
    "lightning": (
        "epoch=2-step=10.ckpt",
        lambda weights, path: torch.save(
            {
                "state_dict": {f"model.{name}": one for name, one in weights.items()},
                **{"epoch": 2, "global_step": 10, "hyper_parameters": {"lr": 0.1}, "loops": {}},
            },
            path,
        ),
    ),
    "compiled and parallel": (
        "ckpt.pth",
        lambda weights, path: torch.save(
            {"net": {f"module._orig_mod.{name}": one for name, one in weights.items()}}, path
        ),
    ),
    "safetensors": ("model.safetensors", save_file),
    "half": ("w.t7", lambda weights, path: torch.save({n: one.half() for n, one in weights.items()}, path)),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_files_of_other_programs_become_a_run(here: Landscape, runs: Path, kind: str) -> None:
    name, write = WRITERS[kind]
    write(weights_of(runs / "seed0"), runs / name)
    succeed(here, *MLP, f"weights={name}", "out=imported")
    (row,) = metrics(runs / "imported")
    assert row["epoch"] == (2 if kind == "lightning" else 1)
    assert row["step"] == (10 if kind == "lightning" else 1)
    tolerance = 5e-3 if kind == "half" else 1e-9
    assert row["test_loss"] == pytest.approx(metrics(runs / "seed0")[2]["test_loss"], rel=tolerance)


def test_folders_of_hugging_face_are_checkpoints_in_order(here: Landscape, runs: Path) -> None:
    for step, run in ((500, "seed0"), (1000, "seed1")):
        folder = runs / f"trainer/checkpoint-{step}"
        folder.mkdir(parents=True)
        weights = weights_of(runs / run)
        parts = {name: f"part-{number}.safetensors" for number, name in enumerate(weights)}
        for name, part in parts.items():
            save_file({name: weights[name]}, folder / part)
        (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": parts}))
        torch.save({}, folder / "optimizer.pt")
    succeed(here, *MLP, "weights=trainer", "out=imported")
    found = metrics(runs / "imported")
    assert [row["epoch"] for row in found] == [500, 1000]
    losses = [metrics(runs / run)[2]["train_loss"] for run in ("seed0", "seed1")]
    assert [row["train_loss"] for row in found] == pytest.approx(losses, rel=1e-9)
    one = json.loads((runs / "imported/provenance.json").read_text())["weights"][0]
    part = runs / "trainer/checkpoint-500/part-1.safetensors"
    assert one["parts"][part.name] == hashlib.sha256(part.read_bytes()).hexdigest()
    name = list(weights_of(runs / "seed0"))[1]
    save_file({name: weights_of(runs / "seed2")[name]}, part)
    assert "was made of other weights than trainer/checkpoint-500/model.safetensors.index.json" in refused(
        here, *MLP, "weights=trainer", "out=imported"
    )


@pytest.mark.parametrize(
    ("words", "names", "told", "expected"),
    [
        ([], ["ckpt_5.pt", "ckpt_10.pt"], [1, 2], [5, 10]),
        ([], ["a.pt", "b.pt"], [30, 60], [30, 60]),
        ([], ["a.pt", "b.pt"], [60, 30], [1, 2]),
        ([], ["a.pt", "b.pt"], [None, 3], [1, 2]),
        ([], ["a.pt", "b.pt"], [None, 12345678901], [1, 2]),
        (["epochs=0,7"], ["ckpt_5.pt", "ckpt_10.pt"], [1, 2], [0, 7]),
        (["epochs=[0,7]"], ["a.pt", "b.pt"], [1, 2], [0, 7]),
        (["epochs=7"], ["a.pt"], [None], [7]),
        (["epochs=[7]"], ["ckpt_5.pt"], [1], [7]),
        ([], ["resnet18.pt"], [None], [1]),
        ([], ["resnet18.pt"], [90], [90]),
        ([], ["model_300.t7"], [299], [300]),
    ],
)
def test_epochs_are_asked_for_or_in_the_names_or_in_the_files(
    here: Landscape,
    runs: Path,
    words: list[str],
    names: list[str],
    told: list[int | None],
    expected: list[int],
) -> None:
    (runs / "files").mkdir()
    for name, epoch, run in zip(names, told, ("seed0", "seed1"), strict=False):
        torch.save({"model": weights_of(runs / run), "epoch": epoch}, runs / "files" / name)
    paths = ",".join(f"files/{name}" for name in names)
    succeed(here, *MLP, f"weights={paths}", *words, "out=imported")
    assert [row["epoch"] for row in metrics(runs / "imported")] == expected
    assert sorted(path.name for path in (runs / "imported/checkpoints").iterdir()) == [
        f"epoch_{epoch:04d}.pt" for epoch in expected
    ]


def test_one_number_of_epochs_is_the_length_of_the_training(here: Landscape, runs: Path) -> None:
    outcome = here(*MLP, "weights=seed0", "epochs=300", "out=imported")
    assert outcome.status == 0
    assert "epochs=300 is taken for the length of the training; say epochs=[…]" in outcome.err
    assert [row["epoch"] for row in metrics(runs / "imported")] == [0, 2]


def test_an_entry_is_chosen_and_the_others_are_named_once(here: Landscape, runs: Path) -> None:
    both = {"model": weights_of(runs / "seed0"), "ema": weights_of(runs / "seed1")}
    for name in ("ckpt_1.pt", "ckpt_2.pt"):
        torch.save(both, runs / name)
    outcome = here(*MLP, "weights=ckpt_1.pt,ckpt_2.pt", "out=model")
    assert outcome.err.count("takes entry=model of the weights; there is also ema") == 1
    outcome = here(*MLP, "weights=ckpt_1.pt,ckpt_2.pt", "entry=ema", "out=ema")
    assert "entry=" not in outcome.err
    for run, seed in (("model", 0), ("ema", 1)):
        expected = metrics(runs / f"seed{seed}")[2]["train_loss"]
        assert [row["train_loss"] for row in metrics(runs / run)] == pytest.approx([expected] * 2, rel=1e-9)


def test_the_default_folder_is_named_after_the_weights(here: Landscape, runs: Path) -> None:
    shutil.copy(runs / "seed0" / LAST, runs / "epoch=3-step=1000.ckpt")
    folder = succeed(here, *MLP, "weights=epoch=3-step=1000.ckpt")
    assert folder.startswith("outputs/runs/digits-mlp_epoch-3-step-1000_architecture.widths-12")
    assert [row["epoch"] for row in metrics(runs / folder)] == [3]


def test_ones_own_network_and_a_regression(here: Landscape, runs: Path) -> None:
    (runs / "their_network.py").write_text(
        "from torch import nn\n"
        "def make(num_classes, width=5):\n"
        "    return nn.Sequential(nn.Linear(3, width), nn.Tanh(), nn.Linear(width, num_classes))\n"
    )
    random = np.random.RandomState(0)
    arrays = {
        f"{split}_{kind}": random.randn(20, size).astype(np.float32)
        for split in ("train", "test")
        for kind, size in (("inputs", 3), ("targets", 2))
    }
    np.savez(runs / "data.npz", **arrays)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
    torch.save({"model_state_dict": model.state_dict()}, runs / "own.pt")
    own = ["architecture=custom", "architecture.source=their_network:make", "+architecture.options.width=4"]
    data = ["dataset=custom", "dataset.source=data.npz", "dataset.scaling=none"]
    words = ["import", *own, *data, "loss=mse", "weights=own.pt", "trust=true", "out=imported"]
    outcome = here(*words)
    assert outcome.status == 0, outcome.err
    assert "accuracy" not in outcome.out
    (row,) = metrics(runs / "imported")
    inputs, targets = (torch.from_numpy(arrays[f"train_{kind}"]).double() for kind in ("inputs", "targets"))
    expected = (model.double()(inputs) - targets).square().sum(dim=1).mean()
    assert row["train_loss"] == pytest.approx(expected.item(), rel=1e-6)
    succeed(here, "surface", "run=imported", "x=[-1,1,3]", "y=null", "trust=true", "out=s.h5")


def test_a_resnet_of_the_public_code_comes_in_by_order(here: Landscape, runs: Path) -> None:
    random = np.random.RandomState(0)
    arrays = {}
    for split in ("train", "test"):
        arrays[f"{split}_images"] = random.randint(0, 256, (20, 16, 16, 3), dtype=np.uint8)
        arrays[f"{split}_labels"] = np.arange(20) % 10
    np.savez(runs / "images.npz", **arrays)
    theirs = TheirResNet().eval()
    torch.save({"acc": 92.6, "epoch": 300, "state_dict": theirs.state_dict()}, runs / "model_300.t7")
    preset = ["import", "experiment=li2018_resnet20", "dataset=custom", "dataset.source=images.npz"]
    by_name = refused(here, *preset, "weights=model_300.t7", "out=imported")
    assert "107 missing: stem.0.weight" in by_name
    assert "107 unexpected: conv1.weight" in by_name
    assert "match=order" in by_name
    succeed(here, *preset, "weights=model_300.t7", "match=order", "out=imported")
    (row,) = metrics(runs / "imported")
    _, data = network(runs / "imported", 300)
    loss, accuracy = reference.evaluation(theirs, data.train, "cross_entropy")
    assert row["epoch"] == 300
    assert row["train_loss"] == pytest.approx(loss, rel=1e-5)
    assert row["train_accuracy"] == pytest.approx(accuracy, abs=0.051)
    listed = here("list", "runs", "outputs_dir=.").out
    (line,) = [line for line in listed.splitlines() if line.startswith("imported ")]
    assert "resnet20, custom, SGD, batch 128, weight decay 5e-4; finished, epoch 300" in line


def test_all_presets_compose() -> None:
    presets = sorted(path.stem for path in (CONF / "experiment").glob("*.yaml"))
    assert len(presets) >= 17
    for preset in presets:
        config = settings_from("import", [f"experiment={preset}", "weights=model_300.t7"])
        trained = settings_from("train", [f"experiment={preset}"])
        for key in ("dataset", "architecture", "normalization", "loss"):
            assert getattr(config, key) == getattr(trained, key)


def test_the_help_lists_the_keys(here: Landscape) -> None:
    told = here("import", "--help").out
    assert "make a run folder of weights that were trained elsewhere" in told
    for key in ("weights", "match", "entry", "epochs", "trust", "loss", "dataset", "out"):
        assert any(line.startswith(f"  {key} ") for line in told.splitlines()), key
    assert "import" in here("--help").out


def test_a_run_of_many_checkpoints_can_be_read_again(here: Landscape, runs: Path) -> None:
    (runs / "files").mkdir()
    long = "a" * 240
    torch.save(weights_of(runs / "seed0"), runs / "files" / f"{long}_0.pt")
    for number in range(1, 260):
        (runs / "files" / f"{long}_{number}.pt").hardlink_to(runs / "files" / f"{long}_0.pt")
    succeed(here, *MLP, "weights=files", "out=imported")
    assert (runs / "imported/provenance.json").stat().st_size > 100_000
    assert len(metrics(runs / "imported")) == 260
    succeed(here, "surface", "run=imported", "x=[-1,1,3]", "y=null", "out=s.h5")
