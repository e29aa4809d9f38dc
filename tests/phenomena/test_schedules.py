"""Schedules and linear scaling: on made-up curves, on tiny runs, and each claim made to fail."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from landscape_cli.composition import settings_from
from landscape_cli.phenomena.schedules import by_formula
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

SCALING, SCHEDULES = "linear-lr-scaling", "lr-schedules"
CURVES = {
    "k=1": [2.3, 2.0, 1.0],
    "k=4": [2.3, 2.1, 1.05],
    "k=16": [2.3, 2.15, 1.05],
    "k=64": [2.3, 2.3, 2.0],
    "k=4, unscaled": [2.3, 2.2, 1.5],
    "k=16, unscaled": [2.3, 2.3, 1.8],
    "k=16, warm-up": [2.3, 2.2, 0.9],
    "k=64, warm-up": [2.3, 2.2, 1.6],
}


def scaled(**changed: Sequence[float]) -> list[Measured]:
    curves = {run: {"train_loss": loss} for run, loss in {**CURVES, **changed}.items()}
    return measure(SCALING, [MadeLab(curves, seed=seed) for seed in range(3)])


def test_how_far_curves_are_apart() -> None:
    (found, *_) = scaled()
    assert found["apart"] == {
        "k=4": pytest.approx(0.05),
        "k=16": pytest.approx(0.075),
        "k=64": pytest.approx(1.0),
    }
    assert found["unscaled_over_scaled"] == {
        "k=4": pytest.approx(1.5 / 1.05),
        "k=16": pytest.approx(1.8 / 1.05),
    }
    assert found["warmed_over_abrupt"] == {"k=16": pytest.approx(0.9 / 1.05), "k=64": pytest.approx(0.8)}


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"k=4": [2.3, 2.25, 1.05]}, [0]),
        ({"k=16": [2.3, 2.15, 1.2]}, [1]),
        ({"k=64": [2.3, 2.1, 1.0], "k=64, warm-up": [2.3, 2.1, 0.9]}, [2]),
        ({"k=4, unscaled": [2.3, 2.0, 1.0]}, [3]),
        ({"k=16, unscaled": [2.3, 2.0, 1.0]}, [4]),
        ({"k=16, warm-up": [2.3, 2.2, 1.1]}, [5]),
        ({"k=64, warm-up": [2.3, 2.2, 2.1]}, [6]),
    ],
)
def test_claims_of_scaling(changed: dict[str, Sequence[float]], failing: Sequence[int]) -> None:
    assert verdicts(SCALING, scaled(**changed)) == ["fails" if at in failing else "holds" for at in range(7)]


def test_one_k_looks_alike_in_all_panels() -> None:
    (picture,) = drawn(SCALING, scaled()).values()
    colours: dict[str, set[Any]] = {}
    for axes in picture.axes:
        for line in axes.get_lines():
            colours.setdefault(line.get_label(), set()).add(line.get_color())
    assert list(colours) == ["k=1", "k=4", "k=16", "k=64"]
    assert [len(used) for used in colours.values()] == [1] * 4
    assert [len(axes.get_lines()) for axes in picture.axes] == [4, 3, 3]


COSINE = {"name": "cosine", "final": 0.1, "warmup": 2}


@pytest.mark.parametrize(
    ("schedule", "step", "expected"),
    [
        ({"name": "constant", "warmup": 0}, 7, 1.0),
        ({"name": "step", "every": 2, "gamma": 0.5, "warmup": 0}, 7, 1.0),
        ({"name": "step", "every": 2, "gamma": 0.5, "warmup": 0}, 16, 0.25),
        (COSINE, 0, 1 / 8),
        (COSINE, 7, 1.0),
        (COSINE, 8, 1.0),
        (COSINE, 24, 0.55),
        (COSINE, 40, 0.1),
        (COSINE, 32, 0.1 + 0.9 * (1 + math.cos(0.75 * math.pi)) / 2),
    ],
)
def test_formulas(schedule: Mapping[str, Any], step: int, expected: float) -> None:
    """Ten epochs of four steps."""
    assert by_formula(schedule, step, 10, 4) == pytest.approx(expected)


TINY = {
    "constant": ["epochs=3"],
    "step": ["epochs=3", "schedule=step", "schedule.every=1"],
    "cosine": ["epochs=3", "schedule=cosine", "schedule.final=0.01"],
    "warm-up and cosine": ["epochs=3", "schedule=cosine", "schedule.final=0.01", "schedule.warmup=1"],
    "no warm-up": ["epochs=2", "optimizer.lr=0.2"],
    "warm-up": ["epochs=2", "optimizer.lr=0.2", "schedule.warmup=1"],
}


@pytest.fixture(scope="module")
def found(lab: MakeLab) -> list[Measured]:
    words = ["dataset=digits", "dataset.train_size=40", "dataset.test_size=20", "batch_size=10"]
    (seed,) = measure(SCHEDULES, [lab({run: [*words, *own] for run, own in TINY.items()})])
    return [seed] * 3


def test_schedules_of_tiny_runs_are_the_formulas(found: list[Measured]) -> None:
    seed = found[0]
    assert list(seed["jump"]) == ["warm-up and cosine"]
    for quantity in ("values_off", "recorded_off", "jump"):
        assert all(value <= 1e-12 for value in seed[quantity].values())
    np.testing.assert_allclose(seed["factor"]["step"], [1] * 4 + [0.1] * 4 + [0.01] * 4 + [0.001])
    assert seed["time"]["step"][-1] == 3


def test_a_training_that_diverges_is_measured_as_far_as_it_came(lab: MakeLab) -> None:
    words = ["dataset=digits", "dataset.train_size=40", "dataset.test_size=20", "batch_size=10"]
    runs = {run: [*words, *own] for run, own in TINY.items()}
    made = lab({**runs, "no warm-up": [*words, "epochs=2", "optimizer.lr=1e30"]})
    (seed,) = measure(SCHEDULES, [made])
    assert seed["highest_over_initial"]["no warm-up"] == math.inf
    assert seed["warmed_over_abrupt"] == 0
    assert np.isnan(seed["train_loss"]["no warm-up"]).tolist() == [False, True, True]
    assert np.isfinite(seed["train_loss"]["warm-up"]).all()
    assert made.made()["train_losses"]["no warm-up"] is None
    assert verdicts(SCHEDULES, [seed] * 3)[12::2] == ["holds", "holds"]
    (picture,) = drawn(SCHEDULES, [seed] * 3).values()
    lost, _ = picture.axes[2].get_lines()
    assert lost.get_ydata()[1] > picture.axes[2].get_ylim()[1]  # it leaves the panel
    assert np.isnan(lost.get_ydata()[2])


HOLDS = {
    "decaying_over_constant": dict.fromkeys(("step", "cosine", "warm-up and cosine"), 0.5),
    "highest_over_initial": {"no warm-up": 1.1, "warm-up": 1.0},
    "warmed_over_abrupt": 0.1,
}


@pytest.mark.parametrize(
    ("first", "quantity", "value"),
    [
        (0, "values_off", 1e-3),
        (4, "recorded_off", 1e-3),
        (8, "jump", 0.1),
        (9, "decaying_over_constant", 1.2),
    ],
)
def test_each_claim_of_several_schedules_can_fail(
    found: list[Measured], first: int, quantity: str, value: float
) -> None:
    held = [{**seed, **HOLDS} for seed in found]
    assert verdicts(SCHEDULES, held) == ["holds"] * 15
    for number, name in enumerate(held[0][quantity]):
        seeds = [{**seed, quantity: {**seed[quantity], name: value}} for seed in held]
        failing = [at for at, verdict in enumerate(verdicts(SCHEDULES, seeds)) if verdict == "fails"]
        assert failing == [first + number]


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        (12, {"highest_over_initial": {"no warm-up": 1.0, "warm-up": 1.0}}),
        (13, {"highest_over_initial": {"no warm-up": 1.1, "warm-up": 1.2}}),
        (14, {"warmed_over_abrupt": 1.5}),
    ],
)
def test_each_claim_of_a_warm_up_can_fail(found: list[Measured], claim: int, values: dict[str, Any]) -> None:
    seeds = [{**seed, **HOLDS, **values} for seed in found]
    assert [at for at, verdict in enumerate(verdicts(SCHEDULES, seeds)) if verdict == "fails"] == [claim]


def test_schedules_are_drawn_beside_losses(found: list[Measured]) -> None:
    (picture,) = drawn(SCHEDULES, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [4, 4, 2]


def test_batchnorm_sees_as_many_samples_at_every_k_of_the_papers_scale() -> None:
    """Goyal et al. 2017, section 2.3: the batch that statistics are of is a worker's, which stays fixed."""
    runs = {
        run: settings_from("train", words) for run, words in phenomenon(SCALING).scale("paper").runs.items()
    }
    assert {run: config.batch_size for run, config in runs.items()}["k=64"] == 64 * 32
    assert {config.micro_batch for config in runs.values()} == {runs["k=1"].batch_size} == {32}
