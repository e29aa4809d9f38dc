"""Two layers shared by workers: by one process and by real ones, and claims that a missing sum refutes."""

from typing import Any

import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor, nn

from landscape_cli.phenomena import tensor_parallelism
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.phenomena.tensor_parallelism import QUANTITIES
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

NAME = "tensor-parallel"
TINY: dict[str, Any] = {"samples": 3, "width": 4, "hidden": 8, "workers": [2, 4], "processes": 2}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_holds_also_over_real_processes(found: list[Measured]) -> None:
    assert verdicts(NAME, found) == ["holds"] * 6
    for seed in found:
        for name in QUANTITIES:
            assert_allclose(seed[name][MANY][0], seed[name][ONE][0], rtol=1e-9, atol=1e-12)
        assert_allclose(seed["share"][ONE], [1 / 2, 1 / 4])
        assert_allclose(seed["share"][MANY], [1 / 2])
    assert list(drawn(NAME, found)) == ["layers"]


def test_passes_are_those_of_torchs_layers() -> None:
    """And what they store: the result of the first layer and of GeLU."""
    torch.manual_seed(0)
    x, above = torch.randn(3, 4, dtype=torch.float64), torch.randn(3, 4, dtype=torch.float64)
    layers = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 4, bias=False)).double()
    weights = [parameter.detach() for parameter in layers.parameters()]
    x.requires_grad_()
    y = layers(x)
    (y * above).sum().backward()
    gradients = [one.grad for one in layers.parameters() if one.grad is not None]
    part = {"x": x.detach(), "A": weights[0].T, "a": weights[1], "B": weights[2].T}
    found, stored = tensor_parallelism._passes(part, above)
    assert x.grad is not None
    expected = {"y": y.detach(), "x": x.grad, "A": gradients[0].T, "a": gradients[1], "B": gradients[2].T}
    for name, value in expected.items():
        assert_allclose(found[name], value, rtol=1e-10, atol=1e-14)
    assert stored == 2 * 3 * 8


def without_sums(count: int, work: Any, *given: Any) -> list[tuple[dict[str, Tensor], int]]:
    return [tensor_parallelism._worker_alone(rank, *given) for rank in range(count)]


def test_a_missing_sum_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_parallelism, "together", without_sums)
    expected = ["holds", "fails", "holds", "fails", "holds", "holds"]
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected
    monkeypatch.setattr(tensor_parallelism, "SUMMED", ())
    expected = ["fails"] * 4 + ["holds"] * 2
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected


def test_without_a_nonlinearity_rows_may_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    def together(count: int, work: Any, *given: Any) -> list[tuple[dict[str, Tensor], int]]:
        results = without_sums(count, work, *given)
        for name in tensor_parallelism.SUMMED:
            total = torch.stack([found[name] for found, _ in results]).sum(dim=0)
            for found, _ in results:
                found[name] = total
        return results

    monkeypatch.setattr(tensor_parallelism, "together", together)
    monkeypatch.setattr(tensor_parallelism.F, "gelu", lambda tensor: tensor)
    expected = ["holds"] * 4 + ["fails"] * 2
    assert verdicts(NAME, measure(NAME, labs(), **TINY)) == expected
