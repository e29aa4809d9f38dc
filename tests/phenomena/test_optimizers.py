"""Optimizers compared: on made-up learning curves, and on tiny runs from the same weights."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "fmnist-optimizer-comparison"
CURVES = {
    "SGD": [2.3, 1.0, 0.8],
    "momentum 0.8": [2.3, 0.8, 0.5],
    "Nesterov 0.8": [2.3, 0.7, 0.5],
    "Adam": [2.3, 0.6, 0.4],
    "SGD again": [2.4, 1.1, 0.8],
}
SAME, LOWER, ADAM, MOMENTUM, NESTEROV = range(5)


def measured(losses: Mapping[str, Sequence[float]]) -> list[Measured]:
    runs = {
        run: {
            "train_loss": curve,
            "test_loss": [1.1 * loss for loss in curve],
            "train_accuracy": [0.1, 0.5, 0.9],
            "test_accuracy": [0.1, 0.5, 0.8],
            "seconds": [7.0, 1.0, 2.0],
        }
        for run, curve in losses.items()
    }
    return measure(NAME, [MadeLab(runs, seed=seed) for seed in range(3)])


def test_how_far_curves_are_apart_in_seed_noise() -> None:
    (found, *_) = measured(CURVES)
    noise = (abs(1.0 - 1.1) + abs(0.8 - 0.8)) / 2  # the first epoch is left out
    assert found["in_seed_noise"] == {
        "momentum 0.8": pytest.approx((0.2 + 0.3) / 2 / noise),
        "Nesterov 0.8": pytest.approx((0.3 + 0.3) / 2 / noise),
    }
    assert found["spread_of_the_initial_loss"] == 0.0  # that of the other seed is left out
    assert found["largest_final_over_initial"] == pytest.approx(0.8 / 2.3)
    assert found["adaptive_minus_plain"] == pytest.approx(-0.4)
    assert found["train_loss"]["SGD again"].tolist() == CURVES["SGD again"]


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"Adam": [2.4, 0.6, 0.4]}, [SAME]),
        ({"momentum 0.8": [2.3, 0.8, 2.5]}, [LOWER]),
        ({"Adam": [2.3, 0.6, 0.9]}, [ADAM]),
        ({"momentum 0.8": [2.3, 1.01, 0.8]}, [MOMENTUM]),
        ({"SGD again": [2.4, 1.5, 1.6], "momentum 0.8": [2.3, 2.2, 2.0]}, [NESTEROV]),
    ],
)
def test_claims(changed: Mapping[str, Sequence[float]], failing: Sequence[int]) -> None:
    expected = ["fails" if number in failing else "holds" for number in range(5)]
    assert verdicts(NAME, measured({**CURVES, **changed})) == expected


def test_curves_are_drawn_over_epochs_and_over_time() -> None:
    pictures = drawn(NAME, measured(CURVES))
    assert list(pictures) == ["learning_curves"]
    panels = {axes.get_title(): axes for axes in pictures["learning_curves"].axes}
    for title, places in (("Training loss", [0, 1, 2]), ("Training loss over time", [0, 1, 3])):
        lines = panels[title].get_lines()
        assert len(lines) == 4  # that of the other seed is no curve of the notebook
        for line, run in zip(lines, CURVES, strict=False):
            np.testing.assert_allclose(line.get_xdata(), places)
            np.testing.assert_allclose(line.get_ydata(), CURVES[run])
    np.testing.assert_allclose(panels["Test accuracy"].get_lines()[0].get_ydata(), [10, 50, 80])


def test_tiny_runs_start_at_the_same_weights(lab: MakeLab) -> None:
    words = [
        *["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20", "epochs=2"],
        "optimizer.lr=0.02",
    ]
    runs = {
        "SGD": [*words, "optimizer.momentum=0"],
        "Nesterov 0.8": [*words, "optimizer.momentum=0.8", "optimizer.nesterov=true"],
        "Adam": [*words, "optimizer=adam"],
        "SGD again": [*words, "optimizer.momentum=0", "seed=1000"],
    }
    made = lab(runs)
    assert made.runs["SGD again"].config["seed"] == 1000
    (found,) = measure(NAME, [made])
    assert found["spread_of_the_initial_loss"] == 0.0
    assert found["largest_final_over_initial"] < 1
    assert found["adaptive_minus_plain"] <= 0
    assert found["in_seed_noise"]["Nesterov 0.8"] > 0
    assert all((seconds[1:] > 0).all() for seconds in found["seconds"].values())

    made.runs["Adam"] = made.runs["SGD again"]  # of another seed: another start
    assert measure(NAME, [made])[0]["spread_of_the_initial_loss"] > 0
