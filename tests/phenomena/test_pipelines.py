"""Pipelines: their schedule beside one in ticks of a clock, their gradients, and claims that can fail."""

from typing import Any

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn
from torch.nn.utils import parameters_to_vector

from landscape_cli.data.streams import stream
from landscape_cli.gradients.parts import random_network
from landscape_cli.phenomena import pipelines
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "pipeline-parallel"
TINY: dict[str, Any] = {
    "samples": 8,
    "width": 4,
    "depth": 3,
    "stages": [2, 4],
    "micro_batches": [1, 2, 4],
    "processes": 2,
    "seconds": 0.001,
}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_but_the_clock_holds_also_over_real_processes(found: list[Measured]) -> None:
    """How long processes wait depends on what else the machine does, so it counts for no verdict."""
    assert verdicts(NAME, found)[:3] == ["holds"] * 3
    for seed in found:
        assert_allclose(seed["idle"][ONE], [[1 / 2, 1 / 3, 1 / 5], [3 / 4, 3 / 5, 3 / 7]])
        assert 0 < seed["idle"][MANY] < 1
        assert_allclose(seed["bubble_off"][MANY], abs(seed["idle"][MANY] - 1 / 5))
    assert list(drawn(NAME, found)) == ["pipeline"]


def idle_by_ticks(forward: list[int], backward: list[int], micro_batches: int) -> float:
    """Return the idle share, tick by tick: a free stage takes up the next pass of its list that it may."""
    count = len(forward)
    lists = [
        [(direction, number) for direction in (1, -1) for number in range(micro_batches)]
        for _ in range(count)
    ]
    done: set[tuple[int, int, int]] = set()  # stage, direction, micro-batch
    ends: dict[int, int] = {}  # stage -> tick at which its pass ends
    tick, busy = 0, 0
    while len(done) < 2 * count * micro_batches:
        for stage, end in list(ends.items()):
            if end == tick:
                done.add((stage, *lists[stage].pop(0)))
                del ends[stage]
        for stage in range(count):
            if stage in ends or not lists[stage]:
                continue
            direction, number = lists[stage][0]
            before = stage - direction
            if not 0 <= before < count or (before, direction, number) in done:
                ends[stage] = tick + (forward if direction == 1 else backward)[stage]
        busy += len(ends)
        tick += 1
    return 1 - busy / (count * (tick - 1))


@pytest.mark.parametrize(
    ("forward", "backward"),
    [([1, 1], [2, 2]), ([2, 2, 2, 2], [3, 3, 3, 3]), ([1, 4, 2], [3, 1, 5]), ([3], [1]), ([5, 1], [1, 7])],
)
@pytest.mark.parametrize("micro_batches", [1, 2, 5])
def test_the_schedule_tick_by_tick(forward: list[int], backward: list[int], micro_batches: int) -> None:
    expected = idle_by_ticks(forward, backward, micro_batches)
    assert pipelines.idle_share(forward, backward, micro_batches) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_stages_are_all_layers_in_order(count: int) -> None:
    network = random_network(stream(0, "weights"), 4, 3)
    stages = pipelines._stages(network, count)
    assert len(stages) == count
    assert [layer for stage in stages for layer in stage] == list(network)
    linear = [sum(isinstance(layer, nn.Linear) for layer in stage) for stage in stages]
    assert max(linear) - min(linear) <= 1


def processes_that(gradient: Any) -> Any:
    """Return processes with these gradients, which idle as long as the formula says."""

    def together(count: int, work: Any, stages: list[nn.Module], micro: list[Any], *_: object) -> Any:
        busy = len(micro) * 3.0
        end = busy / (1 - pipelines.bubble(count, len(micro)))
        vectors = [parameters_to_vector(stage.parameters()).detach() for stage in stages]
        return [{"gradient": gradient(each), "begin": 0.0, "end": end, "busy": busy} for each in vectors]

    return together


def test_stages_that_take_unequally_long_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipelines.idle_share
    monkeypatch.setattr(
        pipelines,
        "idle_share",
        lambda forward, backward, many: real([3 * forward[0], *forward[1:]], backward, many),
    )
    monkeypatch.setattr(pipelines, "together", processes_that(torch.zeros_like))
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == ["holds", "fails", "fails", "holds"]


def test_gradients_that_lack_a_share_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    real = pipelines._staged
    monkeypatch.setattr(pipelines, "_staged", lambda stages, micro, samples: real(stages, micro, 2 * samples))
    monkeypatch.setattr(pipelines, "together", processes_that(torch.zeros_like))
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == ["fails", "fails", "holds", "holds"]
