"""Networks of one hidden layer over their width, on few samples; and that each claim can fail."""

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.phenomena.width import evaluated, least_squares, one_layer, reused
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts
from tests.phenomena.conftest import MakeLab

DESCENT, WIDTH = "double-descent-fc", "width-monotone-generalization"
WORDS = [
    "dataset=digits",
    "dataset.train_size=30",
    "dataset.test_size=60",
    "dataset.label_noise=0.1",
    "batch_size=full",
]
SQUARES = {"dimension": 10, "samples": [4, 8, 10, 12, 30], "noise": 0.5, "draws": 15}


@pytest.fixture(scope="module")
def data_lab(lab: MakeLab) -> Lab:
    return lab({"data": [*WORDS, "architecture=mlp", "architecture.widths=[]", "epochs=0"]})


@pytest.fixture(scope="module")
def descended(data_lab: Lab) -> list[Measured]:
    return list(measure(DESCENT, [data_lab], widths=[1, 4, 16], count=2, lr=0.02, epochs=150))


@pytest.fixture(scope="module")
def widened(data_lab: Lab) -> list[Measured]:
    return list(measure(WIDTH, [data_lab], widths=[1, 8, 32], count=2, lr=0.03, epochs=60, **SQUARES))


def test_what_is_measured_over_the_parameters(descended: list[Measured]) -> None:
    (seed,) = descended
    parameters = np.array([(64 + 1) * h + (h + 1) * 10 for h in (1, 4, 16)])
    np.testing.assert_allclose(seed["share"], parameters / 300)
    loss = seed["test_loss"]
    assert loss.keys() == {"random", "reused"}
    for way, each in loss.items():
        assert seed["peak_at"][way] == seed["share"][each.argmax()]
        assert seed["last_over_peak"][way] == each[-1] / each.max()
    assert (seed["share"] >= 1).tolist() == [False, True, True]
    fits = seed["train_loss"]["random"]
    assert seed["train_loss_ratio"] == fits[1] / fits[0]
    assert (np.diff(fits) < 0).all()
    np.testing.assert_array_equal(fits[1:], seed["train_loss"]["reused"][1:])  # from n K on they are the same
    assert list(drawn(DESCENT, descended)) == ["double_descent"]


def test_losses_and_errors_are_those_of_each_network(data_lab: Lab) -> None:
    torch.manual_seed(3)
    models, split = [one_layer(data_lab, "data", 4) for _ in range(2)], data_lab.data("data").test
    losses, errors = evaluated(models, split, "mse")
    for model, loss, error in zip(models, losses, errors, strict=True):
        squared, wrong = [], []
        for image, target in zip(split.inputs, split.targets.tolist(), strict=True):
            output = model(image[None]).detach().double()[0]
            squared.append(float((output - torch.eye(10).double()[target]).square().sum()))
            wrong.append(int(output.argmax()) != target)
        assert loss == pytest.approx(np.mean(squared), rel=1e-5)
        assert error == pytest.approx(100 * np.mean(wrong))


def test_reused_weights_are_those_of_the_next_smaller_network_after_its_training(data_lab: Lab) -> None:
    """The twin trains each network by itself, in a loop of torch.optim."""
    found = reused(data_lab, "data", [1, 3], 2, 0.02, 20)
    data = data_lab.data("data")
    targets = torch.eye(10)[data.train.targets]
    torch.manual_seed(data_lab.seed)
    narrow, wide = ([one_layer(data_lab, "data", width) for _ in range(2)] for width in (1, 3))
    for place, models in enumerate((narrow, wide)):
        if models is wide:
            for small, large in zip(narrow, wide, strict=True):
                for one, other in zip(small.parameters(), large.parameters(), strict=True):
                    other.data[tuple(map(slice, one.shape))] = one.data
        losses = []
        for model in models:
            adam = torch.optim.Adam(model.parameters())
            for epoch in range(20):
                adam.param_groups[0]["lr"] = 0.02 * (1 + np.cos(np.pi * epoch / 20)) / 2
                adam.zero_grad()
                (model(data.train.inputs) - targets).square().sum(1).mean().backward()
                adam.step()
            losses.append((model(data.train.inputs) - targets).square().sum(1).mean().item())
        assert found["train_loss"][place] == pytest.approx(np.mean(losses), rel=1e-3)


def test_least_squares_peaks_where_equations_are_as_many_as_unknowns() -> None:
    error = least_squares(labs(1)[0], **SQUARES)  # type: ignore[arg-type]
    assert error.argmax() == 2
    exact = least_squares(labs(1)[0], 10, [4, 10, 30], 0.0, 200)
    np.testing.assert_allclose(exact[1:], 0, atol=1e-6)
    assert exact[0] == pytest.approx(0.6, abs=0.05)  # what a projection on 4 of 10 dimensions leaves


def test_what_is_measured_over_the_width(widened: list[Measured]) -> None:
    (seed,) = widened
    fitted = seed["train_error"] == 0
    assert fitted.any()
    assert not fitted.all()
    beyond = seed["test_error"][fitted]
    assert seed["gain"] == beyond[0] - beyond[-1]
    assert seed["largest_rise"] == max([b - a for a, b in itertools.pairwise(beyond)], default=-np.inf)
    assert seed["fitted_from"] == seed["widths"][fitted.argmax()]
    assert seed["peak_off"] == 0
    assert list(drawn(WIDTH, widened)) == ["width", "least_squares"]


@pytest.mark.parametrize(
    ("name", "changed", "failing"),
    [
        (DESCENT, {"peak_at": {"random": 0.4, "reused": 1.0}}, [0]),
        (DESCENT, {"peak_at": {"random": 1.0, "reused": 2.5}}, [3]),
        (DESCENT, {"last_over_peak": {"random": 1.0, "reused": 0.8}}, [4]),
        (DESCENT, {"before_over_peak": {"random": 0.8, "reused": 1.0}}, [7]),
        (DESCENT, {"train_loss_ratio": 0.2}, [8]),
        (WIDTH, {"largest_rise": 0.1}, [0]),
        (WIDTH, {"gain": -0.1}, [1]),
        (WIDTH, {"peak_off": 0.2}, [2]),
    ],
)
def test_each_claim_can_hold_and_fail(name: str, changed: dict[str, Any], failing: list[int]) -> None:
    held = {
        DESCENT: {
            "peak_at": {"random": 1.0, "reused": 1.0},
            "last_over_peak": {"random": 0.8, "reused": 0.8},
            "before_over_peak": {"random": 0.7, "reused": 0.7},
            "train_loss_ratio": 0.01,
        },
        WIDTH: {"largest_rise": 0.0, "gain": 0.0, "peak_off": 0.0},
    }[name]
    assert set(verdicts(name, [held] * 3)) == {"holds"}
    told = verdicts(name, [{**held, **changed}] * 3)
    assert [place for place, each in enumerate(told) if each == "fails"] == failing
