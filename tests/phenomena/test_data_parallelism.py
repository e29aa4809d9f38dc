"""Gradients of shards: by one process and by real ones, and claims that wrong sums refute."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from numpy.testing import assert_allclose
from torch import Tensor, nn

from landscape_cli.data.streams import stream
from landscape_cli.gradients.parts import Batch, activations, mean_gradient, random_batch, random_network
from landscape_cli.phenomena import data_parallelism
from landscape_cli.phenomena.data_parallelism import WAYS
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "data-parallel-equivalence"
TINY: dict[str, Any] = {"samples": 36, "width": 6, "depth": 2, "workers": [2, 3], "processes": 2}
EQUALITIES, INEQUALITIES, MEMORY = [0, 1, 2, 3], [4, 5, 6, 7], [8, 9]


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_holds_also_over_real_processes(found: list[Measured]) -> None:
    assert verdicts(NAME, found) == ["holds"] * 10
    for seed in found:
        for way in WAYS:  # the same shards, so the same distances, where these are more than rounding
            assert_allclose(seed[f"{way}_off"][MANY], [seed[f"{way}_off"][ONE][0]] * 2, rtol=1e-9, atol=1e-12)
    assert list(drawn(NAME, found)) == ["gradients"]


def test_ways_to_put_gradients_together_by_hand() -> None:
    """Two shards, of 4 and 8 samples; BatchNorm over all of them is torch's own over the batch."""
    inputs, targets = random_batch(stream(0, "samples"), 12, 5)
    plain, normalized = (
        random_network(stream(0, "weights"), 5, 2, normalized=each) for each in (False, True)
    )
    shards = [(inputs[:4], targets[:4]), (inputs[4:], targets[4:])]
    put = data_parallelism._put_together(plain, normalized, shards, 12, 2)
    own = [mean_gradient(plain, shard) for shard in shards]
    assert_allclose(put["weighted"], own[0] / 3 + 2 * own[1] / 3)
    assert_allclose(put["unweighted"], (own[0] + own[1]) / 2)
    assert_allclose(put["synchronized"], mean_gradient(normalized, (inputs, targets)), rtol=1e-9, atol=1e-15)
    within = [mean_gradient(normalized, shard) for shard in shards]
    assert_allclose(put["batchnorm"], within[0] / 3 + 2 * within[1] / 3)


def test_sizes_of_shards_differ_and_suffice() -> None:
    sizes = [data_parallelism._sizes(stream(seed, "sizes"), 40, 4) for seed in range(5)]
    assert all(sum(each) == 40 and min(each) >= data_parallelism.SMALLEST for each in sizes)
    assert len({tuple(each) for each in sizes}) == 5


def zeros(plain: nn.Module, normalized: nn.Module, *_: object) -> dict[str, Tensor]:
    sizes = {way: plain if way in ("weighted", "unweighted") else normalized for way in WAYS}
    return {way: torch.zeros(sum(one.numel() for one in net.parameters())) for way, net in sizes.items()}


def whole(plain: nn.Module, normalized: nn.Module, shards: list[Batch], *_: object) -> dict[str, Tensor]:
    """Return the batch's gradients, in whatever way they were to be put together."""
    inputs, targets = (torch.cat([shard[place] for shard in shards]) for place in (0, 1))
    return {
        way: mean_gradient(plain if way in ("weighted", "unweighted") else normalized, (inputs, targets))
        for way in WAYS
    }


@pytest.mark.parametrize(("put", "failing"), [(zeros, EQUALITIES), (whole, INEQUALITIES)])
def test_wrong_gradients_are_refuted(monkeypatch: pytest.MonkeyPatch, put: Any, failing: list[int]) -> None:
    def together(
        count: int, work: Any, plain: nn.Module, normalized: nn.Module, shards: Any, equal: Any
    ) -> Any:
        return [(put(plain, normalized, shards), activations(plain, part)) for part in equal]

    monkeypatch.setattr(data_parallelism, "_put_together", put)
    monkeypatch.setattr(data_parallelism, "together", together)
    expected = ["fails" if number in failing else "holds" for number in range(10)]
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected


def test_memory_that_does_not_shrink_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_parallelism, "activations", lambda network, batch: 1000)
    monkeypatch.setattr(
        data_parallelism,
        "together",
        lambda count, work, plain, normalized, shards, equal: (
            [(data_parallelism._put_together(plain, normalized, shards, 36, count), 1000)] * count
        ),
    )
    expected = ["fails" if number in MEMORY else "holds" for number in range(10)]
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected


def test_the_gradient_of_shards_is_that_of_shares_of_the_loss() -> None:
    """The twin: autograd of the sum over shards of n_k / n times the mean loss."""
    batch = random_batch(stream(3, "samples"), 12, 5)
    network = random_network(stream(3, "weights"), 5, 2)
    loss = torch.zeros((), dtype=torch.float64)
    for start, stop in ((0, 5), (5, 12)):
        loss = loss + (stop - start) / 12 * F.cross_entropy(
            network(batch[0][start:stop]), batch[1][start:stop]
        )
    slopes = torch.autograd.grad(loss, list(network.parameters()))
    assert_allclose(torch.cat([each.flatten() for each in slopes]), mean_gradient(network, batch))
