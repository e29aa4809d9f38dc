"""The noise of a gradient beside covariances and Hessians that are written out, in float64."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cases
from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.noise import GradientNoise
from landscape_cli.curvature.noise_options import MEASURES, Options
from landscape_cli.data.load import Split
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.problem import Problem
from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.weights.selection import selected


def problem(model: nn.Module, samples: int = 40) -> tuple[Problem, Split]:
    images = cases.images(samples)
    split = Split(images.inputs.to(next(model.parameters()).dtype), images.targets)
    parts = [(split.inputs, split.targets)]
    return Problem(model, {"train": parts}, objective("cross_entropy"), [split.inputs], "made"), split


def tiny() -> nn.Module:
    torch.manual_seed(4)
    layers = nn.Sequential(nn.Flatten(), nn.Linear(128, 4), nn.Tanh(), nn.Linear(4, 3))
    return layers.double()


def test_scales_and_shares_are_those_of_matrices() -> None:
    model, k = tiny(), 3
    given, split = problem(model)
    found = GradientNoise(given, Options(draws=200, k=k), 5).measure()
    gradients = sample_gradients(model, split, "cross_entropy")
    mean, covariance = gradients.mean(axis=0), np.cov(gradients.T, bias=True)
    hessian = dense_hessian(*objective_at(model, split, "cross_entropy"))
    exact = {
        "noise_scale": np.trace(covariance) / (mean @ mean),
        "hessian_noise_scale": np.trace(hessian @ covariance) / (mean @ hessian @ mean),
    }
    for name, expected in exact.items():
        assert abs(found[name] - expected) < 3 * found[f"{name}_error"] < 0.6 * abs(expected), name
    top = np.linalg.eigh(hessian)[1][:, -k:]
    assert found["top_share"] == pytest.approx(np.square(top.T @ mean).sum() / (mean @ mean), abs=1e-3)
    assert math.isnan(found["top_overlap"])
    with torch.no_grad():
        loss = torch.nn.functional.cross_entropy(model(split.inputs), split.targets)
    assert found["loss"] == pytest.approx(float(loss), rel=1e-12)
    assert list(found) == Options().columns


def test_the_overlap_is_with_the_eigenspace_that_is_given() -> None:
    given, _ = problem(tiny())
    noise = GradientNoise(given, Options(measures=["eigenspace"], draws=4, k=2), 5)
    space: Array | None = noise.eigenspace
    assert space is not None
    assert noise.measure(space)["top_overlap"] == pytest.approx(1, abs=1e-12)
    assert (
        noise.measure(np.linalg.qr(np.random.default_rng(0).normal(size=space.shape))[0])["top_overlap"] < 0.2
    )


def test_more_samples_a_batch_leave_the_scale_and_bring_tails_to_a_gaussian() -> None:
    model = cases.NETWORKS["mlp"]().double()
    given, split = problem(model)
    options = Options(measures=["noise_scale", "tails"], draws=400)
    few, many = (GradientNoise(given, options, size).measure() for size in (2, 32))
    apart = math.hypot(few["noise_scale_error"], many["noise_scale_error"])
    assert abs(few["noise_scale"] - many["noise_scale"]) < 3 * apart
    gradients = sample_gradients(model, split, "cross_entropy")
    off = gradients - gradients.mean(axis=0)
    alone = np.mean(np.mean(off**4, axis=0) / np.mean(off**2, axis=0) ** 2)
    for found, size in ((few, 2), (many, 32)):
        error = found["coordinate_kurtosis_error"]
        assert abs(found["coordinate_kurtosis"] - (3 + (alone - 3) / size)) < 4 * error < 0.4
    assert few["coordinate_tail_index"] < many["coordinate_tail_index"]


def test_a_subset_is_measured_as_if_it_were_all() -> None:
    given, _ = problem(tiny())
    options: dict[str, Any] = {"measures": ["noise_scale"], "draws": 50}
    subset = GradientNoise(given, Options(samples=21, **options), 4).measure()
    assert subset == GradientNoise(given, Options(samples=21, **options), 4).measure()
    assert subset != GradientNoise(given, Options(samples=21, seed=1, **options), 4).measure()
    with pytest.raises(LandscapeError, match="samples=41 is more than the 40 of the train split"):
        GradientNoise(given, Options(samples=41), 4)


def test_normalization_is_in_evaluation_mode() -> None:
    model = cases.NETWORKS["resnet-batch"]().double().train()
    given, split = problem(model)
    options = Options(measures=["noise_scale"], draws=50, params="last")
    found = GradientNoise(given, options, 5).measure()
    last = sum(model.get_parameter(name).numel() for name in selected(model, "last"))
    gradients = sample_gradients(model, split, "cross_entropy")[:, -last:]
    exact = gradients.var(axis=0).sum() / np.square(gradients.mean(axis=0)).sum()
    assert abs(found["noise_scale"] - exact) < 3 * found["noise_scale_error"]
    assert all(module.training for module in model.modules())


def test_what_is_not_finite_is_told_as_such() -> None:
    model = tiny()
    with torch.no_grad():
        model[1].weight.mul_(math.inf)
    found = GradientNoise(problem(model)[0], Options(draws=4), 5).measure()
    assert not math.isfinite(found.pop("loss"))
    assert all(math.isnan(value) for value in found.values())


def test_draws_that_do_not_fit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landscape_cli.curvature.noise.LARGEST", 10_000)
    with pytest.raises(
        LandscapeError, match=r"draws=100 gradients of 531 numbers do not fit .* say draws=18,"
    ):
        GradientNoise(problem(tiny())[0], Options(), 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"measures": "tail"}, "no measures 'tail'; choose from eigenspace, hessian_noise_scale"),
        ({"measures": []}, "measures must be one or several of noise_scale, "),
        ({"draws": 3}, "draws must be a whole number of four or more, got 3"),
        ({"k": 0}, "k must be a positive whole number, got 0"),
        ({"params": []}, "params must be"),
    ],
)
def test_options_out_of_range(given: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        Options(**given)
    assert str(caught.value).startswith(message)


def test_columns_are_those_of_the_measures_in_one_order() -> None:
    assert Options(measures="tails").measures == ["tails"]
    assert Options(measures=["eigenspace", "noise_scale"]).columns == [
        *("loss", "noise_scale", "noise_scale_error", "top_share", "top_overlap")
    ]
    assert len(Options().columns) == 1 + sum(map(len, MEASURES.values()))
