"""The twins of a network of two layers: a whole one holds, and each claim can fail."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.phenomena import reparametrization
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "dinh-reparametrization"
TINY = ["dataset=digits", "dataset.train_size=60", "dataset.test_size=40", "architecture=mlp"]
SETTINGS: dict[str, Any] = {"factors": [0.5, 1.0, 30.0], "factor": 30.0}


@pytest.fixture(scope="module")
def made(lab: MakeLab) -> Lab:
    return lab({"mlp": [*TINY, "architecture.widths=[3]", "epochs=5", "batch_size=20"]})


@pytest.fixture(scope="module")
def found(made: Lab) -> Measured:
    (seed,) = measure(NAME, [made], **SETTINGS)
    return seed


def judged(seed: Measured, **changed: Any) -> list[str]:
    return verdicts(NAME, [{**seed, **changed, "seed": number} for number in range(3)])


def test_a_twin_is_what_the_formula_says(found: Measured, made: Lab) -> None:
    assert found["change_of_an_output"].max() < 1e-12
    assert found["change_of_accuracy"].tolist() == [0] * 3
    assert found["off_the_formula"] < 1e-12
    assert 0.999 < found["eigenvalue_over_bound"] < 1.5
    assert found["radius_off_one"] < 1e-6
    # of the block of the second layer's weights, by a difference quotient along its eigenvector
    assert found["largest_by_factor"][-1] == pytest.approx(
        found["eigenvalue_over_bound"] * 900 * found["blocks"][1]
    )
    assert found["growth"] == pytest.approx(found["largest_by_factor"][2] / found["largest_by_factor"][1])
    assert found["keskar_of_the_farthest"] == pytest.approx(
        found["keskar_by_factor"][2] / found["keskar_by_factor"][1]
    )
    assert judged(found)[:4] == ["holds"] * 4


def test_each_claim_can_hold_and_can_fail(found: Measured) -> None:
    holding = {
        "change_of_an_output": [1e-7],
        "change_of_accuracy": [0.0],
        "off_the_formula": 1e-9,
        "eigenvalue_over_bound": 1.0,
        "keskar_apart": 11.0,
        "radius_off_one": 0.01,
        "keskar_of_the_farthest": 12.0,
        "growth": 60.0,
        "raw_radius_apart": 2.0,
    }
    failing = {
        "change_of_an_output": [1e-3],
        "change_of_accuracy": [0.01],
        "off_the_formula": 1e-3,
        "eigenvalue_over_bound": 0.3,
        "keskar_apart": 6.0,
        "radius_off_one": 0.2,
        "keskar_of_the_farthest": 2.0,
        "growth": 2.0,
        "raw_radius_apart": 1.0,
    }
    assert judged(found, **holding) == ["holds"] * 9
    assert judged(found, **failing) == ["fails"] * 9


def test_a_network_that_computes_something_else_is_no_twin(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def another(model: torch.nn.Module, factor: float) -> torch.nn.Module:
        twin = copy.deepcopy(model)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.mul_(factor)
        return twin

    monkeypatch.setattr(reparametrization, "rescaled", another)
    (seed,) = measure(NAME, [made], **SETTINGS)
    assert judged(seed)[0] == "fails"
    assert judged(seed)[2] == "fails"


def test_the_picture_has_the_twins(found: Measured) -> None:
    (figure,) = drawn(NAME, [found, found]).values()
    hessian = figure.axes[0].lines
    np.testing.assert_allclose(hessian[0].get_ydata(), found["largest_by_factor"])
    bound = np.maximum(found["blocks"][0] / found["factor"] ** 2, found["blocks"][1] * found["factor"] ** 2)
    np.testing.assert_allclose(hessian[1].get_ydata(), bound)
    assert figure.axes[2].lines[1].get_ydata()[1] == 1
