"""`landscape_cli.trajectory` of state dicts or files, against the shell's and a dense decomposition."""

import copy
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import safetensors.torch
import torch
from api.models import (
    EACH,
    FITTED,
    NUMBERS,
    Stopping,
    assert_same_state,
    directions_in,
    mlp,
    squares,
    state_of,
)
from PIL import Image
from torch import Tensor, nn

import reference
from landscape_cli import LandscapeError, open_run, plot, read, trajectory
from landscape_cli.data.load import Split
from landscape_cli.store import Surface

States = list[dict[str, Tensor]]
SMALL: dict[str, Any] = {"x": (-1, 1, 3), "y": (-0.5, 0.5, 3), "device": "cpu"}


def trained(model: nn.Module, targets: Tensor, loss: Any, steps: int = 5) -> States:
    """State dicts of a training, the first before it."""
    optimizer = torch.optim.SGD(model.parameters(), 0.3, momentum=0.8)
    states = [copy.deepcopy(model.state_dict())]
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model(NUMBERS[0]), targets).mean().backward()
        optimizer.step()
        states.append(copy.deepcopy(model.state_dict()))
    return states


@pytest.fixture
def states() -> States:
    return trained(mlp(), NUMBERS[1], EACH)


def with_weights(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    twin = copy.deepcopy(model)
    twin.load_state_dict(state)
    return twin


def content(path: Path) -> dict[str, Any]:
    """All datasets of a file, and of its attributes those that tell of the computation."""
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(
            lambda name, node: found.update({name: node[...]}) if isinstance(node, h5py.Dataset) else None
        )
        return found | {name: file.attrs[name] for name in ("checkpoint", "config", "marks", "first_batch")}


def assert_same(one: Path, other: Path) -> None:
    first, second = content(one), content(other)
    assert first.keys() == second.keys()
    for name in first:
        np.testing.assert_array_equal(first[name], second[name], err_msg=name)


def test_the_path_is_that_of_the_dense_decomposition_and_the_losses_are_by_hand(
    tmp_path: Path, states: States
) -> None:
    model = mlp(1).train()
    before = state_of(model)
    test = (NUMBERS[0] + 1, NUMBERS[1])
    random = torch.get_rng_state()
    found = trajectory(model, states, EACH, NUMBERS, test, out=tmp_path / "path.h5", device="cpu")
    assert_same_state(model, before)
    assert torch.equal(torch.get_rng_state(), random)
    path = found.trajectory
    assert path is not None
    points = np.stack(
        [torch.cat([one.flatten() for one in state.values()]).double().numpy() for state in states]
    )
    rows = points[:-1] - points[-1]
    _, singular, right = np.linalg.svd(rows, full_matrices=False)
    np.testing.assert_allclose(path.explained_variance_ratio, singular**2 / np.sum(singular**2), atol=1e-12)
    inside = rows @ right[:2].T
    np.testing.assert_allclose(np.abs(path.x[:-1]), np.abs(inside[:, 0]), atol=1e-6)
    np.testing.assert_allclose(np.abs(path.y[:-1]), np.abs(inside[:, 1]), atol=1e-6)
    off = np.linalg.norm(rows - inside @ right[:2], axis=1)
    np.testing.assert_allclose(path.distance[:-1], off, atol=1e-6)
    assert path.x[-1] == path.y[-1] == path.distance[-1] == 0
    assert path.epoch.tolist() == [0, 1, 2, 3, 4, 5]
    for split, data in (("train", NUMBERS), ("test", test)):
        expected = [
            reference.evaluation(with_weights(model, state), Split(*data), "cross_entropy")
            for state in states
        ]
        np.testing.assert_allclose(getattr(path, f"{split}_loss"), [one for one, _ in expected], rtol=1e-6)
        np.testing.assert_allclose(getattr(path, f"{split}_accuracy"), [one for _, one in expected])
    last = with_weights(model, states[-1])
    axes = directions_in(found.path)
    for row, column in ((0, 0), (15, 3), (30, 30)):
        terms = [(float(found.x[column]), axes["x"]), (float(found.y[row]), axes["y"])]
        twin = reference.moved(last, terms)
        loss = reference.evaluation(twin, Split(*NUMBERS), "cross_entropy")[0]
        assert found.values["train/loss"][row, column] == pytest.approx(loss, rel=1e-6)
    assert [mark[0] for mark in found.marks] == ["epoch 5", "epoch 0"]
    assert found.marks[1][1:] == (path.x[0], path.y[0])


def test_state_dicts_and_files_of_any_program_give_the_same_file(tmp_path: Path, states: States) -> None:
    files: dict[str, list[Any]] = {name: [] for name in ("own", "foreign", "safetensors", "mixed")}
    for number, state in enumerate(states):
        own, foreign, safe = (tmp_path / f"{number}{end}" for end in (".own.pt", ".pt", ".safetensors"))
        extra = dict.fromkeys(("optimizer", "schedule", "rng"))
        torch.save({"format": 1, "epoch": number, "step": 0, "model": state, **extra}, own)
        torch.save({"state_dict": {f"module.{name}": one for name, one in state.items()}}, foreign)
        safetensors.torch.save_file(state, safe)
        for name, file in (("own", own), ("foreign", str(foreign)), ("safetensors", safe)):
            files[name].append(file)
        files["mixed"].append(own if number % 2 else state)
    trajectory(mlp(), states, EACH, NUMBERS, out=tmp_path / "states.h5", **SMALL)
    for name, checkpoints in files.items():
        trajectory(mlp(), checkpoints, EACH, NUMBERS, out=tmp_path / f"{name}.h5", **SMALL)
        assert_same(tmp_path / "states.h5", tmp_path / f"{name}.h5")


def compare(found: Surface, expected: Surface) -> None:
    assert found.values.keys() == expected.values.keys()
    for key, values in expected.values.items():
        np.testing.assert_allclose(found.values[key], values, rtol=1e-6, err_msg=key)
    np.testing.assert_array_equal(found.x, expected.x)
    np.testing.assert_array_equal(found.y, expected.y)
    assert found.marks == expected.marks
    one, other = found.trajectory, expected.trajectory
    assert one is not None
    assert other is not None
    for name, values in other.datasets().items():
        close = {"rtol": 1e-6} if name.endswith(("loss", "accuracy")) else {"rtol": 0}
        np.testing.assert_allclose(one.datasets()[name], values, err_msg=name, **close)


def test_it_is_the_shells_of_the_same_run(there: Path, tmp_path: Path) -> None:
    run = open_run("walk", "init")  # any weights will do
    out = tmp_path / "path.h5"
    found = trajectory(run.model, run.checkpoints, run.loss, run.train, run.test, out=out, epochs=run.epochs)
    compare(found, read("walk.h5"))


def test_it_is_the_shells_with_running_statistics(there: Path, tmp_path: Path) -> None:
    run = open_run("batch")
    grid: Any = {"x": "-2:2:3", "y": "-1:1:3"}
    found = trajectory(
        run.model, run.checkpoints, run.loss, run.train, run.test, out=tmp_path / "p.h5", **grid
    )
    compare(found, read("batch.h5"))


def test_without_a_test_split_and_as_a_picture(tmp_path: Path, states: States) -> None:
    found = trajectory(mlp(), states, "cross_entropy", NUMBERS, out=tmp_path / "path.h5", device="cpu")
    assert set(found.values) == {"train/loss", "train/accuracy"}
    path = found.trajectory
    assert path is not None
    assert np.isnan(path.test_loss).all()
    assert path.test_accuracy is None
    figure = plot(found, tmp_path / "path.png")
    assert (tmp_path / "path.png").stat().st_size > 20_000
    assert any(len(line.get_xdata()) == len(states) for line in figure.axes[0].lines)
    plot(found, tmp_path / "path.gif")
    with Image.open(tmp_path / "path.gif") as picture:
        assert picture.n_frames >= len(states)


def test_a_regression_has_no_accuracy(tmp_path: Path) -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return squares(outputs, targets).sum(1)

    model = mlp(classes=2)
    states = trained(model, FITTED, loss, steps=3)
    found = trajectory(model, states, loss, (NUMBERS[0], FITTED), out=tmp_path / "path.h5", **SMALL)
    path = found.trajectory
    assert path is not None
    assert set(found.values) == {"train/loss"}
    assert path.train_accuracy is None
    with torch.no_grad():
        by_hand = [
            float(loss(with_weights(model, s).double()(NUMBERS[0].double()), FITTED).mean()) for s in states
        ]
    np.testing.assert_allclose(path.train_loss, by_hand, rtol=1e-6)
    with h5py.File(found.path) as file:
        assert "train_accuracy" not in file["trajectory"]


def test_what_moves_is_chosen(tmp_path: Path, states: States) -> None:
    last = trajectory(mlp(), states, EACH, NUMBERS, out=tmp_path / "a.h5", params="2.*", **SMALL)
    for direction in directions_in(last.path).values():
        for name, tensor in direction.items():
            assert bool(tensor.any()) == name.startswith("2.")
    weights = trajectory(mlp(), states, EACH, NUMBERS, out=tmp_path / "b.h5", ignore="biasbn", **SMALL)
    for direction in directions_in(weights.path).values():
        assert {name for name, tensor in direction.items() if tensor.any()} == {"0.weight", "2.weight"}
    path = last.trajectory
    assert path is not None
    rows = [
        torch.cat([(state[name] - states[-1][name]).flatten() for name in ("2.weight", "2.bias")])
        .double()
        .numpy()
        for state in states[:-1]
    ]
    singular = np.linalg.svd(np.stack(rows), compute_uv=False)
    np.testing.assert_allclose(path.explained_variance_ratio, singular**2 / np.sum(singular**2), atol=1e-8)


def test_a_grid_may_be_written_as_on_the_command_line(tmp_path: Path, states: States) -> None:
    out = tmp_path / "path.h5"
    trajectory(mlp(), states, EACH, NUMBERS, out=out, x=(-1, 1, 5), y=(-0.5, 0.5, 2), device="cpu")
    before = out.read_bytes()
    found = trajectory(mlp(), states, EACH, NUMBERS, out=out, x="-1:1:5", y="-0.5:0.5:2", device="cpu")
    assert out.read_bytes() == before
    assert found.values["train/loss"].shape == (2, 5)


def test_the_same_call_goes_on_and_other_checkpoints_are_refused(tmp_path: Path, states: States) -> None:
    loss, out = Stopping(), tmp_path / "path.h5"

    trajectory(mlp(), states, loss, NUMBERS, out=tmp_path / "whole.h5", **SMALL)
    loss = Stopping(at=loss.calls - 2 * len(states) - 4)  # before the path, on the plane
    with pytest.raises(KeyboardInterrupt):
        trajectory(mlp(), states, loss, NUMBERS, out=out, **SMALL)
    assert 0 < read(out).evaluated.sum() < 9
    loss = Stopping()
    trajectory(mlp(1), states, loss, NUMBERS, out=out, **SMALL)  # the model's own weights play no part
    assert_same(out, tmp_path / "whole.h5")
    for number in (0, 2, 5):
        others = [dict(state) for state in states]
        others[number]["0.bias"] = others[number]["0.bias"] + 1e-3
        with pytest.raises(LandscapeError, match="begun with another configuration") as caught:
            trajectory(mlp(), others, loss, NUMBERS, out=out, **SMALL)
        if number < 5:
            assert f"checkpoint {number} is not, or no longer, the checkpoint {number} of then" in str(
                caught.value
            )
    with pytest.raises(LandscapeError, match="epochs"):
        trajectory(mlp(), states, loss, NUMBERS, out=out, epochs=range(2, 8), **SMALL)


def test_what_is_refused(tmp_path: Path, states: States) -> None:
    out = tmp_path / "path.h5"
    broken = tmp_path / "broken.pt"
    torch.save({"epoch": 1}, broken)
    moved = [*states[:2], {**states[2], "0.weight": torch.zeros(3, 3)}, states[3]]
    live = mlp()
    nan = [dict(state) for state in states]
    nan[1]["0.bias"] = nan[1]["0.bias"] * np.nan
    lost = [*states[:3], {name: one for name, one in states[3].items() if name != "0.bias"}]
    cases: list[tuple[Any, dict[str, Any], str]] = [
        (states[:2], {}, "2 checkpoints span no plane; give at least 3, in training order"),
        (states, {"epochs": [0, 1]}, "epochs must be 6 increasing numbers, one a checkpoint, got"),
        (states, {"epochs": [0, 1, 2, 3, 5, 4]}, "epochs must be 6 increasing numbers"),
        (moved, {}, "checkpoint 2: the weights do not fit the network"),
        (lost, {}, "checkpoint 3: the weights do not fit the network"),
        ([*states[:3], broken], {}, "broken.pt holds no weights"),
        ([*states[:3], tmp_path / "none.pt"], {}, "none.pt"),
        (
            [live.state_dict() for _ in range(4)],
            {},
            r"the checkpoints are all the same; .* keep copy.deepcopy\(model.state_dict\(\)\)",
        ),
        (nan, {}, "checkpoint 1: 0.bias has 8 NaN among 8 numbers"),
        (states, {"params": "3.*"}, r"params=3.\*: no parameter has such a name"),
        (states, {"ignore": "bias"}, "no ignore 'bias'; choose from"),
        (states, {"batchnorm": "interpolate"}, "no batchnorm 'interpolate'; choose from keep, recompute"),
    ]
    for checkpoints, given, message in cases:
        with pytest.raises(LandscapeError, match=message):
            trajectory(mlp(), checkpoints, EACH, NUMBERS, out=out, **{**SMALL, **given})
    assert not out.exists()


def test_another_programs_files_are_only_read(tmp_path: Path, states: States) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    files = [folder / f"{number}.pt" for number in range(len(states))]
    for file, state in zip(files, states, strict=True):
        torch.save(state, file)
    before = {file: file.read_bytes() for file in files}
    trajectory(mlp(), files, EACH, NUMBERS, out=tmp_path / "path.h5", **SMALL)
    assert {file: file.read_bytes() for file in folder.iterdir()} == before
    shutil.rmtree(folder)
