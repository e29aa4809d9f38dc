"""Noise scales and steps over batch sizes: measured on tiny runs, judged on curves that are made up."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cases
import reference
from landscape_cli.data.load import Split
from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.gradients.noise_scale import noise_scale_of_samples
from landscape_cli.phenomena import noise_scale
from landscape_cli.reproduction.measured import Measured
from landscape_cli.training.steps_to import Fewest
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

SCALE, CURVE = "gradient-noise-scale", "critical-batch-and-steps-curve"
TINY = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "architecture.widths=[6]"]
RUNS = {"mlp": [*TINY, "batch_size=20", "epochs=3", "checkpoint_every=1"]}
SETTINGS: dict[str, Any] = {
    **{"batches": [2, 4, 8, 16, 32, 64, 128], "rates": [0.1, 0.4], "repeats": 2, "target": 2.0, "most": 60}
}


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    """What trainings take: S = least + samples / B, and `untuned` times that at the smallest's step size."""
    made = {"least": 10.0, "samples": 500.0, "untuned": 3.0, "grow": 0.25}

    def fewest(*given: object, batch_size: int, rates: list[float], **more: object) -> Fewest:
        steps = made["least"] + made["samples"] / batch_size
        best = 0.1 * batch_size ** made["grow"]
        slower = 1 if len(rates) > 1 or batch_size == 2 else made["untuned"]
        return Fewest(steps * slower, best)

    monkeypatch.setattr(noise_scale, "fewest_steps_to", fewest)
    monkeypatch.setattr(noise_scale, "DRAWS", 16)
    return made


def test_the_noise_scale_of_synthetic_gradients_is_what_they_were_made_with(lab: MakeLab) -> None:
    assert noise_scale._synthetic(lab({})) == pytest.approx(100, rel=0.05)


def of_scale(lab: MakeLab, monkeypatch: pytest.MonkeyPatch, scale: float) -> list[Measured]:
    """Return what is measured where the noise scale is this along the descent."""
    monkeypatch.setattr(noise_scale, "_along_descent", lambda *given: [0.5 * scale, 1.5 * scale])
    return measure(SCALE, [lab(RUNS, seed=seed) for seed in range(3)], **{**SETTINGS, "draws": 20})


def test_curves_at_their_critical_batch_hold(
    lab: MakeLab, monkeypatch: pytest.MonkeyPatch, steps: dict[str, float]
) -> None:
    steps |= {"least": 5.0, "samples": 50.0}
    found = of_scale(lab, monkeypatch, 12)
    assert found[0]["critical"] == pytest.approx(10, rel=1e-5)
    assert found[0]["critical_over_noise_scale"] == pytest.approx(10 / 12, rel=1e-5)
    falls = -np.diff(np.log2(5 + 50 / np.array([2.0, 4.0])))
    assert found[0]["fall_below"] == pytest.approx(falls.mean(), rel=1e-6)
    assert found[0]["saved_above"] == pytest.approx(1 - (5 + 50 / 128) / (5 + 50 / 64), rel=1e-6)
    kept = verdicts(
        SCALE, found
    )  # that on synthetic gradients and those on the training have tests of their own
    assert kept[4:] == ["holds"] * 4
    assert set(drawn(SCALE, found)) == {"scale"}


def test_other_curves_fail(lab: MakeLab, monkeypatch: pytest.MonkeyPatch, steps: dict[str, float]) -> None:
    steps |= {"least": 5.0, "samples": 500.0}  # a critical batch of 100
    assert verdicts(SCALE, of_scale(lab, monkeypatch, 12))[4] == "fails"  # steps go on falling beyond
    assert verdicts(SCALE, of_scale(lab, monkeypatch, 12))[7] == "fails"  # eight times the noise scale
    steps |= {"least": 50.0, "samples": 50.0}  # one of 1
    found = of_scale(lab, monkeypatch, 12)
    assert [verdicts(SCALE, found)[place] for place in (3, 6)] == ["fails", "fails"]


@pytest.mark.parametrize(("scales", "verdict"), [([9.0, 5, 20, 40], "holds"), ([40.0, 20, 5, 3], "fails")])
def test_growth_is_of_the_last_checkpoints_over_the_first(scales: list[float], verdict: str) -> None:
    seed = {"growth": np.mean(scales[-3:]) / scales[0], "rise": scales[-1] - scales[0]}
    others = {"error_on_synthetic": 0, "fall_below": 1, "saved_above": 0, "r_squared": 1}
    seeds = [{**seed, **others, "critical_over_noise_scale": 1}] * 3
    assert verdicts(SCALE, seeds)[1:3] == [verdict] * 2
    worse = [{**each, "error_on_synthetic": 0.06, "r_squared": 0.89} for each in seeds]
    assert [verdicts(SCALE, worse)[place] for place in (0, 5)] == ["fails", "fails"]


def test_growth_and_rise_are_of_the_table(
    lab: MakeLab, monkeypatch: pytest.MonkeyPatch, steps: dict[str, float]
) -> None:
    (found, *_) = of_scale(lab, monkeypatch, 12)
    scales = found["noise_scales"]
    assert found["epoch"].tolist() == [0, 1, 2, 3]
    assert found["growth"] == pytest.approx(scales[1:].mean() / scales[0], rel=1e-12)
    ranks = np.argsort(np.argsort(scales))
    assert found["rise"] == pytest.approx(np.corrcoef(np.arange(4), ranks)[0, 1], rel=1e-9)


def test_the_scale_along_descent_is_that_of_each_step() -> None:
    model, images = cases.NETWORKS["mlp"]().double(), cases.images(30)
    split = Split(images.inputs.double(), images.targets)
    found = noise_scale._along_descent(model, split, "cross_entropy", 0.9, 0.4, 50)
    twin: nn.Module = copy.deepcopy(model)
    expected = []
    while reference.evaluation(twin, split, "cross_entropy")[0] > 0.9:
        expected.append(noise_scale_of_samples(sample_gradients(twin, split, "cross_entropy")))
        slope = reference.gradient(twin, split, "cross_entropy")
        with torch.no_grad():
            for name, parameter in twin.named_parameters():
                parameter -= 0.4 * slope[name]
    assert len(expected) > 2
    assert found == pytest.approx(expected, rel=1e-8)


def curve(lab: MakeLab, **settings: Any) -> list[Measured]:
    return measure(CURVE, [lab(RUNS, seed=seed) for seed in range(3)], **{**SETTINGS, "ends": 2, **settings})


def test_a_curve_with_both_ends_holds(lab: MakeLab, steps: dict[str, float]) -> None:
    steps |= {"least": 10.0, "samples": 200.0}
    found = curve(lab)
    assert found[0]["fall_at_first"] == pytest.approx(np.log2(110 / 35) / 2, rel=1e-9)
    last = (10 + 200 / 128) / (10 + 200 / 32)
    assert found[0]["saved_at_last"] == pytest.approx(1 - last**0.5, rel=1e-9)
    assert found[0]["untuned_over_tuned"] == pytest.approx(3)
    assert verdicts(CURVE, found) == ["holds"] * 5
    assert set(drawn(CURVE, found)) == {"curve"}


@pytest.mark.parametrize(
    ("made", "place"),
    [
        ({"least": 100.0}, 0),  # flat from the first
        ({"least": 0.001, "samples": 1000.0}, 1),  # 1 / B to the last
        ({"grow": -0.25}, 3),
        ({"untuned": 1.5}, 4),
    ],
)
def test_curves_without_one_of_them_fail(
    lab: MakeLab, steps: dict[str, float], made: dict[str, float], place: int
) -> None:
    steps |= {"least": 10.0, "samples": 200.0, **made}
    assert verdicts(CURVE, curve(lab))[place] == "fails"


def test_steps_are_of_real_trainings(lab: MakeLab) -> None:
    settings = {**SETTINGS, "batches": [4, 8, 16, 32], "ends": 1}
    (found,) = measure(CURVE, [lab(RUNS)], **settings)
    assert np.isfinite(found["steps"]).all()
    assert set(found["rates"]) <= {0.1, 0.4}
    assert (found["untuned"] >= 1).all()
