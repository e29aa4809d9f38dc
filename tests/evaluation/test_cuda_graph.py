"""What a CUDA graph replays: the operations that were recorded, on the memory that they were recorded on.

There is no CUDA here. In its place stands a recorder of operations that does the same on a processor: what
ran while it recorded is run again, in order, into the same tensors. Python is not run again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from unittest.mock import MagicMock

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

import cases
import reference
from landscape_cli.evaluation.batches import batches
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.weights import directions
from landscape_cli.weights.arithmetic import params_of, point_of


class Graph(TorchDispatchMode):
    """Records operations; `replay` runs them again."""

    def __init__(self) -> None:
        super().__init__()
        self.recorded: list[tuple[Callable[..., Any], Any, Any, Any]] = []
        self.replays = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.recorded.append((func, args, kwargs or {}, out))
        return out

    def replay(self) -> None:
        self.replays += 1
        for func, args, kwargs, out in self.recorded:
            again = func(*args, **kwargs)
            for place, tensor in zip(tensors(out), tensors(again), strict=True):
                if place.data_ptr() != tensor.data_ptr():
                    place.copy_(tensor)


def tensors(out: Any) -> list[Tensor]:
    return [one for one in (out if isinstance(out, tuple | list) else [out]) if isinstance(one, Tensor)]


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    made: list[Graph] = []

    def new() -> Graph:
        made.append(Graph())
        return made[-1]

    @contextmanager
    def recording(graph: Graph) -> Iterator[None]:
        with graph:
            yield

    monkeypatch.setattr(torch.cuda, "CUDAGraph", new)
    monkeypatch.setattr(torch.cuda, "graph", recording)
    monkeypatch.setattr(torch.cuda, "Stream", MagicMock)
    monkeypatch.setattr(torch.cuda, "current_stream", MagicMock)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    return made


def captured(model: nn.Module, precision: str = "fp32") -> Evaluator:
    """An evaluator whose network is recorded, on batches of 16, 16 and 8 samples."""
    parts = batches(cases.images(), 16)
    evaluator = Evaluator(model, {"train": parts}, objective("cross_entropy"), precision)
    evaluator.network._capture(parts[0][0])
    return evaluator


@pytest.mark.parametrize("name", cases.NETWORKS)
def test_a_replayed_network_has_the_loss_of_the_point_where_it_stands(
    name: str, graphs: list[Graph], capsys: pytest.CaptureFixture[str]
) -> None:
    model = cases.NETWORKS[name]()
    evaluator = captured(model)
    axes = [
        directions.random(params_of(model), norm="filter", ignore="none", seed=0, axis=axis) for axis in "xy"
    ]
    origin, beside = evaluator.beside(point_of(model)), [evaluator.beside(axis) for axis in axes]
    for x, y in ((0.5, -0.25), (-1.0, 1.0), (0.0, 0.0)):
        evaluator.move(origin, [(x, beside[0]), (y, beside[1])])
        found = evaluator.evaluate("train")
        twin = reference.moved(model, [(x, axes[0]), (y, axes[1])])
        loss, accuracy = reference.evaluation(twin, cases.images(), "cross_entropy")
        assert found.loss == pytest.approx(loss, rel=2e-6)
        assert found.accuracy == pytest.approx(accuracy)
    fused = evaluator.network._fused is not None
    assert [graph.replays for graph in graphs] == ([6, 3] if fused else [6])  # the third batch is smaller
    assert capsys.readouterr().err == ""


def test_a_network_that_cannot_be_recorded_runs_without_and_says_so_once(
    graphs: list[Graph], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(graph: Graph) -> Any:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    monkeypatch.setattr(torch.cuda, "graph", refuse)
    for _ in range(2):
        evaluator = captured(cases.NETWORKS["mlp"]())
        expected, _ = reference.evaluation(cases.NETWORKS["mlp"](), cases.images(), "cross_entropy")
        assert evaluator.evaluate("train").loss == pytest.approx(expected, rel=2e-6)
    told = "note: the network runs without a CUDA graph: operation not permitted when stream is capturing\n"
    assert capsys.readouterr().err == told
