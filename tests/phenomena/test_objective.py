"""The objective: compositions and losses against closed forms, and claims that wrong inputs refute."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.phenomena import objective
from landscape_cli.reproduction.lab import Lab
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

TRAIN = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20"]
PARTS, LOSSES = "nn-composition", "losses-mse-ce"


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


@pytest.fixture(scope="module")
def parts(lab: MakeLab) -> Lab:
    runs = {"linear": ["architecture.widths=[]"], "mlp": [], "cnn": ["architecture=cnn"]}
    return lab({name: [*TRAIN, "epochs=1", *words] for name, words in runs.items()})


def test_nn_composition(parts: Lab) -> None:
    found = measure(PARTS, [parts])
    assert verdicts(PARTS, found) == ["holds"] * 4
    (seed,) = found
    assert seed["parameters"]["linear"] == 650
    assert seed["samples"] == {"linear": 100, "mlp": 100, "cnn": 100}
    assert list(seed["error_of_outputs"]) == list(seed["error_of_the_loss"]) == ["linear", "mlp"]
    assert list(seed["change_of_a_weight"]) == list(seed["change_of_the_loss"]) == ["linear", "mlp", "cnn"]
    pictures = drawn(PARTS, found)
    assert list(pictures) == ["parameters"]
    (axes,) = pictures["parameters"].axes
    assert axes.get_xticklabels()[0].get_text() == "linear\nN/P = 6.5"


def test_another_composition_is_refuted(parts: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    right = objective.composition
    monkeypatch.setattr(objective, "composition", lambda weights, inputs: right(weights, inputs + 0.1))
    assert verdicts(PARTS, measure(PARTS, [parts])) == ["fails", "fails", "holds", "holds"]


def test_weights_that_change_on_the_way_are_refuted(parts: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    right = objective.vector_to_parameters
    monkeypatch.setattr(
        objective, "vector_to_parameters", lambda flat, parameters: right(1.01 * flat, parameters)
    )
    assert verdicts(PARTS, measure(PARTS, [parts]))[2:] == ["fails", "fails"]


@pytest.fixture(scope="module")
def losses(lab: MakeLab) -> Lab:
    return lab(
        {
            "zero weights": [*TRAIN, "init=zeros", "epochs=0"],
            "cross-entropy": [*TRAIN, "epochs=1"],
            "MSE": [*TRAIN, "epochs=1", "loss=mse", "optimizer.lr=0.01"],
        }
    )


def test_losses_mse_ce(losses: Lab) -> None:
    found = measure(LOSSES, [losses])
    assert verdicts(LOSSES, found) == ["holds"] * 6
    (seed,) = found
    assert list(seed["uniform_off_ln_C"]) == ["2", "10", "100", "1000"]
    assert seed["mse"]["zero weights"] == pytest.approx(1.0)
    for run in losses.runs:
        data = losses.data(run)
        with torch.no_grad():
            outputs = losses.network(run).double()(data.train.inputs.double())
        one_hot = nn.functional.one_hot(data.train.targets, 10).double()
        squares = float(((outputs - one_hot) ** 2).sum()) / 100
        entropy = float(nn.functional.cross_entropy(outputs, data.train.targets))
        assert seed["mse"][run] == pytest.approx(squares, rel=1e-5)
        assert seed["cross_entropy"][run] == pytest.approx(entropy, rel=1e-5)
    accuracy = seed["test_accuracy"]
    assert list(accuracy) == [objective.CE, objective.MSE]
    assert_allclose(accuracy[objective.MSE], losses.metrics("MSE")["test_accuracy"])
    assert list(drawn(LOSSES, found)) == ["losses"]


def test_outputs_that_are_not_uniform_are_refuted(losses: Lab) -> None:
    found = measure(LOSSES, [losses], uniform="cross-entropy")
    assert verdicts(LOSSES, found) == ["holds", "fails", "fails", "holds", "holds", "holds"]


@pytest.mark.parametrize(
    ("name", "wrong", "failing"),
    [
        ("_at_uniform_outputs", lambda classes: math.log(classes + 1), 0),
        ("cross_entropy", objective.squared_error, 3),
        ("squared_error", objective.cross_entropy, 4),
        ("F.mse_loss", lambda one, other: ((one - other) ** 2).sum(dim=1).mean(), 5),  # no mean over classes
    ],
)
def test_wrong_formulas_are_refuted(
    losses: Lab, monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any, failing: int
) -> None:
    monkeypatch.setattr(f"landscape_cli.phenomena.objective.{name}", wrong)
    expected = ["fails" if number == failing else "holds" for number in range(6)]
    assert verdicts(LOSSES, measure(LOSSES, [losses])) == expected
