"""Activations by hand, dead units that are known, and claims that other activations refute."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.phenomena import nonlinearities
from landscape_cli.phenomena.nonlinearities import FORMULAS, dead_units, elu, leaky_relu
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

NAME = "activations"
RUN = ["dataset=digits", "dataset.train_size=100", "epochs=0", "batch_size=100"]
DEEP = "architecture.widths=[16,16,16,16,16,16,16,16,16]"
VALUES = 2 * len(FORMULAS)
ELU, LEAKY, STEEP, SIGMOID, RELU, ALIVE, DEAD = range(VALUES, VALUES + 7)
MakeLab = Callable[..., Lab]


def measured(
    lab: MakeLab, widths: str = DEEP, sigmoid: str = "sigmoid", leaky: str = "leaky_relu"
) -> list[Measured]:
    """Return what one seed gives, three times."""
    kinds = {"sigmoid": sigmoid, "tanh": "tanh", "relu": "relu", "leaky_relu": leaky, "elu": "elu"}
    inits = {"sigmoid": "init=xavier_normal", "tanh": "init=xavier_normal"}
    runs = {
        name: [*RUN, widths, f"architecture.activation={kind}", inits.get(kind, "init=kaiming")]
        for name, kind in kinds.items()
    }
    return measure(NAME, [lab(runs)]) * 3


def failing(found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(NAME, found)) if verdict == "fails"}


def test_formulas_at_points_that_are_known() -> None:
    at = {
        name: [float(formula(np.array(x))) for x in (-1.0, 1.0)]
        for name, (_, (formula, _)) in FORMULAS.items()
    }
    e = math.e
    assert at["sigmoid"] == pytest.approx([1 / (1 + e), e / (1 + e)])
    assert at["tanh"] == pytest.approx([-math.tanh(1), math.tanh(1)])
    assert at["ReLU"] == [0, 1]
    assert at["LeakyReLU"] == [-0.1, 1]
    assert at["ELU"] == pytest.approx([1 / e - 1, 1])
    assert float(elu(2.0)[1](np.array(-0.0))) == 1
    assert float(leaky_relu(3.0)[1](np.array(-2.0))) == 3


def test_dead_units_that_are_known() -> None:
    """Of x, -x, x - 5 and 1 on [-1, 1] the third never comes above 0, of -1 and 1 behind them the first."""
    model = nn.Sequential(nn.Linear(1, 4), nn.ReLU(), nn.Linear(4, 2), nn.ReLU()).double()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[1.0], [-1.0], [1.0], [0.0]]))
        model[0].bias.copy_(torch.tensor([0.0, 0.0, -5.0, 1.0]))
        model[2].weight.zero_()
        model[2].bias.copy_(torch.tensor([-1.0, 1.0]))
    assert dead_units(model, torch.linspace(-1, 1, 9).double()[:, None]) == 2 / 6


def test_all_holds(lab: MakeLab) -> None:
    found = measured(lab)
    assert failing(found) - {DEAD} == set()
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [5, 5, 5]
    (seed, *_) = found
    assert all(len(norms) == 10 for norms in seed["gradient"].values())


def test_other_networks_refute(lab: MakeLab) -> None:
    assert failing(measured(lab, "architecture.widths=[16]")) >= {SIGMOID}
    assert failing(measured(lab, sigmoid="tanh", leaky="relu")) >= {SIGMOID}


def test_a_leaky_relu_that_does_not_leak_has_dead_units(
    lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = measured(lab)
    right = nonlinearities.dead_units
    monkeypatch.setattr(nonlinearities, "dead_units", lambda model, inputs: right(model, inputs) + 0.1)
    assert failing(measured(lab)) >= {ALIVE}
    assert DEAD not in failing(measured(lab))
    vanished = {"gradient_ratio": {**found[0]["gradient_ratio"], "relu": 1e-3}}
    assert RELU in failing([{**found[0], **vanished}] * 3)


def test_other_formulas_are_refuted(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {
        name: (module, tuple(lambda x, f=f: f(x) + 1e-3 for f in both))
        for name, (module, both) in FORMULAS.items()
    }
    monkeypatch.setattr(nonlinearities, "FORMULAS", wrong)
    monkeypatch.setattr(nonlinearities.nn, "ELU", nn.Softplus)
    monkeypatch.setattr(
        nonlinearities.nn, "LeakyReLU", lambda slope: nn.ReLU() if slope < 1 else nn.Hardtanh(-9, 9)
    )
    assert failing(measured(lab)) >= {*range(VALUES), ELU, LEAKY}
    monkeypatch.setattr(nonlinearities.nn, "LeakyReLU", lambda slope: lambda x: torch.maximum(slope * x, x))
    assert failing(measured(lab)) >= {STEEP}
