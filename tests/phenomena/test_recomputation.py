"""Activations kept or computed again: gradients by hand, counts of short chains, claims that can fail."""

from typing import Any

import pytest
import torch
from torch import nn

from landscape_cli.phenomena import recomputation
from landscape_cli.phenomena.recomputation import Counts, checkpoints, memory_poor, vanilla
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "gradient-checkpointing"
TINY: dict[str, Any] = {"layers": 16, "width": 3, "samples": 2}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_holds_for_sixteen_layers(found: list[Measured]) -> None:
    """The thresholds of 64 layers are looser than their formulas, which are asserted here."""
    assert set(verdicts(NAME, found)) == {"holds"}
    for seed in found:
        assert seed["evaluations"] == {"vanilla": 16, "memory poor": 16 * 17 / 2, "checkpoints": 2 * 16}
        assert seed["stored"] == {"vanilla": 16, "memory poor": 2, "checkpoints": 3 + 4}
        assert seed["stored_by_length"][[0, 1, 3, 7, 15]].tolist() == [16, 7 + 2, 3 + 4, 1 + 8, 16]
    picture = drawn(NAME, found)["recomputation"]
    assert [len(axes.get_lines()) for axes in picture.axes] == [3, 0]


def test_gradients_by_hand() -> None:
    """Of tanh(u tanh(w x)) squared, for numbers u, w and x."""
    x, w, u = 0.7, -1.1, 0.4
    inner = torch.tanh(torch.tensor(w * x, dtype=torch.float64))
    outer = torch.tanh(u * inner)
    by_u = 2 * outer * (1 - outer**2) * inner
    by_w = 2 * outer * (1 - outer**2) * u * (1 - inner**2) * x
    for way in (vanilla, memory_poor, lambda chain, start: checkpoints(chain, start, 1)):
        chain = [nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh()).double() for _ in range(2)]
        for layer, weight in zip(chain, (w, u), strict=True):
            nn.init.constant_(layer[0].weight, weight)  # type: ignore[arg-type]
        way(chain, torch.tensor([[x]], dtype=torch.float64))
        got = [float(layer[0].weight.grad) for layer in chain]  # type: ignore[arg-type]
        assert got == pytest.approx([float(by_w), float(by_u)], rel=1e-12)


def test_what_is_freed_is_not_counted() -> None:
    layers = [nn.Linear(2, 2) for _ in range(3)]
    counts = Counts(layers)
    kept = [layers[0](torch.ones(1, 2)) for _ in range(2)]
    layers[1](torch.ones(1, 2))
    layers[2](torch.ones(1, 2))
    assert (counts.evaluations, counts.peak) == (4, 3)
    del kept
    layers[0](torch.ones(1, 2))
    assert counts.peak == 3


@pytest.mark.parametrize(
    ("name", "instead", "failing"),
    [
        ("memory_poor", vanilla, ["evaluations_off/memory poor", "stored/memory poor"]),
        ("vanilla", memory_poor, ["evaluations_off/vanilla", "stored_off/vanilla"]),
    ],
)
def test_other_ways_refute_the_claims(
    monkeypatch: pytest.MonkeyPatch, name: str, instead: recomputation.Way, failing: list[str]
) -> None:
    monkeypatch.setattr(recomputation, name, instead)
    seeds = measure(NAME, labs(), **TINY)
    told = verdicts(NAME, seeds)
    assert told.count("fails") == len(failing)


def test_wrong_gradients_and_segments_refute_the_claims(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(chain: Any, x: torch.Tensor, length: int) -> None:
        """Of half of the inputs, and best for the longest segments."""
        checkpoints(chain, x / 2, max(16 - length, 1))

    monkeypatch.setattr(recomputation, "checkpoints", wrong)
    told = verdicts(NAME, measure(NAME, labs(), **TINY))
    assert [place for place, verdict in enumerate(told) if verdict == "fails"] == [1, 8]


def test_counts_beyond_the_thresholds_refute_the_claims(found: list[Measured]) -> None:
    more = {"evaluations": {"checkpoints": 129}, "stored": {"memory poor": 3, "checkpoints": 19}}
    seeds = [{**seed, **{name: {**seed[name], **more[name]} for name in more}} for seed in found]
    assert [place for place, verdict in enumerate(verdicts(NAME, seeds)) if verdict == "fails"] == [4, 6]
