"""Batch size and learning rate: noise against enumeration, made-up curves, and each claim made to fail."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import pytest

from landscape_cli.phenomena import batch_and_rate
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

FACTORS, GROWING, LARGE = (
    "eta-over-batch-three-factors",
    "increase-batch-instead-of-lr-decay",
    "large-batch-imagenet-context",
)


def test_the_trace_of_batches_is_its_formula_and_not_that_of_drawing_with_replacement() -> None:
    gradients = np.random.default_rng(0).standard_normal((6, 3))
    assert batch_and_rate.largest_error_of_the_trace(gradients) < 1e-12
    centred = gradients - gradients.mean(axis=0)
    with_replacement = np.mean(
        [np.square(centred[list(rows)].mean(axis=0)).sum() for rows in product(range(6), repeat=2)]
    )
    assert with_replacement == pytest.approx(np.square(centred).sum(axis=1).mean() / 2)
    random = np.random.RandomState(0)
    drawn_noise = batch_and_rate.drawn_noise(gradients, [2], 20000, random)
    assert drawn_noise[0] == pytest.approx(with_replacement, rel=0.03)


def test_tiny_networks_are_measured(lab: MakeLab) -> None:
    words = [
        "dataset=digits",
        "dataset.train_size=100",
        "architecture.widths=[8]",
        "epochs=2",
        "optimizer.momentum=0",
    ]
    runs = {
        f"{ratio}, {size}": [*words, f"optimizer.lr={lr * size}", f"batch_size={size}"]
        for ratio, lr in (("low", 0.001), ("high", 0.01))
        for size in (10, 20)
    }
    groups = {"low": ["low, 10", "low, 20"], "high": ["high, 10", "high, 20"]}
    settings = {"groups": groups, "samples": 30, "few": 5, "batches": [2, 4, 8, 16], "draws": 300}
    (found,) = measure(FACTORS, [lab(runs)], **settings)
    logs = {
        name: [found["endings"][name][run]["log_curvature"] for run in runs] for name, runs in groups.items()
    }
    means = {name: np.mean(values) for name, values in logs.items()}
    within = np.mean([np.ptp(values) for values in logs.values()])
    assert found["within_over_across"]["log_curvature"] == pytest.approx(
        within / abs(means["high"] - means["low"])
    )
    assert found["curvature_falls"] == {
        "high over low": pytest.approx(math.exp(means["high"] - means["low"]))
    }
    assert found["slope_off"] < 0.1
    assert found["trace_off"] < 1e-9
    (picture,) = drawn(FACTORS, [found]).values()
    labels = [collection.get_label() for collection in picture.axes[0].collections]
    assert labels == ["batch 10", "batch 20"]


@pytest.mark.parametrize(
    ("failing", "changed"),
    [
        ([], {}),
        ([0], {"within_over_across": {"log_curvature": 0.6, "test_accuracy": 0.1}}),
        ([1], {"within_over_across": {"log_curvature": 0.1, "test_accuracy": 0.6}}),
        ([2], {"curvature_falls": {"b over a": 1.1, "c over b": 0.9}}),
        ([3], {"curvature_falls": {"b over a": 0.9, "c over b": 1.1}}),
        ([4], {"slope_off": 0.06}),
        ([5], {"trace_off": 1e-3}),
    ],
)
def test_the_factors_claims_can_hold_and_fail(failing: list[int], changed: Measured) -> None:
    holding = {
        "within_over_across": {"log_curvature": 0.1, "test_accuracy": 0.1},
        "curvature_falls": {"b over a": 0.5, "c over b": 0.5},
        "slope_off": 0.01,
        "trace_off": 1e-14,
    }
    seeds = [{"seed": seed, **holding, **changed} for seed in range(3)]
    assert verdicts(FACTORS, seeds) == ["fails" if claim in failing else "holds" for claim in range(6)]


CURVES: Mapping[str, Any] = {
    "falling rate": {"train_loss": [2.3, 1.0, 0.5], "step": [0, 10, 20], "test_accuracy": [0.1, 0.5, 0.8]},
    "growing batch": {
        "train_loss": [2.3, 1.05, 0.49],
        "step": [0, 10, 12],
        "test_accuracy": [0.1, 0.5, 0.797],
    },
    "neither": {"train_loss": [2.3, 1.0, 0.6], "step": [0, 10, 20], "test_accuracy": [0.1, 0.5, 0.7]},
}


@pytest.mark.parametrize(
    ("run", "changed", "failing"),
    [
        ("neither", {}, []),
        ("growing batch", {"train_loss": [2.3, 1.2, 0.5]}, [0]),
        ("growing batch", {"step": [0, 10, 20]}, [1]),
        ("neither", {"train_loss": [2.3, 1.0, 0.52]}, [2]),
        ("growing batch", {"test_accuracy": [0.1, 0.5, 0.7]}, [3]),
    ],
)
def test_growing_batches_follow_the_falling_rate_or_not(
    run: str, changed: Mapping[str, Sequence[float]], failing: list[int]
) -> None:
    curves = {**CURVES, run: {**CURVES[run], **changed}}
    seeds = measure(GROWING, [MadeLab(curves, seed=seed) for seed in range(3)])
    assert verdicts(GROWING, seeds) == ["fails" if claim in failing else "holds" for claim in range(4)]
    if not failing:
        (found, *_) = seeds
        assert found["apart"] == pytest.approx(0.05)
        assert found["updates_over"] == pytest.approx(0.6)
        assert found["test_accuracy_gap"] == pytest.approx(0.3)
        over_epochs, over_updates = drawn(GROWING, seeds)["losses"].axes
        assert over_updates.get_lines()[1].get_xdata().tolist() == [0, 10, 12]
        assert over_epochs.get_lines()[1].get_xdata().tolist() == [0, 1, 2]


def large(sgd: Sequence[float], lars: Sequence[float]) -> list[Measured]:
    """Two runs an optimizer, whose larger ones have these losses."""
    labs = []
    for seed in range(3):
        losses = {"a": [2.3, 1.0], "b": sgd, "c": [2.3, 1.0], "d": lars}
        lab = MadeLab({run: {"train_loss": loss} for run, loss in losses.items()}, seed=seed)
        for run, size in zip("abcd", (64, 512, 64, 512), strict=True):
            lab.runs[run] = replace(lab.runs[run], config={"batch_size": size})  # type: ignore[type-var]
        labs.append(lab)
    return measure(LARGE, labs, runs={"SGD": ["a", "b"], "LARS": ["c", "d"]})


@pytest.mark.parametrize(
    ("sgd", "lars", "failing"),
    [
        ([2.3, 2.5, 2.3], [2.3, 1.1, 0.5], []),
        ([2.3, math.nan], [2.3, 1.1, 0.5], []),
        ([2.3, 1.2, 0.6], [2.3, 1.1, 0.5], [0, 2]),
        ([2.3, 2.5, 2.3], [2.3, 3.0, 2.4], [1, 3]),
    ],
)
def test_lars_is_stable_where_sgd_is_not(
    sgd: Sequence[float], lars: Sequence[float], failing: list[int]
) -> None:
    seeds = large(sgd, lars)
    assert verdicts(LARGE, seeds) == ["fails" if claim in failing else "holds" for claim in range(6)]
    assert seeds[0]["ideal_seconds"] == pytest.approx(5)
    assert seeds[0]["gpu_operations_per_second"] == pytest.approx(8.3e11, rel=0.01)
    (curves,) = drawn(LARGE, seeds)["lars"].axes
    assert curves.get_lines()[0].get_xdata().tolist() == [1, 8]
