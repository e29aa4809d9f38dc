"""The loss along a path, and below it on the plane, against float64 evaluations of the same weights."""

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from api.models import EACH, NUMBERS, mlp
from api.test_trajectory import SMALL, States, content, trained, with_weights
from torch import nn

import reference
from landscape_cli import read, trajectory
from landscape_cli.data.load import Split
from landscape_cli.surfaces.path_field import PathField

TRAIN = Split(*NUMBERS)


@pytest.fixture
def states() -> States:
    return trained(mlp(), NUMBERS[1], EACH)


def below(states: States, x: float, y: float, directions: dict[str, dict[str, Any]]) -> nn.Module:
    """The network on the plane, summed by hand in float64."""
    twin = with_weights(mlp(), states[-1]).double()
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            for coordinate, axis in ((x, "x"), (y, "y")):
                if name in directions[axis]:
                    parameter += coordinate * torch.from_numpy(directions[axis][name]).double()
    return twin


def directions_of(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {"x": {}, "y": {}}
    for name, values in content(path).items():
        if name.startswith("directions/"):
            _, axis, parameter = name.split("/")
            found[axis][parameter] = values
    return found


def test_losses_at_the_checkpoints_and_below_them_are_those_by_hand(tmp_path: Path, states: States) -> None:
    out = tmp_path / "path.h5"
    for state in states[:-1]:  # not in a plane
        for tensor in state.values():
            tensor += 0.2 * torch.randn(tensor.shape)
    surface = trajectory(mlp(), states, EACH, NUMBERS, NUMBERS, out=out, **SMALL)
    found = surface.trajectory
    assert found is not None
    directions = directions_of(out)
    for number, state in enumerate(states):
        there = reference.evaluation(with_weights(mlp(), state), TRAIN, "cross_entropy")
        x, y = float(found.x[number]), float(found.y[number])
        under = reference.evaluation(below(states, x, y, directions), TRAIN, "cross_entropy")
        for split in ("train", "test"):
            for place, (loss, accuracy) in (("path", there), ("plane", under)):
                values = getattr(found, place)
                assert values[f"{split}_loss"][number] == pytest.approx(loss, rel=1e-5)
                assert values[f"{split}_accuracy"][number] == pytest.approx(accuracy, abs=1e-9)
    assert np.abs(found.path["train_loss"] - found.plane["train_loss"]).max() > 1e-3


def test_a_path_within_a_plane_is_where_the_plane_says(tmp_path: Path, states: States) -> None:
    three = [states[0], states[2], states[-1]]
    found = trajectory(mlp(), three, EACH, NUMBERS, out=tmp_path / "path.h5", **SMALL).trajectory
    assert found is not None
    np.testing.assert_allclose(found.outside, 0, atol=1e-5)
    for name, values in found.path.items():
        np.testing.assert_allclose(found.plane[name], values, rtol=1e-5, err_msg=name)


def test_what_lies_outside_is_the_rest_of_the_distance(tmp_path: Path, states: States) -> None:
    found = trajectory(mlp(), states, EACH, NUMBERS, out=tmp_path / "path.h5", **SMALL).trajectory
    assert found is not None
    last = torch.cat([tensor.double().flatten() for tensor in states[-1].values()])
    for number, state in enumerate(states[:-1]):
        whole = float((torch.cat([each.double().flatten() for each in state.values()]) - last).norm())
        within = float(np.hypot(found.x[number], found.y[number]))
        assert found.outside[number] == pytest.approx(np.sqrt(max(whole**2 - within**2, 0)) / whole, abs=1e-4)
    assert found.outside[-1] == 0


@pytest.mark.parametrize("options", [{}, {"samples": 6}, {"samples": 6, "anchors": 2}, {"precision": "bf16"}])
def test_a_path_that_was_stopped_goes_on(
    tmp_path: Path, states: States, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    def walk(out: str) -> dict[str, Any]:
        trajectory(mlp(), states, EACH, NUMBERS, out=tmp_path / out, **SMALL, **options)
        return content(tmp_path / out)

    whole = walk("whole.h5")
    move, moves = PathField._below_checkpoint, []

    def stopping(self: PathField, number: int) -> None:
        moves.append(number)
        if moves == [0, 1, 2]:
            raise KeyboardInterrupt
        move(self, number)

    monkeypatch.setattr(PathField, "_below_checkpoint", stopping)
    with pytest.raises(KeyboardInterrupt):
        walk("stopped.h5")
    half = read(tmp_path / "stopped.h5").trajectory
    assert half is not None
    assert np.isfinite(half.plane["train_loss"]).tolist() == [True, True, *[False] * (len(states) - 2)]
    again = walk("stopped.h5")
    assert moves == [0, 1, 2, *range(2, len(states))]
    assert again.keys() == whole.keys()
    for name, values in whole.items():
        np.testing.assert_array_equal(again[name], values, err_msg=name)
    before = list(moves)
    walk("stopped.h5")  # finished: nothing is evaluated
    assert moves == before


def test_running_statistics_are_the_checkpoints_own_or_estimated(tmp_path: Path) -> None:
    def network() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Linear(NUMBERS[0].shape[1], 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10)
        )

    states = trained(network().train(), NUMBERS[1], EACH)
    kept = trajectory(network(), states, EACH, NUMBERS, out=tmp_path / "kept.h5", **SMALL).trajectory
    assert kept is not None
    for number, state in enumerate(states):
        model = network()
        model.load_state_dict(copy.deepcopy(state))
        loss, _ = reference.evaluation(model, TRAIN, "cross_entropy")
        assert kept.path["train_loss"][number] == pytest.approx(loss, rel=1e-5)
    options = {**SMALL, "batchnorm": "recompute"}
    anew = trajectory(network(), states, EACH, NUMBERS, out=tmp_path / "anew.h5", **options).trajectory
    assert anew is not None
    for number, state in enumerate(states):
        model = network().double()
        model.load_state_dict(copy.deepcopy(state))
        hidden = model[0](TRAIN.inputs.double())  # type: ignore[index]
        model[1].running_mean = hidden.mean(0).detach()  # type: ignore[index]
        model[1].running_var = hidden.var(0).detach()  # type: ignore[index]
        loss, _ = reference.evaluation(model, TRAIN, "cross_entropy")
        assert anew.path["train_loss"][number] == pytest.approx(loss, rel=1e-4)
