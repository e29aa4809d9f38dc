"""Activations and accumulated gradients, by one process and by real ones; claims that wrong ones refute."""

from typing import Any

import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.gradients.parts import CLASSES, Batch, mean_gradient
from landscape_cli.phenomena import accumulation
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "memory-vs-batch"
TINY: dict[str, Any] = {
    "batches": [12, 24],
    "depths": [16, 32],
    "width": 12,
    "micro_batches": [2, 4],
    "processes": 2,
}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_holds_also_over_real_processes(found: list[Measured]) -> None:
    assert verdicts(NAME, found) == ["holds"] * 8
    for seed in found:  # two processes with two micro-batches each, or one with these four
        assert_allclose(seed["batchnorm_off"][MANY], [seed["batchnorm_off"][ONE][1]] * 2, rtol=1e-9)
        by_hand = [[batch * (12 * depth + CLASSES) + 1 for batch in (12, 24)] for depth in (16, 32)]
        assert_allclose(seed["stored"], by_hand)
    assert list(drawn(NAME, found)) == ["memory"]


def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the processes' part be done here: each has all shares, so that nothing is to be summed."""

    def together(count: int, work: Any, networks: Any, shares: list[Batch], parts: int) -> Any:
        micro = [
            part for share in shares for part in accumulation.parts(share, [len(share[1]) // parts] * parts)
        ]
        samples = sum(len(targets) for _, targets in shares)
        gradients = {name: accumulation._accumulated(net, micro, samples) for name, net in networks.items()}
        return [(gradients, accumulation._largest(networks["accumulated"], micro))] * count

    monkeypatch.setattr(accumulation, "together", together)


def one_only(network: nn.Module, micro: list[Batch], samples: int) -> torch.Tensor:
    return mean_gradient(network, micro[0])


def whole(network: nn.Module, micro: list[Batch], samples: int) -> torch.Tensor:
    inputs, targets = (torch.cat([part[place] for part in micro]) for place in (0, 1))
    return mean_gradient(network, (inputs, targets))


@pytest.mark.parametrize(
    ("name", "wrong", "failing"),
    [
        ("_accumulated", one_only, [2, 3]),
        ("_accumulated", whole, [4, 5]),
        ("activations", lambda network, batch: 1000, [0, 1, 6, 7]),
    ],
)
def test_what_is_wrong_is_refuted(
    monkeypatch: pytest.MonkeyPatch, name: str, wrong: Any, failing: list[int]
) -> None:
    in_this_process(monkeypatch)
    monkeypatch.setattr(accumulation, name, wrong)
    expected = ["fails" if number in failing else "holds" for number in range(8)]
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected
