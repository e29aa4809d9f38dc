"""A run folder, opened in a notebook: its network, loss and data are those of the shell."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import reference
from landscape_cli import LandscapeError, open_run, read, surface
from landscape_cli.data.load import Split


@pytest.mark.parametrize("name", ["walk", "batch"])
def test_model_loss_and_data_are_the_runs(there: Path, name: str) -> None:
    run = open_run(name)
    last = run.epochs[-1]
    assert run.path == Path(name)
    assert run.epoch == last
    assert run.epochs == list(range(last + 1))
    assert run.checkpoints == [Path(name, "checkpoints", f"epoch_{epoch:04d}.pt") for epoch in run.epochs]
    assert run.loss == "cross_entropy"
    assert run.config["architecture"]["name"] == ("mlp" if name == "walk" else "cnn")
    assert not run.model.training
    assert run.train[0].shape == (100, 1, 8, 8)
    assert run.test[1].shape == (50,)
    for split in ("train", "test"):
        loss, accuracy = reference.evaluation(run.model, Split(*getattr(run, split)), run.loss)
        assert run.metrics[-1][f"{split}_loss"] == pytest.approx(loss, rel=1e-6)
        assert run.metrics[-1][f"{split}_accuracy"] == pytest.approx(accuracy)
    assert repr(run).startswith(f"<run {name}: ")
    assert repr(run).endswith(f"epoch {last}, {last + 1} checkpoints>")


@pytest.mark.parametrize(("epoch", "number"), [("init", 0), ("last", 4), (0, 0), (2, 2)])
def test_an_epoch_may_be_named(there: Path, epoch: int | str, number: int) -> None:
    run = open_run("walk", epoch)
    saved = torch.load(there / f"walk/checkpoints/epoch_{number:04d}.pt", weights_only=True)["model"]
    assert run.epoch == number
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, saved[name])
    assert run.metrics[number]["epoch"] == number


@pytest.mark.parametrize(("name", "seed"), [("walk", 0), ("batch", 3)])
def test_its_surface_is_the_shells(there: Path, tmp_path: Path, name: str, seed: int) -> None:
    run = open_run(there / name)
    found = surface(
        run.model,
        run.loss,
        run.train,
        run.test,
        out=tmp_path / "s.h5",
        x=(-1, 1, 3),
        y=(-1, 1, 3),
        direction_seed=seed,
    )
    expected = read(f"{name}_surface.h5")
    assert found.values.keys() == expected.values.keys()
    for key, values in expected.values.items():
        np.testing.assert_allclose(found.values[key], values, rtol=1e-6, err_msg=key)
    np.testing.assert_array_equal(found.x, expected.x)


def test_a_network_of_ones_own_needs_trust(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from landscape_cli import Recorder

    (tmp_path / "opened_network.py").write_text(
        "from torch import nn\ndef make(): return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    words = ["dataset.train_size=50", "dataset.test_size=20", "architecture=custom"]
    with Recorder("own", *words, "architecture.source=opened_network:make", device="cpu") as recorder:
        recorder.save(nn.Sequential(nn.Flatten(), nn.Linear(64, 10)))
    with pytest.raises(LandscapeError, match="runs code of yours; say trust=true to allow it"):
        open_run("own")
    run = open_run("own", trust=True)
    assert [type(layer) for layer in run.model] == [nn.Flatten, nn.Linear]  # type: ignore[attr-defined]
    assert math.isnan(run.metrics[0]["lr"])


def test_data_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`source` and `root` are the shell's dataset.source= and dataset.root=."""
    from landscape_cli import Recorder

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    arrays = {f"{split}_inputs": random.normal(size=(12, 3)) for split in ("train", "test")}
    arrays |= {f"{split}_labels": np.arange(12) % 3 for split in ("train", "test")}
    np.savez("here.npz", **arrays)
    words = [
        "dataset=custom",
        "dataset.source=here.npz",
        "architecture=mlp",
        "architecture.widths=[4]",
        "match=order",
    ]
    with Recorder("run", *words, device="cpu") as recorder:
        torch.manual_seed(0)
        layers = nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))
        recorder.save(layers)
    Path("here.npz").rename("there.npz")
    with pytest.raises(LandscapeError, match=r"here\.npz"):
        open_run("run")
    run = open_run("run", source=Path("there.npz"))
    assert run.train[0].shape == (12, 3)
    np.savez("other.npz", **{**arrays, "train_inputs": random.normal(size=(12, 3))})
    with pytest.raises(LandscapeError, match="the data have changed since run was trained on them"):
        open_run("run", source="other.npz")


def test_what_cannot_be_opened(there: Path) -> None:
    for path, epoch, message in (
        ("nowhere", "last", "path=nowhere is no run folder"),
        (there, "last", "is no run folder"),
        ("walk", 9, "run walk has no checkpoint of epoch 9; choose last, init, or one of 0, 1, 2, 3, 4"),
        ("walk", "first", "has no checkpoint of epoch 'first'"),
    ):
        with pytest.raises(LandscapeError, match=message):
            open_run(path, epoch)
