"""A run folder that one's own training loop fills: its rows, and that all commands take it."""

import copy
import math
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from api.models import assert_same_state, state_of
from torch import Tensor, nn

import reference
from conftest import Landscape
from landscape_cli import LandscapeError, Recorder, checkpoint, open_run, read
from landscape_cli.data.load import Split, load
from landscape_cli.runs import Run
from landscape_cli.runs import open_run as run_of

MODULE = """
from torch import nn

class Net(nn.Module):
    def __init__(self, width: int = 6) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Flatten(), nn.Linear(64, width), nn.BatchNorm1d(width), nn.Tanh())
        self.drop = nn.Dropout(0.2)
        self.head = nn.Linear(width, 10)

    def forward(self, images):
        return self.head(self.drop(self.body(images)))
"""
WORDS = ["dataset=digits", "dataset.train_size=150", "dataset.test_size=60", "architecture=custom"]


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> type[nn.Module]:
    """A network of one's own in a module of the working directory."""
    name = "own_network"
    (tmp_path / f"{name}.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    yield __import__(name).Net
    sys.modules.pop(name, None)


def recorder(out: str = "mine", *words: str) -> Recorder:
    return Recorder(out, *WORDS, "architecture.source=own_network:Net", *words, device="cpu")


def data() -> Any:
    options = {"name": "digits", "train_size": 150, "test_size": 60}
    return load(options, torch.device("cpu"))


def training(model: nn.Module, seed: int = 0, lr: float = 0.2) -> Callable[[], None]:
    """Return a function that trains for an epoch."""
    split, optimizer = data().train, torch.optim.SGD(model.parameters(), lr, momentum=0.9)
    shuffle = torch.Generator().manual_seed(seed)

    def epoch() -> None:
        model.train()
        for rows in torch.randperm(len(split), generator=shuffle).split(50):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(split.inputs[rows]), split.targets[rows]).backward()
            optimizer.step()

    return epoch


def losses(model: nn.Module, split: Split) -> tuple[float, float]:
    """By hand: loss and accuracy, in float64."""
    return reference.evaluation(model, split, "cross_entropy")


def test_the_rows_are_the_losses_by_hand(net: type[nn.Module]) -> None:
    torch.manual_seed(1)
    model, dataset, kept = net(), data(), []
    epoch, found = training(model), recorder()
    for number in range(4):
        if number:
            epoch()
        returned = found.save(model, number, step=3 * number, lr=0.2 if number else math.nan)
        kept.append((copy.deepcopy(model), returned))
    found.close()
    run = run_of("mine")
    assert run.finished
    assert run.epochs() == [0, 1, 2, 3]
    assert [(row["epoch"], row["step"]) for row in run.metrics()] == [(0, 0), (1, 3), (2, 6), (3, 9)]
    for row, (twin, returned) in zip(run.metrics(), kept, strict=True):
        for split in ("train", "test"):
            loss, accuracy = losses(twin, getattr(dataset, split))
            assert row[f"{split}_loss"] == pytest.approx(loss, rel=1e-6)
            assert row[f"{split}_accuracy"] == pytest.approx(accuracy, abs=1e-12)
        squares = sum(float(one.detach().double().square().sum()) for one in twin.parameters())
        slopes = reference.gradient(twin, dataset.train, "cross_entropy")
        steep = math.sqrt(sum(float(one.square().sum()) for one in slopes.values()))
        assert row["weight_norm"] == pytest.approx(math.sqrt(squares), rel=1e-6)
        assert row["gradient_norm"] == pytest.approx(steep, rel=1e-5)
        assert returned == {name: row[name] for name in returned}
        stored = checkpoint.load(run.checkpoint_path(int(row["epoch"])))["model"]
        assert stored.keys() == twin.state_dict().keys()
        for name, tensor in twin.state_dict().items():
            assert torch.equal(stored[name], tensor), name
    assert run.metrics()[3]["train_loss"] < run.metrics()[0]["train_loss"] - 1


@pytest.mark.parametrize("mode", [True, False])
def test_the_callers_model_modes_gradients_and_random_numbers_are_left(
    net: type[nn.Module], mode: bool
) -> None:
    model = net().train(mode)
    model.drop.train(not mode)
    model.head.bias.requires_grad_(False)
    split = data().train
    nn.functional.cross_entropy(model(split.inputs), split.targets).backward()
    gradients = [None if one.grad is None else one.grad.clone() for one in model.parameters()]
    before = state_of(model)
    drawn = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    with recorder() as found:
        found.save(model)
        found.save(model)
    assert torch.equal(torch.get_rng_state(), drawn[0])
    np.testing.assert_array_equal(np.random.get_state()[1], drawn[1])
    assert random.getstate() == drawn[2]
    assert_same_state(model, before)
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize(
    "around",
    [torch.no_grad, torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)],
    ids=["no_grad", "inference_mode", "autocast"],
)
def test_what_surrounds_the_call_changes_no_digit(net: type[nn.Module], around: Callable[[], Any]) -> None:
    model = net()
    with recorder("plain") as plain, recorder("around") as inside:
        wanted = [plain.save(model), plain.save(model)]
        with around():
            got = [inside.save(model), inside.save(model.state_dict())]
    assert got == wanted


def test_a_loop_that_raised_goes_on_with_the_same_lines(net: type[nn.Module]) -> None:
    torch.manual_seed(1)
    model = net()
    epoch = training(model)
    found = recorder()

    def loop() -> None:
        with found:
            for number in range(3):
                found.save(model, number)
                epoch()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        loop()
    run = run_of("mine")
    assert not run.finished
    assert run.epochs() == [0, 1, 2]
    with pytest.raises(LandscapeError, match="this recorder is closed"):
        found.save(model)
    assert not list(Path().glob(".*.lock"))
    with recorder() as found:
        found.save(model)  # the next one
    assert run.finished
    assert run.epochs() == [0, 1, 2, 3]
    assert run.provenance()["epochs"] == 3


def test_an_epoch_saved_again_replaces_it_and_what_came_after(net: type[nn.Module]) -> None:
    """As of a loop that starts again from a checkpoint of its own."""
    models = [net() for _ in range(6)]
    with recorder() as found:
        for number in range(4):
            found.save(models[number], number)
        row = found.save(models[4], 2)
        assert run_of("mine").epochs() == [0, 1, 2]
        found.save(models[5])
    run = run_of("mine")
    assert [row["epoch"] for row in run.metrics()] == run.epochs() == [0, 1, 2, 3]
    assert run.row(2)["train_loss"] == row["train_loss"]
    for epoch, model in ((0, 0), (1, 1), (2, 4), (3, 5)):
        stored = checkpoint.load(run.checkpoint_path(epoch))["model"]
        assert torch.equal(stored["head.weight"], models[model].head.weight)


def test_closing_twice_does_no_harm_and_nothing_is_saved_after(net: type[nn.Module]) -> None:
    found = recorder()
    found.save(net())
    found.close()
    before = Path("mine/provenance.json").read_bytes()
    found.close()
    assert Path("mine/provenance.json").read_bytes() == before
    with pytest.raises(LandscapeError, match="mine: this recorder is closed"):
        found.save(net())
    with pytest.raises(LandscapeError, match="mine is a finished run; choose another folder or delete it"):
        recorder()
    with pytest.raises(LandscapeError, match="holds a run of another configuration"):
        recorder("mine", "dataset.seed=3")


def test_a_recorder_that_saved_nothing_writes_nothing(net: type[nn.Module]) -> None:
    with recorder():
        pass
    assert not Path("mine").exists()


def test_of_several_recorders_the_one_that_saves_holds_the_folder(net: type[nn.Module]) -> None:
    """As in the processes of a distributed training, all of which make one."""
    with recorder() as one, recorder() as other:
        one.save(net())
        with pytest.raises(LandscapeError, match="is being written by another process"):
            other.save(net())
        one.save(net())
    run = run_of("mine")
    assert run.finished
    assert run.epochs() == [0, 1]


@pytest.mark.parametrize("wrap", ["DataParallel", "compile", "inside", "state", "double"])
def test_wrappers_are_looked_through(net: type[nn.Module], wrap: str) -> None:
    model = net()
    wrapped: Any = {
        "DataParallel": lambda: nn.DataParallel(model),
        "compile": lambda: torch.compile(model),
        "inside": lambda: nn.ModuleDict({"student": model, "teacher": nn.Linear(3, 3)}),
        "state": lambda: {f"module.{name}": one for name, one in model.state_dict().items()},
        "double": lambda: copy.deepcopy(model).double(),
    }[wrap]()
    with recorder() as found:
        found.save(wrapped)
    stored = checkpoint.load(run_of("mine").checkpoint_path(0))["model"]
    for name, tensor in model.state_dict().items():
        assert torch.equal(stored[name], tensor)


def test_weights_that_do_not_fit_are_refused_and_nothing_is_half_written(net: type[nn.Module]) -> None:
    found = recorder()
    with pytest.raises(LandscapeError, match="mine: the weights do not fit the network") as caught:
        found.save(net(7))
    assert "body.1.weight is (7, 64), wanted (6, 64)" in str(caught.value)
    assert not Path("mine").exists()
    found.save(net())
    before = {path: path.read_bytes() for path in Path("mine").rglob("*") if path.is_file()}
    for wrong in (nn.Linear(3, 3), net(7)):
        with pytest.raises(LandscapeError, match="the weights do not fit the network"):
            found.save(wrong, 0)
    for what in ({"epoch": -1}, {"epoch": 1.5}, {"epoch": True}, {"epoch": 1, "step": -2}):
        with pytest.raises(LandscapeError, match="must be a whole number of zero or more, got"):
            found.save(net(), **what)
    assert {path: path.read_bytes() for path in Path("mine").rglob("*") if path.is_file()} == before
    found.save(net(), np.int64(2), step=torch.tensor(5), lr=torch.tensor(0.5))  # type: ignore[arg-type]
    found.close()
    assert checkpoint.load(Run(Path("mine"), {}).checkpoint_path(2))["step"] == 5
    assert run_of("mine").metrics()[1]["lr"] == 0.5


def test_a_training_that_diverges_is_kept_as_such(net: type[nn.Module], landscape: Landscape) -> None:
    model = net()
    with recorder() as found:
        found.save(model)
        with torch.no_grad():
            model.head.weight.fill_(math.nan)
        assert math.isnan(found.save(model)["train_loss"])
    refused = landscape("surface", "run=mine", "trust=true", "x=-1:1:3", "y=null")
    assert refused.status == 1
    assert "its training has diverged; choose another epoch of 0, 1" in refused.err


def test_a_network_and_data_of_the_house_and_a_regression(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    inputs = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    targets = inputs[:, :1] ** 2
    np.savez(
        "squares.npz",
        **{
            f"{split}_inputs": inputs[rows] for split, rows in (("train", slice(30)), ("test", slice(30, 40)))
        },
        **{
            f"{split}_targets": targets[rows]
            for split, rows in (("train", slice(30)), ("test", slice(30, 40)))
        },
    )
    words = ["dataset=custom", "dataset.source=squares.npz", "dataset.scaling=none", "loss=mse"]
    model = nn.Sequential(nn.Flatten(), nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    with Recorder(
        "fit's, run", *words, "architecture=mlp", "architecture.widths=[4]", "match=order", device="cpu"
    ) as found:
        with pytest.raises(LandscapeError, match="the weights do not fit the network in order"):
            found.save({"a": torch.zeros(3)})
        found.save(model)
    row = run_of("fit's, run").metrics()[0]
    with torch.no_grad():
        by_hand = (
            model.double()(torch.from_numpy(inputs[:30]).double()) - torch.from_numpy(targets[:30])
        ) ** 2
    assert row["train_loss"] == pytest.approx(float(by_hand.mean()), rel=1e-6)
    assert math.isnan(row["train_accuracy"])


def test_a_wrong_word_is_told_as_on_the_command_line(net: type[nn.Module]) -> None:
    for words, message in (
        (["architecture=resnet21"], "resnet21"),
        (["dataset.train_sizes=3"], "train_sizes"),
        (["loss=hinj"], "no loss 'hinj'; choose from"),
    ):
        with pytest.raises(LandscapeError, match=message):
            Recorder("never", *words)
    assert not Path("never").exists()


def test_all_commands_take_the_folder(net: type[nn.Module], landscape: Landscape) -> None:
    torch.manual_seed(1)
    model = net()
    epoch = training(model)
    with recorder() as found:
        found.save(model)
        for _ in range(3):
            epoch()
            found.save(model, lr=0.2)
    trusted = ["run=mine", "trust=true"]
    for words in (
        ["surface", *trusted, "x=-1:1:3", "y=-1:1:3", "out=plane.h5"],
        ["trajectory", *trusted, "x=-1:1:3", "y=-1:1:3", "out=path.h5"],
        ["hessian", *trusted, "x=null", "y=null", "out=hessian.h5"],
        [
            "interpolate",
            "from_run=mine",
            "from_epoch=init",
            "to_run=mine",
            "trust=true",
            "alpha=0:1:3",
            "out=a.h5",
        ],
        ["plot", "file=path.h5", "out=path.png"],
        ["report", "run=mine", "file=plane.h5", "out=page.html"],
    ):
        done = landscape(*words)
        assert done.status == 0, done.err
        assert Path(done.last_line).is_file()
    row = run_of("mine").metrics()[-1]
    assert read("plane.h5").values["train/loss"][1, 1] == pytest.approx(row["train_loss"], rel=1e-6)
    path = read("path.h5").trajectory
    assert path is not None
    assert path.train_loss.tolist() == [one["train_loss"] for one in run_of("mine").metrics()]
    assert landscape("surface", "run=mine", "x=-1:1:3", "y=null", "out=no.h5").status == 1  # without trust
    listed = landscape("list", "runs", "dir=.")
    listed = listed if listed.status == 0 else landscape("list", "runs", "outputs_dir=.")
    assert "mine" in listed.out, listed.err
    assert "finished, epoch 3" in listed.out
    opened = open_run("mine", trust=True)
    assert isinstance(opened.model.get_parameter("head.weight"), Tensor)
    assert torch.equal(opened.model.head.weight, model.head.weight)
