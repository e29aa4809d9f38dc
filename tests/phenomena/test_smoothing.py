"""Smoothed landscapes: counts and limits by plain sums, a network's slices one point at a time."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.analytic.smoothing import smoothed
from landscape_cli.analytic.surfaces2d import rastrigin
from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import smoothing
from landscape_cli.reproduction.measured import Measured
from landscape_cli.weights.directions import random as random_direction
from made_lab import MadeLab, measure, verdicts

ID = "gaussian-smoothing-landscape"
WIDTHS = [0.8, 0.65, 0.5, 0.35, 0.2, 0.0]


class SmallLab(MadeLab):
    """Of a little network of tanh units on noise."""

    def __init__(self, scale: float = 3.0) -> None:
        torch.manual_seed(0)
        network = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 3))
        with torch.no_grad():
            for each in network.parameters():
                each.mul_(scale)
        super().__init__({"rough": {}}, networks={"rough": network})
        split = Split(torch.randn(12, 4), torch.randint(3, (12,)))
        self._data = {"rough": Dataset("noise", split, split, 3, (4,), torch.zeros(1), fingerprint="made")}

    def loss(self, name: str) -> str:
        return "cross_entropy"


def measured(scale: float = 3.0, **settings: Any) -> list[Measured]:
    few = {
        "widths": WIDTHS,
        "points": 31,
        "nodes": 32,
        "starts": 8,
        "steps": 40,
        "samples": 12,
        "planes": 1,
        "side": 11,
        "draws": 6,
    }
    return measure(ID, [SmallLab(scale)], **{**few, **settings})


def test_smoothing_leaves_one_minimum_and_leads_to_it() -> None:
    found = measured()
    assert verdicts(ID, found * 3) == ["holds"] * len(verdicts(ID, found * 3))
    assert found[0]["counts"]["1-d"].tolist()[::5] == [1, 5]
    assert found[0]["counts"]["2-d"].tolist()[::5] == [1, 25]  # 5 by 5 integer points in the box
    picture: dict[str, Any] = {
        "shown": ["0", "0.5", "0.8"],
        "names": dict.fromkeys(("from_the_least", "from_the_mean"), "a"),
    }
    picture["names"] |= {"raw": "b", "mean": "c"}
    assert list(smoothing.draw_gaussian_smoothing_landscape(found * 3, **picture)) == ["smoothing", "limits"]


def test_a_schedule_that_starts_too_narrow_or_ends_too_wide_is_refuted() -> None:
    told = verdicts(ID, measured(widths=[0.3, 0.0], temperatures=[0.1, 1.0]) * 3)
    # there is not one minimum, it is not found, and temperatures are neither low nor high
    assert [number for number, verdict in enumerate(told) if verdict == "fails"] == [6, 7, 8, 12, 13]


def test_descents_that_need_no_smoothing_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoothing, "arrived", lambda ends: 0.6)
    told = verdicts(ID, measured(widths=[0.8, 0.0], points=11, starts=2, steps=2) * 3)
    assert told[7:11] == ["fails"] * 4


def test_a_kernel_of_the_variance_lambda_squared_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        smoothing, "smoothed", lambda f, width, nodes: smoothed(f, 2**0.5 * width, nodes=nodes)
    )
    found = measured(widths=[0.6, 0.0], starts=2, steps=2, points=11)
    assert verdicts(ID, found * 3)[2:4] == ["fails", "fails"]
    assert found[0]["whole_off"] < 1e-8


def test_the_energies_are_those_of_sums_point_by_point() -> None:
    x = np.array([-0.3, 0.4, 1.1])
    found = smoothing.effective_energies(rastrigin(1), x, 0.2, [0.05, 2.0])
    r = np.linspace(-0.6, 0.6, smoothing.LINE)
    share = np.exp(-25 * r**2) / np.exp(-25 * r**2).sum()
    least, mean, middle = [], [], []
    for at in x:
        f = 10 + (at + r) ** 2 - 10 * np.cos(2 * np.pi * (at + r))
        least.append(f.min())
        mean.append((share * f).sum())
        middle.append(f[len(r) // 2])
    span = max(middle) - min(middle)
    energy = []
    for at in x:
        f = 10 + (at + r) ** 2 - 10 * np.cos(2 * np.pi * (at + r))
        energy.append(-0.05 * span * np.log((share * np.exp(-f / 0.05 / span)).sum()))
    assert found["cold_off"] == pytest.approx(np.abs(np.array(energy) - least).max() / span)
    assert np.asarray(found["from_the_mean"])[0] == pytest.approx(
        np.abs(np.array(energy) - mean).max() / span
    )


def test_a_slice_and_its_mean_are_those_of_networks_one_by_one() -> None:
    lab = SmallLab()
    model, split = lab.network("rough").double(), lab.data("rough").train
    split = Split(split.inputs.double(), split.targets)
    lab._networks = {"rough": model}
    axis = np.array([-0.5, 0.0, 0.5])
    raw, mean = smoothing.slices(lab, "rough", split, axis, "plane 0", 0.2, 2)
    weights = dict(model.named_parameters())
    seeds = lab.random("plane 0").randint(2**31, size=2)
    d, e = (random_direction(weights, norm="filter", ignore="biasbn", seed=int(s), axis="x") for s in seeds)
    generator = torch.Generator().manual_seed(int(lab.random("plane 0, shifts").randint(2**31)))
    shifts = [{k: 0.2 * torch.randn(w.shape, generator=generator) for k, w in weights.items()} for _ in "ab"]
    nothing = {k: torch.zeros(w.shape) for k, w in weights.items()}
    for row, y in enumerate(axis):
        for column, x in enumerate(axis):
            losses = []
            for shift in (nothing, *shifts):
                moved = copy.deepcopy(model)
                with torch.no_grad():
                    for k, w in moved.named_parameters():
                        w += x * d[k] + y * e[k] + shift[k]
                losses.append(nn.functional.cross_entropy(moved(split.inputs), split.targets).item())
            assert raw[row, column] == pytest.approx(losses[0])
            assert mean[row, column] == pytest.approx(np.mean(losses[1:]))


def test_shifts_of_their_own_at_every_point_make_minima(monkeypatch: pytest.MonkeyPatch) -> None:
    def noisy(*arguments: Any) -> tuple[np.ndarray, np.ndarray]:
        random = np.random.default_rng(0)
        bowl = np.add.outer(arguments[3] ** 2, arguments[3] ** 2)
        return bowl, bowl + random.normal(size=bowl.shape)

    monkeypatch.setattr(smoothing, "slices", noisy)
    assert verdicts(ID, measured(widths=[0.8, 0.0], starts=2, steps=2, points=11) * 3)[-1] == "fails"
