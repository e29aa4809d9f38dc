"""Keskar's sharpness of small and large batches: what is measured on tiny runs, and each claim both ways."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.curvature.sharpness import sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.evaluation.problem import classifier
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.weights.arithmetic import norm, params_of, subtract
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "keskar-sharpness"
TINY = ["dataset=digits", "dataset.train_size=60", "dataset.test_size=40", "architecture=mlp"]
SHAPE = ["architecture.widths=[2]", "checkpoint_every=1", "optimizer=adam", "optimizer.lr=0.01"]
SETTINGS: dict[str, Any] = {
    "epsilons": [1e-3, 5e-4],
    "samples": 30,
    "epochs": [2, 4],
    "warm": [0, 2],
    "then": {"epochs": 3, "batch_size": 30, "optimizer": {"name": "adam", "lr": 0.01}},
}


@pytest.fixture(scope="module")
def made(lab: MakeLab) -> Lab:
    return lab(
        {
            "small": [*TINY, *SHAPE, "batch_size=5", "epochs=2"],
            "large": [*TINY, *SHAPE, "batch_size=30", "epochs=4"],
        }
    )


@pytest.fixture(scope="module")
def found(made: Lab) -> Measured:
    (seed,) = measure(NAME, [made], **SETTINGS)
    return seed


def phi(lab: Lab, run: str, epoch: object = "last", epsilon: float = 1e-3) -> float:
    options = SharpnessOptions(measures=["keskar"], samples=30, epsilon=epsilon)
    problem = classifier(lab.network(run, epoch), lab.data(run), "cross_entropy", ["train"])
    return sharpness(problem, options)["keskar"]


def test_ratios_distances_and_accuracies_are_those_of_the_runs(found: Measured, made: Lab) -> None:
    assert found["phi_ratio"]["0.001"] == pytest.approx(phi(made, "large") / phi(made, "small"), rel=1e-6)
    expected = phi(made, "large", epsilon=5e-4) / phi(made, "small", epsilon=5e-4)
    assert found["phi_ratio"]["0.0005"] == pytest.approx(expected, rel=1e-6)
    weights = {run: params_of(made.network(run)) for run in ("small", "large")}
    moved = {run: norm(subtract(of, params_of(made.network(run, "init")))) for run, of in weights.items()}
    assert found["distance_ratio"] == pytest.approx(moved["small"] / moved["large"])
    accuracy = {run: 100 * made.metrics(run)["test_accuracy"][-1] for run in moved}
    assert found["test_accuracy_gap"] == pytest.approx(accuracy["small"] - accuracy["large"])


def test_the_way_is_at_the_same_shares_of_both_runs(found: Measured, made: Lab) -> None:
    np.testing.assert_allclose(
        found["path"]["small"]["phi"], [phi(made, "small", 1), phi(made, "small", 2)], rtol=1e-6
    )
    np.testing.assert_allclose(
        found["path"]["large"]["phi"], [phi(made, "large", 2), phi(made, "large", 4)], rtol=1e-6
    )


def test_without_epochs_a_warm_start_is_the_small_batchs_network(made: Lab) -> None:
    none = {**SETTINGS, "then": {**SETTINGS["then"], "epochs": 0}}
    (seed,) = measure(NAME, [made], **none)
    expected = [phi(made, "small", 0), phi(made, "small", 2)]
    np.testing.assert_allclose(seed["warm"]["phi"], expected, rtol=1e-6)
    last = 100 * made.metrics("small")["test_accuracy"]
    np.testing.assert_allclose(seed["warm"]["accuracy"], last[[0, 2]])
    assert seed["warm_accuracy"] == pytest.approx(last[2] - 100 * made.metrics("large")["test_accuracy"][-1])


def test_a_warm_start_goes_on(found: Measured, made: Lab) -> None:
    assert found["warm"]["phi"][1] != pytest.approx(phi(made, "small", 2), rel=1e-3)


def test_each_claim_can_hold_and_can_fail(found: Measured) -> None:
    holding: dict[str, Any] = {
        "phi_ratio": {"0.001": 6.0, "0.0005": 7.0},
        "train_accuracy_gap": 0.5,
        "test_accuracy_gap": 1.0,
        "distance_ratio": 3.0,
        "rank_large": -0.9,
        "rank_small": 0.9,
        "warm_accuracy": 0.5,
        "warm_phi": 0.5,
        "subspace_ratio": {"0.001": 2.0, "0.0005": 2.0},
    }
    failing: dict[str, Any] = {
        "phi_ratio": {"0.001": 2.0, "0.0005": 2.0},
        "train_accuracy_gap": 2.0,
        "test_accuracy_gap": -1.0,
        "distance_ratio": 0.5,
        "rank_large": 0.9,
        "rank_small": -0.9,
        "warm_accuracy": -0.5,
        "warm_phi": 1.5,
        "subspace_ratio": {"0.001": 0.5, "0.0005": 0.5},
    }
    for changed, verdict in ((holding, "holds"), (failing, "fails")):
        seeds = [{**found, **changed, "seed": number} for number in range(3)]
        assert verdicts(NAME, seeds) == [verdict] * 11


def test_the_picture_has_line_way_and_warm_starts(found: Measured) -> None:
    (figure,) = drawn(NAME, [found, found]).values()
    line, way, warm, accuracy = figure.axes
    np.testing.assert_allclose(line.lines[0].get_ydata(), found["line"]["train"])
    assert len(way.collections) == 2
    np.testing.assert_allclose(warm.lines[0].get_ydata(), found["warm"]["phi"])
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), found["warm"]["accuracy"])
