"""Dropout: means over masks, and over all masks; augmentation: shifts by loops; claims on tiny runs."""

from collections import OrderedDict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.phenomena.random_training import NEIGHBOURS, masked_outputs, shifted
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeRun, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

TINY = [
    *["dataset=digits", "dataset.train_size=40", "dataset.test_size=30", "architecture=cnn"],
    *["batch_size=20", "epochs=1"],
]


IMAGE = torch.tensor([[[[0.5, 1.0, 2.0]]]])


def network() -> nn.Module:
    """Like ``architecture=cnn``, but three pixels are the features that dropout is of."""
    torch.manual_seed(0)
    hidden = nn.Sequential(nn.Linear(3, 16), nn.Identity(), nn.ReLU())
    parts = {"features": nn.Identity(), "flatten": nn.Flatten(), "dropout": nn.Dropout(0.5), "hidden": hidden}
    return nn.Sequential(OrderedDict(parts))


def test_the_mean_over_masks_is_that_of_all_eight() -> None:
    model, masks = network(), 20_000
    found = masked_outputs(model, IMAGE, masks, seed=1)
    assert not any(module.training for module in model.modules())

    linear = model.get_submodule("hidden.0")
    assert isinstance(linear, nn.Linear)
    weight, bias = linear.weight.detach().numpy(), linear.bias.detach().numpy()
    features = IMAGE.flatten().double().numpy()
    outputs = np.array([weight @ (features * mask / 0.5) + bias for mask in product([0, 1], repeat=3)])
    np.testing.assert_allclose(outputs.mean(axis=0), weight @ features + bias)
    np.testing.assert_allclose(found["linear"]["evaluated"], weight @ features + bias)
    for name, exact in (("linear", outputs), ("after the ReLU", np.maximum(outputs, 0))):
        varying = exact.std(axis=0) > 0
        np.testing.assert_allclose(found[name]["error"], exact.std(axis=0)[varying] / masks**0.5, rtol=0.1)
        z = (found[name]["mean"] - exact.mean(axis=0)[varying]) / found[name]["error"]
        assert np.abs(z).max() < 5


def test_the_masks_are_the_seeds_own() -> None:
    means = [masked_outputs(network(), IMAGE, 50, seed=seed)["linear"]["mean"] for seed in (1, 1, 2)]
    assert (means[0] == means[1]).all()
    assert (means[0] != means[2]).any()


GAPS = {
    "no dropout": {"train_loss": [2.3, 0.1], "test_loss": [2.3, 0.5]},
    "dropout": {"train_loss": [2.3, 0.2], "test_loss": [2.3, 0.4]},
}


def dropped(lab: MakeLab, **columns: Any) -> list[Measured]:
    labs = [
        lab({"no dropout": TINY, "dropout": [*TINY, "architecture.dropout=0.5"]}, seed=seed)
        for seed in range(3)
    ]
    for each in labs:
        network = each.network("dropout")
        each.network = lambda name, epoch="last", network=network: network  # type: ignore[method-assign,misc]
        data = each.data("dropout")
        each.data = lambda name, data=data: data  # type: ignore[method-assign,misc]
        for run, made in {**GAPS, **columns}.items():
            each.runs[run] = MadeRun(Path(run), made)  # type: ignore[assignment]
    return measure("dropout", labs, masks=2000)


def test_claims_on_dropout(lab: MakeLab) -> None:
    found = dropped(lab)
    assert found[0]["gap"] == {"no dropout": pytest.approx(0.4), "dropout": pytest.approx(0.2)}
    assert verdicts("dropout", found) == ["holds"] * 3
    wider = dropped(lab, dropout={"train_loss": [2.3, 0.1], "test_loss": [2.3, 0.6]})
    assert verdicts("dropout", wider) == ["holds", "holds", "fails"]


def test_masks_that_are_not_scaled_are_told(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropped features without the division by 1 - p: the mean is half of the output without a mask."""
    monkeypatch.setattr(
        nn.Dropout,
        "forward",
        lambda self, inputs: inputs * (torch.rand_like(inputs) < 0.5) if self.training else inputs,
    )
    assert verdicts("dropout", dropped(lab))[0] == "fails"


def test_dropout_is_drawn(lab: MakeLab) -> None:
    pictures = drawn("dropout", dropped(lab))
    assert list(pictures) == ["dropout"]
    assert len(pictures["dropout"].axes[1].get_lines()) == 4


def test_shifts_are_what_loops_give() -> None:
    inputs = torch.randn(3, 2, 4, 5)
    zero = torch.tensor([-1.0, -2.0])
    assert len(set(NEIGHBOURS)) == 8
    for down, right in NEIGHBOURS:
        found = shifted(inputs, zero, down, right)
        for y in range(4):
            for x in range(5):
                inside = 0 <= y - down < 4 and 0 <= x - right < 5
                expected = inputs[:, :, y - down, x - right] if inside else zero.expand(3, 2)
                assert torch.equal(found[:, :, y, x], expected)


PAIRS = phenomenon("augmentation").scale("small").settings["pairs"]
RUNS = phenomenon("augmentation").scale("small").runs


def augmented(lab: MakeLab, accuracies: dict[str, float], recorded: float = 1.0) -> list[Measured]:
    """Measure tiny runs of the catalogue's names, whose last test accuracies are made up."""
    labs = [lab(dict.fromkeys(RUNS, TINY), seed=seed) for seed in range(3)]
    for each in labs:
        networks = {run: each.network(run) for run in each.runs}
        data = each.data("digits")
        each.network = lambda name, epoch="last", networks=networks: networks[name]  # type: ignore[method-assign,misc]
        each.data = lambda name, data=data: data  # type: ignore[method-assign,misc]
        for run in list(each.runs):
            loss = each.metrics(run)["train_loss"][-1] * recorded
            columns = {"test_accuracy": [0.1, accuracies.get(run, 0.8)], "train_loss": [2.3, loss]}
            each.runs[run] = MadeRun(Path(run), columns)  # type: ignore[assignment]
    return measure("augmentation", labs)


def test_claims_on_augmentation(lab: MakeLab) -> None:
    better = {"digits, shifted": 0.85, "digits, mirrored": 0.5}
    found = augmented(lab, better)
    assert found[0]["accuracy_gain"] == {"digits": pytest.approx(5), "Fashion-MNIST": pytest.approx(0)}
    assert found[0]["mirrored_gain"] == pytest.approx(-30)
    held = verdicts("augmentation", found)
    assert [held[0], held[1], held[2], held[-1]] == ["holds"] * 4
    worse = augmented(lab, {"digits, shifted": 0.75, "digits, mirrored": 0.9}, recorded=1.001)
    failed = verdicts("augmentation", worse)
    assert [failed[0], failed[1], failed[2], failed[-1]] == ["fails", "fails", "holds", "fails"]


@pytest.mark.parametrize(("gain", "verdict"), [(1.0, "holds"), (-1.0, "fails")])
def test_the_claim_on_shifted_images(lab: MakeLab, gain: float, verdict: str) -> None:
    found = [{**seed, "shifted_gain": dict.fromkeys(PAIRS, gain)} for seed in augmented(lab, {})]
    assert verdicts("augmentation", found)[3:5] == [verdict] * 2


def test_accuracy_on_shifted_images_by_loops(lab: MakeLab) -> None:
    (found, *_) = augmented(lab, {})
    one = lab({"digits": TINY})
    split, model, zero = one.data("digits").test, one.network("digits"), one.data("digits").zero
    hits = 0
    for down, right in NEIGHBOURS:
        for image, target in zip(split.inputs, split.targets.tolist(), strict=True):
            moved = shifted(image[None], zero, down, right)
            hits += int(model(moved)[0].argmax()) == target
    assert found["shifted_accuracy"]["digits"] == pytest.approx(100 * hits / (8 * len(split)))


def test_augmentation_is_drawn(lab: MakeLab) -> None:
    pictures = drawn("augmentation", augmented(lab, {}))
    assert list(pictures) == ["augmentation"]
    digits, fashion, dots = pictures["augmentation"].axes
    assert [len(axes.get_lines()) for axes in (digits, fashion)] == [3, 2]
    assert [len(one.get_offsets()) for one in dots.collections] == [6, 6]  # type: ignore[arg-type]
