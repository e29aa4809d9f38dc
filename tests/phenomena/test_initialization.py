"""Initial weights: fans and moments by hand, and claims that other weights refute."""

import math
from typing import Any

import pytest
import torch
from torch import nn

from landscape_cli.phenomena import initialization
from landscape_cli.phenomena.initialization import he, he_out, heuristic, one_over_n, slide, xavier
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

TINY: dict[str, dict[str, Any]] = {
    "xavier-init": {"width": 128, "samples": 64},
    "he-init": {"depths": [10, 30], "width": 600, "samples": 8},
    "conv-fans": {"layers": 4, "channels": 32, "pixels": 3, "draws": 40},
}


@pytest.mark.parametrize(
    ("draw", "variance"),
    [
        (xavier, 2 / 72),
        (heuristic, 1 / 126),
        (he, 2 / 42),
        (he_out, 2 / 30),
        (one_over_n, 1 / 42),
        (slide, 2 / 5),
    ],
)
def test_moments_of_a_kernel(draw: initialization.Draw, variance: float) -> None:
    """Of 7 channels into 5, 3 x 2: fans of 42 and 30."""
    random = torch.Generator().manual_seed(0)
    weights = torch.empty(200, 5, 7, 3, 2, dtype=torch.float64)
    for weight in weights:
        draw(weight, random)
    assert float(weights.mean()) == pytest.approx(0, abs=5 * math.sqrt(variance / 42_000))
    assert float(weights.var()) == pytest.approx(variance, rel=0.03)
    if draw in (xavier, heuristic):  # uniform
        assert float(weights.abs().max()) == pytest.approx(math.sqrt(3 * variance), rel=1e-3)


def larger(draw: initialization.Draw, weight: torch.Tensor, random: torch.Generator) -> None:
    draw(weight, random)
    with torch.no_grad():
        weight.mul_(1.2)


@pytest.fixture(scope="module")
def found() -> dict[str, list[Measured]]:
    return {name: measure(name, labs(), **settings) for name, settings in TINY.items()}


@pytest.mark.parametrize("name", TINY)
def test_all_holds_in_small_networks(found: dict[str, list[Measured]], name: str) -> None:
    assert set(verdicts(name, found[name])) == {"holds"}
    (picture,) = drawn(name, found[name]).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == {
        "xavier-init": [3, 3],
        "he-init": [2, 2],
        "conv-fans": [2, 2],
    }[name]


def test_linear_layers_keep_what_the_variance_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an activation, a variance of 1 / n keeps the size, and 2 / n doubles its square a layer."""
    monkeypatch.setattr(initialization.nn, "ReLU", initialization.nn.Identity)
    (seed,) = measure("he-init", labs(1), depths=[10], width=400, samples=32)
    assert seed["activations"]["one_over_n"]["10"][-1] == pytest.approx(1, abs=0.2)
    assert seed["activations"]["he"]["10"][-1] == pytest.approx(2**5, rel=0.2)


@pytest.mark.parametrize(
    ("name", "draws", "failing"),
    [
        ("xavier-init", {"xavier": heuristic}, [0, 2, 8]),
        ("xavier-init", {"heuristic": xavier}, [4, 5]),
        (
            "xavier-init",
            {"xavier": lambda weight, random: nn.init.normal_(weight, 1, 9, generator=random)},
            [7, 8],
        ),
        ("he-init", {"he": one_over_n}, [0]),
        ("he-init", {"he": lambda weight, random: larger(he, weight, random)}, [1]),
        ("he-init", {"one_over_n": he}, [2]),
        ("he-init", {"he_out": one_over_n}, [3]),
        ("he-init", {"he_out": lambda weight, random: larger(he_out, weight, random)}, [4]),
        ("conv-fans", {"he": one_over_n}, [0]),
        ("conv-fans", {"he_out": one_over_n}, [1]),
    ],
)
def test_other_weights_refute(
    monkeypatch: pytest.MonkeyPatch, name: str, draws: dict[str, Any], failing: list[int]
) -> None:
    for constant, draw in draws.items():
        monkeypatch.setattr(initialization, constant, draw)
    settings = {**TINY[name], "depths": [30], "width": 150} if name == "he-init" else TINY[name]
    told = verdicts(name, measure(name, labs(), **settings))
    assert set(failing) <= {place for place, each in enumerate(told) if each == "fails"}


def test_a_sigmoid_that_were_near_the_identity_would_keep_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization.nn, "Sigmoid", initialization.nn.Tanh)
    told = verdicts("xavier-init", measure("xavier-init", labs(), **TINY["xavier-init"]))
    assert told == ["holds"] * 6 + ["fails"] + ["holds"] * 2


def test_a_slide_that_counted_the_kernel_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(initialization, "slide", he_out)
    told = verdicts("conv-fans", measure("conv-fans", labs(), **TINY["conv-fans"]))
    assert told == ["holds", "holds", "fails"]
