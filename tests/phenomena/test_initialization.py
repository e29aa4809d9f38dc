"""Initial weights: fans and moments by hand, and claims that other weights refute."""

import math
from typing import Any

import numpy as np
import pytest

from landscape_cli.phenomena import initialization
from landscape_cli.phenomena.initialization import HE, HE_OUT, HEURISTIC, ONE_OVER_N, XAVIER, fans
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

TINY: dict[str, dict[str, Any]] = {
    "xavier-init": {"width": 128, "samples": 64},
    "he-init": {"depths": [10, 30], "width": 600, "samples": 8},
    "conv-fans": {"layers": 4, "channels": 32, "pixels": 3, "draws": 40},
}


def test_fans() -> None:
    assert fans((5, 7)) == (7, 5)
    assert fans((5, 7, 3, 2)) == (42, 30)


@pytest.mark.parametrize(
    ("draw", "variance"),
    [(XAVIER, 2 / 72), (HEURISTIC, 1 / (3 * 42)), (HE, 2 / 42), (HE_OUT, 2 / 30), (ONE_OVER_N, 1 / 42)],
)
def test_moments_of_a_kernel(draw: initialization.Draw, variance: float) -> None:
    weights = [draw(np.random.RandomState(seed), (5, 7, 3, 2)) for seed in range(200)]
    assert np.mean(weights) == pytest.approx(0, abs=5 * math.sqrt(variance / 42_000))
    assert np.var(weights) == pytest.approx(variance, rel=0.03)
    if draw is XAVIER:
        assert np.abs(weights).max() <= math.sqrt(6 / 72)


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
        ("xavier-init", {"XAVIER": HEURISTIC}, [0, 2, 8]),
        ("xavier-init", {"HEURISTIC": XAVIER}, [4, 5]),
        ("xavier-init", {"XAVIER": lambda random, shape: 1 + 9 * XAVIER(random, shape)}, [7, 8]),
        ("he-init", {"HE": ONE_OVER_N}, [0]),
        ("he-init", {"HE": lambda random, shape: 1.2 * HE(random, shape)}, [1]),
        ("he-init", {"ONE_OVER_N": HE}, [2]),
        ("he-init", {"HE_OUT": ONE_OVER_N}, [3]),
        ("he-init", {"HE_OUT": lambda random, shape: 1.2 * HE_OUT(random, shape)}, [4]),
        ("conv-fans", {"HE": ONE_OVER_N}, [0]),
        ("conv-fans", {"HE_OUT": ONE_OVER_N}, [1]),
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
    real = initialization.normal
    monkeypatch.setattr(initialization, "normal", lambda variance: real(lambda n_in, n_out: 2 / n_out))
    told = verdicts("conv-fans", measure("conv-fans", labs(), **TINY["conv-fans"]))
    assert told == ["holds", "holds", "fails"]
