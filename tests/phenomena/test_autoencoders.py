"""Sutskever's rules by hand, and claims that other methods refute."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.arrays import Array
from landscape_cli.phenomena import autoencoders
from landscape_cli.phenomena.autoencoders import Method, loss, momentum_at, sparse, train
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, verdicts

NAME = "init-and-momentum-sutskever"
MOMENTUM, SOME, *BAD = range(4)


def test_the_momentum_comes_near_to_1_by_halves_every_250_steps() -> None:
    assert [momentum_at(step, 0.99) for step in (0, 249, 250, 500, 999_999)] == pytest.approx(
        [1 / 2, 1 / 2, 3 / 4, 5 / 6, 0.99]
    )
    assert momentum_at(0, 0) == 0


def test_sparse_weights() -> None:
    weights = sparse([400, 300, 5], 2.0, seed=0)
    assert [tuple(each.shape) for each in weights] == [(300, 400), (300,), (5, 300), (5,)]
    assert (weights[0].count_nonzero(dim=1) == 15).all()
    assert float(weights[0][weights[0] != 0].std()) == pytest.approx(0.5, rel=0.05)
    assert (weights[1] == 0.5).all()


def by_hand(method: Method, inputs: Array, rate: float, steps: int) -> list[float]:
    """Return the losses of a linear autoencoder of one layer and all samples alike, in float64."""
    weight, bias = (each.double().numpy() for each in sparse([2, 2], method.scale, seed=0))
    moving = [np.zeros((2, 2)), np.zeros(2)]
    losses = []
    for _ in range(steps + 1):
        losses.append(float(((weight @ inputs + bias - inputs) ** 2).sum()))
        mu = min(0.5, method.momentum)
        ahead = mu if method.nesterov else 0.0
        off = (weight + ahead * moving[0]) @ inputs + bias + ahead * moving[1] - inputs
        moving = [mu * moving[0] - rate * 2 * np.outer(off, inputs), mu * moving[1] - rate * 2 * off]
        weight, bias = weight + moving[0], bias + moving[1]
    return losses


@pytest.mark.parametrize("method", [Method(1, 0, False), Method(1, 0.9, False), Method(2, 0.3, True)])
def test_steps_by_hand(method: Method) -> None:
    inputs = np.array([0.3, 0.8])
    found = train(torch.tensor(inputs).float().repeat(4, 1), [2, 2], method, 2, 0.05, 6, 0, 1, seed=0)
    np.testing.assert_allclose(found, by_hand(method, inputs, 0.05, 6), rtol=1e-5, atol=1e-7)


def test_the_loss_has_tanh_in_all_layers_but_the_last() -> None:
    weights = [torch.tensor([[2.0]]), torch.tensor([0.5]), torch.tensor([[3.0]]), torch.tensor([1.0])]
    expected = (3 * np.tanh(2 * 0.7 + 0.5) + 1 - 0.7) ** 2
    assert float(loss(weights, torch.tensor([[0.7]]))) == pytest.approx(expected)


def measured(monkeypatch: pytest.MonkeyPatch, last: dict[str, float]) -> list[Measured]:
    """Return what is found three times where methods end so."""
    from landscape_cli.data.load import load
    from made_lab import measure

    ends = iter(last.values())
    monkeypatch.setattr(autoencoders, "train", lambda *given: np.array([10.0, next(ends)]))
    lab = MadeLab({"digits": {}})
    data = load({"name": "digits", "train_size": 20, "test_size": 10}, torch.device("cpu"))
    monkeypatch.setattr(lab, "data", lambda run: data)
    return measure(NAME, [lab], steps=1, every=1) * 3


@pytest.mark.parametrize(
    ("ends", "failed"),
    [
        ([3, 2, 1, 1.5, 1.4], set()),
        ([3, 1, 2, 3, 4], {MOMENTUM}),
        ([2, 3, 1, 2, 2], {SOME}),
        ([3, 2, 1, 0.9, 1.0], set(BAD)),
        ([3, 2, 1, 4, float("nan")], set()),
    ],
)
def test_claims(monkeypatch: pytest.MonkeyPatch, ends: list[float], failed: set[int]) -> None:
    names: Any = ["SGD", "momentum", "Nesterov", "0.3 times", "3 times"]
    found = measured(monkeypatch, dict(zip(names, ends, strict=True)))
    told = verdicts(NAME, found)
    assert {place for place, verdict in enumerate(told) if verdict == "fails"} == failed
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [3, 3]
