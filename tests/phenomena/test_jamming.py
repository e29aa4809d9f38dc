"""Jamming on the digits' parity, on few samples; and that each claim can fail."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.phenomena.jamming import critical_number, fitted, parameters, scanned
from landscape_cli.phenomena.parity import LOSS, SHORT, networks, parity
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.training.stacked import outputs_of
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

JAMMING, CRITICAL, ENSEMBLES = "jamming-transition", "critical-parameter-count", "ensembling-after-jamming"
WORDS = ["dataset=digits", "architecture=mlp", "architecture.widths=[]", "epochs=0"]
RECIPE = {"lr": 0.03, "epochs": 60, "finish": 60}


@pytest.fixture(scope="module")
def data_lab(lab: MakeLab) -> Lab:
    return lab({"data": WORDS})


@pytest.fixture(scope="module")
def jammed(data_lab: Lab) -> list[Measured]:
    return measure(JAMMING, [data_lab], samples=20, widths=[1, 3, 10, 14], count=3, recipe=RECIPE)


@pytest.fixture(scope="module")
def counted(data_lab: Lab) -> list[Measured]:
    return measure(CRITICAL, [data_lab], samples=[4, 120], widths=[1, 3, 10], count=3, recipe=RECIPE)


@pytest.fixture(scope="module")
def ensembles(data_lab: Lab) -> list[Measured]:
    return measure(ENSEMBLES, [data_lab], samples=20, widths=[1, 4, 8], count=3, recipe=RECIPE)


def test_the_inputs_are_uncorrelated_of_variance_one_and_the_first_components(data_lab: Lab) -> None:
    data = parity(data_lab, "data", 5)
    torch.testing.assert_close(data.inputs.mean(0), torch.zeros(5).double(), rtol=0, atol=1e-10)
    covariance = data.inputs.T @ data.inputs / len(data.inputs)
    torch.testing.assert_close(covariance, torch.eye(5).double(), rtol=0, atol=1e-10)
    images = data_lab.data("data").train.inputs.flatten(1).double().numpy()
    variances = np.linalg.eigvalsh(np.cov(images.T, bias=True))[:-5] * len(images)
    order = data_lab.random("samples").permutation(len(images))
    explained = np.linalg.lstsq(data.inputs.numpy(), (images - images.mean(0))[order])[1].sum()
    assert explained == pytest.approx(variances.sum())
    odd = data_lab.data("data").train.targets[torch.from_numpy(order)] % 2 == 1
    assert torch.equal(data.labels > 0, odd)
    assert set(data.labels.tolist()) == {-1.0, 1.0}
    assert len(data.test[0]) == len(data.test[1]) == len(data_lab.data("data").test)


def test_parameters_are_counted() -> None:
    for width in (1, 2, 7):
        (model,) = networks(0, width, 10, 1)
        assert parameters([width], 10) == [sum(each.numel() for each in model.parameters())]


def test_a_batch_of_all_widths_gives_what_each_width_gives_alone(data_lab: Lab) -> None:
    data, recipe = parity(data_lab, "data", 5), {"lr": 0.03, "epochs": 60, "finish": 0}
    labels = {"true": data.labels[:20], "flipped": -data.labels[:20]}
    scans = scanned(data_lab, data, labels, [2, 4], 2, recipe)
    for name, targets in labels.items():
        for place, width in enumerate([2, 4]):
            models = networks(data_lab.seed, width, 5, 2)
            alone = fitted(models, data, targets.expand(2, -1), recipe)
            np.testing.assert_allclose(scans[name].loss[place], alone.loss, rtol=1e-8)
            np.testing.assert_array_equal(scans[name].short[place], alone.short)
            np.testing.assert_array_equal(scans[name].error[place], alone.error)
            outputs = outputs_of(models, data.inputs[:20])
            for k, model in enumerate(models):
                one = [
                    float(per_sample_loss(LOSS, model(x[None]).detach(), y[None]))
                    for x, y in zip(data.inputs[:20], targets, strict=True)
                ]
                assert alone.loss[k] == pytest.approx(np.mean(one))
                assert alone.short[k] == int((targets * outputs[k, :, 0] < 1 - SHORT).sum())


def test_l_bfgs_ends_what_adam_has_begun(data_lab: Lab) -> None:
    data = parity(data_lab, "data", 10)
    losses = []
    for finish in (0, 300):
        models = networks(1, 8, 10, 2)
        recipe = {"lr": 0.01, "epochs": 40, "finish": finish}
        losses.append(fitted(models, data, data.labels[:40].expand(2, -1), recipe).loss)
    assert (losses[0] > 1e-6).all()
    assert (losses[1] < 1e-8).all()


def test_the_critical_number_is_the_first_at_which_most_fit() -> None:
    numbers = np.array([10.0, 20.0, 30.0])
    assert critical_number(numbers, np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]])) == 20
    assert np.isnan(critical_number(numbers, np.ones((3, 3))))


def test_the_jamming_transition(jammed: list[Measured]) -> None:
    (seed,) = jammed
    assert seed["after"] == {"true": 0, "random": 0}
    assert verdicts(JAMMING, jammed * 3)[2:6] == ["holds"] * 4
    assert seed["critical"]["true"] < seed["critical"]["random"]
    assert seed["smallest_other_loss"] == min(
        seed["loss"][name][seed["short"][name] > 0].min() for name in ("true", "random")
    )
    assert list(drawn(JAMMING, jammed)) == ["jamming"]


HELD: dict[str, dict[str, Any]] = {
    JAMMING: {
        "before": {"true": 0.05, "random": 1.0},
        "after": {"true": 0.0, "random": 0.0},
        "smallest_other_loss": 1e-6,
        "random_over_true": 1.1,
        "peak_over_critical": 1.0,
    },
    CRITICAL: {"least_growth": 1.1, "per_sample": {"100": 0.5}},
    ENSEMBLES: {
        "largest_excess": -0.1,
        "slope": -0.25,
        "gap_ratio": 0.5,
        "intermediate_minus_large": 0.0,
    },
}


@pytest.mark.parametrize(
    ("name", "changed", "failing"),
    [
        (JAMMING, {"before": {"true": 0.04, "random": 1.0}}, [0]),
        (JAMMING, {"before": {"true": 1.0, "random": 0.0}}, [1]),
        (JAMMING, {"after": {"true": 1.0, "random": 0.0}}, [2]),
        (JAMMING, {"after": {"true": 0.0, "random": 1.0}}, [3]),
        (JAMMING, {"smallest_other_loss": 1e-7}, [4]),
        (JAMMING, {"random_over_true": 1.0}, [5]),
        (JAMMING, {"peak_over_critical": 0.5}, [6]),
        (JAMMING, {"peak_over_critical": 1.7}, [7]),
        (CRITICAL, {"least_growth": 1.0}, [0]),
        (CRITICAL, {"per_sample": {"100": 1.0}}, [1]),
        (ENSEMBLES, {"largest_excess": 0.1}, [0]),
        (ENSEMBLES, {"slope": -0.6}, [1]),
        (ENSEMBLES, {"slope": 0.0}, [2]),
        (ENSEMBLES, {"gap_ratio": 1.0}, [3]),
        (ENSEMBLES, {"intermediate_minus_large": 0.6}, [4]),
    ],
)
def test_each_claim_can_hold_and_fail(name: str, changed: dict[str, Any], failing: list[int]) -> None:
    held = [HELD[name]] * 3
    assert set(verdicts(name, held)) == {"holds"}
    told = verdicts(name, [{**seed, **changed} for seed in held])
    assert [place for place, each in enumerate(told) if each == "fails"] == failing


def test_the_critical_number_grows(counted: list[Measured]) -> None:
    (seed,) = counted
    assert seed["least_growth"] == seed["critical"][1] / seed["critical"][0] > 1
    assert seed["per_sample"]["120"] == seed["critical"][1] / 120
    assert list(drawn(CRITICAL, counted)) == ["critical"]


def test_ensembles(ensembles: list[Measured]) -> None:
    (seed,) = ensembles
    beyond = seed["numbers"] >= seed["critical"]
    assert 0 < beyond.sum() < len(beyond)
    gap = (seed["single"] - seed["ensemble"])[beyond]
    assert seed["largest_excess"] == pytest.approx(-gap.min())
    assert seed["gap_ratio"] == pytest.approx(gap[-1] / gap[0])
    assert (seed["fluctuation"][1:] > 0).all()
    assert list(drawn(ENSEMBLES, ensembles)) == ["ensembles"]


def test_the_fluctuation_is_the_standard_deviation_over_networks(
    data_lab: Lab, ensembles: list[Measured]
) -> None:
    data, models = parity(data_lab, "data", 10), networks(data_lab.seed, 4, 10, 3)
    fitted(models, data, data.labels[:20].expand(3, -1), RECIPE)
    with torch.no_grad():
        outputs = torch.stack([model(data.test[0]).flatten() for model in models])
    (seed,) = ensembles
    assert seed["fluctuation"][1] == pytest.approx(float(outputs.var(0).mean()) ** 0.5)
    wrong = outputs.mean(0).sign() != data.test[1]
    assert seed["ensemble"][1] == pytest.approx(100 * float(wrong.double().mean()))
    with pytest.raises(LandscapeError, match="add some above 1"):
        measure(ENSEMBLES, [data_lab], samples=20, widths=[1], count=2, recipe={**RECIPE, "finish": 0})
