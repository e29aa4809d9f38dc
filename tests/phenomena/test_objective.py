"""The objective: compositions and losses against closed forms, and claims that wrong inputs refute."""

import math

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.phenomena import objective, optimizers
from landscape_cli.reproduction.verdicts import overall

TRAIN = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20", "epochs=1"]


def test_a_composition_by_hand() -> None:
    weights = {
        "1.weight": np.array([[1.0, -1.0], [2.0, 0.0]]),
        "1.bias": np.array([0.5, -3.0]),
        "3.weight": np.array([[1.0, 10.0]]),
        "3.bias": np.array([-1.0]),
    }
    # hidden: relu(1 - 2 + 0.5) = 0, relu(2 - 3) = 0; then relu(3 - 1 + 0.5) = 2.5, relu(6 - 3) = 3
    outputs = objective.composition(weights, np.array([[[1.0, 2.0]], [[3.0, 1.0]]]))
    assert_allclose(outputs, [[-1.0], [31.5]])


def test_losses_by_hand_are_torchs() -> None:
    torch.manual_seed(0)
    outputs, targets = torch.randn(7, 4, dtype=torch.float64) * 50, torch.randint(0, 4, (7,))
    one_hot = nn.functional.one_hot(targets, 4).double()
    by_hand = objective.cross_entropy(outputs.numpy(), targets.numpy())
    assert by_hand == pytest.approx(float(nn.functional.cross_entropy(outputs, targets)), rel=1e-12)
    by_hand = objective.squared_error(outputs.numpy(), targets.numpy())
    assert by_hand == pytest.approx(4 * float(nn.functional.mse_loss(outputs, one_hot)), rel=1e-12)


def test_the_losses_of_a_sample_by_its_margin() -> None:
    losses = objective._by_margin(np.array([0.0, math.log(9)]))  # p = 0.1 and 0.5
    assert_allclose(losses[objective.CE], [math.log(10), math.log(2)])
    assert_allclose(losses[objective.MSE], [1.0, (math.log(9) - 1) ** 2])
    assert_allclose(losses[objective.LI], [0.81 + 9 * 0.01, 0.25 + 9 * (0.5 / 9) ** 2])


@pytest.mark.slow
def test_nn_composition(lab, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    runs = {"linear": ["architecture.widths=[]"], "mlp": [], "cnn": ["architecture=cnn"]}
    made = lab({name: [*TRAIN, *words] for name, words in runs.items()}, seeds=[0, 1])
    found = objective.nn_composition(made)
    assert overall(found.claims) == "holds"
    rows = {row["run"]: row for row in found.tables["runs"]}
    assert rows["linear"]["parameters"] == 650
    assert rows["linear"]["ratio"] == 6.5
    assert [len(claim.values) for claim in found.claims] == [4, 4, 6, 6]  # the first two are for mlps
    assert rows["cnn"]["error_of_outputs"] == ""

    right = objective.composition
    monkeypatch.setattr(objective, "composition", lambda weights, inputs: right(weights, inputs + 0.1))
    wrong = objective.nn_composition(made)
    assert [claim.verdict for claim in wrong.claims] == ["fails", "fails", "holds", "holds"]


def test_losses_mse_ce(lab, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    runs = {
        "zero weights": [*TRAIN, "init=zeros", "epochs=0"],
        "cross-entropy": TRAIN,
        "MSE": [*TRAIN, "loss=mse", "optimizer.lr=0.01"],
    }
    runs["zero weights"].remove("epochs=1")
    made = lab(runs)
    found = objective.losses_mse_ce(made, classes=[2, 10], uniform=["zero weights"])
    assert overall(found.claims) == "holds"
    zero = found.tables["runs"][0]
    assert zero["torch_mse"] == pytest.approx(0.1)
    assert zero["torch_mse_of_the_softmax"] == pytest.approx(0.09)

    untrue = objective.losses_mse_ce(made, classes=[2, 10], uniform=["cross-entropy"])
    verdicts = [claim.verdict for claim in untrue.claims]
    assert verdicts == ["holds", "fails", "fails", "holds", "holds", "holds"]


def test_how_far_curves_are_apart_in_seed_noise() -> None:
    reference = np.array([[9.0, 1.0, 3.0], [9.0, 3.0, 3.0]])  # spreads of sqrt(2) and 0
    curves = np.array([[9.0, 2.0, 3.0], [9.0, 3.0, 9.0]])
    assert_allclose(optimizers.in_seed_noise(curves, reference), [0.5 / (0.5 * 2**0.5), 3 / (0.5 * 2**0.5)])
    assert np.isnan(optimizers.in_seed_noise(curves[:1], reference[:1])).all()


@pytest.mark.slow
def test_optimizers_from_the_same_weights(lab) -> None:  # type: ignore[no-untyped-def]
    words = [*TRAIN, "epochs=2", "optimizer.lr=0.02"]
    words.remove("epochs=1")
    runs = {
        "SGD": [*words, "optimizer.momentum=0"],
        "Nesterov": [*words, "optimizer.momentum=0.8", "optimizer.nesterov=true"],
        "Adam": [*words, "optimizer=adam"],
    }
    made = lab(runs, seeds=[0, 1, 2])
    found = optimizers.fmnist_optimizer_comparison(made)
    same, lower, adam, nesterov = found.claims
    assert same.verdict == lower.verdict == adam.verdict == "holds"
    assert len(nesterov.values) == 3
    assert min(nesterov.values) > 0
    assert all(row["seconds"] > 0 for row in found.tables["optimizers"])

    made._runs["Adam", 0] = made.run("SGD", 1)  # of another seed: another start, and no better
    assert optimizers.fmnist_optimizer_comparison(made).claims[0].verdict == "fails"
