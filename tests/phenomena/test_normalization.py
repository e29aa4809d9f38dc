"""Normalization layers: gradients by finite differences, and claims that other layers or curves refute."""

from collections.abc import Callable

import numpy as np
import pytest
from torch import nn

from landscape_cli.phenomena import normalization
from landscape_cli.phenomena.normalization import batchnorm_gradient
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

DEPENDS = "layer-weight-instance-group-norm"
DATA = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=100"]
MLP = [*DATA, "architecture=mlp", "architecture.widths=[16]", "batch_size=50", "epochs=2"]
CNN = [*DATA, "architecture=cnn", "epochs=0"]

MakeLab = Callable[..., Lab]


@pytest.mark.parametrize("slide", [False, True])
def test_gradient_is_that_of_finite_differences_and_a_slides_is_not(slide: bool) -> None:
    random = np.random.RandomState(0)
    inputs, above, eps = random.standard_normal((6, 3)) + 1, random.standard_normal((6, 3)), 1e-3

    def value(z: np.ndarray) -> float:
        return float((above * (z - z.mean(0)) / np.sqrt(z.var(0) + eps)).sum())

    expected, step = np.zeros_like(inputs), 1e-6
    for place in np.ndindex(inputs.shape):
        moved = np.zeros_like(inputs)
        moved[place] = step
        expected[place] = (value(inputs + moved) - value(inputs - moved)) / (2 * step)
    found = batchnorm_gradient(inputs, above, eps, slide=slide)
    assert np.allclose(found, expected, atol=1e-8) != slide


def made_batchnorm(lab: MakeLab, normalized: list[str], fast: list[str]) -> list[Measured]:
    runs = {
        "plain": [*MLP, "normalization=none", "optimizer.lr=0.001"],
        "plain fast": [*MLP, "normalization=none", *fast],
        "batch": [*MLP, *normalized],
    }
    return measure("batchnorm", [lab(runs, seed) for seed in range(3)])


def test_batchnorm_holds_and_a_layer_without_a_batch_fails(lab: MakeLab) -> None:
    quick, slow = ["optimizer.lr=0.1"], ["optimizer.lr=0.001"]
    found = made_batchnorm(lab, ["normalization=batch", *quick], slow)
    assert verdicts("batchnorm", found) == ["holds"] * 10
    (picture,) = drawn("batchnorm", found).values()
    assert len(picture.axes[0].get_lines()) == 3
    found = made_batchnorm(lab, ["normalization=layer", *slow], quick)
    assert verdicts("batchnorm", found)[4:] == ["fails"] * 2 + ["holds"] + ["fails"] * 3


def test_a_diverged_training_counts_as_infinite(lab: MakeLab) -> None:
    runs = {
        "plain": [*MLP, "normalization=none", "optimizer.lr=0.1"],
        "plain fast": [*MLP, "normalization=none", "optimizer.lr=1e30"],
        "batch": [*MLP, "normalization=batch", "optimizer.lr=0.1"],
    }
    (found,) = measure("batchnorm", [lab(runs)])
    assert found["over_plain_fast"] == 0
    assert 0 < found["over_plain"] < np.inf


def test_wrong_formulas_and_statistics_refute(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    right, own = normalization.batchnorm_gradient, normalization.nn.BatchNorm1d

    def exchanged(inputs: np.ndarray, above: np.ndarray, eps: float, *, slide: bool = False) -> np.ndarray:
        return right(inputs, above, eps, slide=not slide)

    monkeypatch.setattr(normalization, "batchnorm_gradient", exchanged)
    monkeypatch.setattr(normalization, "_take_statistics", lambda model, layers, inputs: model.eval())
    monkeypatch.setattr(
        normalization.nn, "BatchNorm1d", lambda *of, **by: own(*of, **{**by, "momentum": 0.2})
    )
    found = made_batchnorm(lab, ["normalization=batch", "optimizer.lr=0.1"], ["optimizer.lr=0.001"])
    assert verdicts("batchnorm", found)[:4] == ["fails"] * 4


def test_evaluation_that_saw_the_batch_would_refute(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.BatchNorm1d, "eval", lambda layer: layer)
    monkeypatch.setattr(nn.BatchNorm1d, "train", lambda layer, mode=True: layer)
    found = made_batchnorm(lab, ["normalization=batch", "optimizer.lr=0.1"], ["optimizer.lr=0.001"])
    assert verdicts("batchnorm", found)[6] == "fails"


def made_layers(
    lab: MakeLab, layer: str = "layer", batch: str = "batch", group: str = "group"
) -> list[Measured]:
    """Return what is measured where runs of these names have the normalizations that are given."""
    given = {"layer": layer, "instance": "instance", "batch": batch, "group": group, "weight": "weight"}
    runs = {name: [*CNN, f"normalization={one}"] for name, one in given.items()}
    for name in ("batch", "group"):
        runs[f"{name} of 2"] = [*MLP, f"normalization={given[name]}", "optimizer.lr=0.1"]
    return measure(DEPENDS, [lab(runs, seed) for seed in range(3)])


def test_samples_alone_do_not_depend_on_the_batch(lab: MakeLab) -> None:
    found = made_layers(lab)
    assert verdicts(DEPENDS, found)[:-1] == ["holds"] * 15
    for seed in found:
        large, small = seed["accuracy"]["large"], seed["accuracy"]["small"]
        assert seed["drop_batch_minus_group"] == pytest.approx(
            (large["batch"] - small["batch"]) - (large["group"] - small["group"])
        )
    assert list(drawn(DEPENDS, found)) == ["accuracy"]


def test_what_depends_on_the_batch_refutes(lab: MakeLab) -> None:
    told = verdicts(DEPENDS, made_layers(lab, layer="batch", batch="layer"))
    assert [place for place, verdict in enumerate(told[:-1]) if verdict == "fails"] == [0, 3, 4, 7]


def test_small_batches_that_cost_both_the_same_refute(lab: MakeLab) -> None:
    assert verdicts(DEPENDS, made_layers(lab, batch="group"))[-1] == "fails"


def test_other_formulas_and_other_parameters_refute(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    class Rectified(normalization.Normalization):
        def maps(self, channels: int, *, one_pixel: bool = False) -> nn.Module:
            return nn.Sequential(super().maps(channels, one_pixel=one_pixel), nn.ReLU())

    monkeypatch.setattr(normalization, "Normalization", Rectified)
    similarity = nn.functional.cosine_similarity
    monkeypatch.setattr(nn.functional, "cosine_similarity", lambda one, other: similarity(one, one + other))
    assert verdicts(DEPENDS, made_layers(lab))[8:15] == ["fails"] * 7
