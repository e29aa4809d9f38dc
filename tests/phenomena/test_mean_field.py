"""Networks of output scale 1/N against automatic differentiation, and where the limit is not reached."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.phenomena import mean_field
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, labs, measure, verdicts

ID = "mean-field-limit"


def measured(**settings: Any) -> list[Measured]:
    few = {
        "samples": 40,
        "widths": [20, 80, 320],
        "networks": 24,
        "step": 0.02,
        "pairs": 24,
        "time": 5.0,
        "inits": 6,
        "long_step": 0.2,
        "long": 300.0,
    }
    return measure(ID, labs(1), **{**few, **settings})


def test_a_step_is_that_of_automatic_differentiation_with_n_times_the_learning_rate(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mean_field, "LOOKS", 3)
    lab = MadeLab({})
    inputs, targets = (each.double() for each in mean_field.task(lab, 4, 30))
    assert float(targets.square().mean()) == pytest.approx(1.0, rel=1e-6)
    start = mean_field.initial(lab, 5, 2).double()
    for batch in (None, 4):
        found = mean_field.losses(
            start, inputs, targets, 0.1, 3, batch, torch.Generator().manual_seed(3) if batch else None
        )
        random = torch.Generator().manual_seed(3)
        weights = start.clone()
        for step in range(4):
            for net in range(2):
                f = sum(float(w[0]) * torch.relu(inputs @ w[1:]) / 5 for w in weights[net])  # unit by unit
                assert found[net, step] == pytest.approx(float((f - targets).square().mean() / 2))
            rows = (
                torch.randint(30, (2, batch), generator=random) if batch else torch.arange(30).expand(2, 30)
            )
            for net, own in enumerate(rows):
                twin = weights[net].clone().requires_grad_()
                f = (torch.relu(inputs[own] @ twin[:, 1:].T) @ twin[:, 0]) / 5
                loss = (f - targets[own]).square().mean() / 2
                weights[net] -= 0.1 * 5 * torch.autograd.grad(loss, twin)[0]


def test_losses_of_wide_networks_are_those_of_one_flow() -> None:
    found = measured()
    told = verdicts(ID, found * 3)
    assert [told[0], *told[2:]] == ["holds"] * 4
    assert told[1] == verdicts(ID, [{**found[0], "fixed_step_exponent": 0.0}] * 3)[1] == "fails"
    assert verdicts(ID, [{**found[0], "fixed_step_exponent": -0.5}] * 3)[1] == "holds"
    assert list(drawn(ID, found * 3)) == ["mean_field", "reaching"]
    assert 0 < found[0]["narrow_failing"] < 1


def test_exponents_are_those_of_power_laws() -> None:
    assert mean_field.exponent([10, 100, 1000], [3.0, 0.3, 0.03]) == pytest.approx(-1)
    assert mean_field.exponent([10, 100], [2.0, 2.0]) == pytest.approx(0)


def test_too_short_a_time_and_wide_networks_alone_are_refuted() -> None:
    found = measured(widths=[20, 40], long=10.0, reaching=[4, 200], networks=3, pairs=3)
    told = verdicts(ID, found * 3)
    assert told[2] == "fails"  # not there yet
    wide = measured(widths=[20, 40], reaching=[200, 201], networks=3, pairs=3, inits=2)
    assert verdicts(ID, wide * 3)[3] == "fails"  # as wide as 50 teachers none fails


def test_another_output_scale_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Weights of 1 / sqrt(N) instead: initial outputs are as large at every N, and so is their spread."""
    right = mean_field.initial
    monkeypatch.setattr(
        mean_field,
        "initial",
        lambda lab, width, count: right(lab, width, count) * torch.tensor([width**0.5, 1.0, 1.0]),
    )
    found = measured(long=1.0, long_step=0.02, step=1e-4, time=0.005, sgd_step=1e-4, pairs=2)
    assert verdicts(ID, found * 3)[0] == "fails"
    spread = np.asarray(found[0]["spread"])
    assert spread.max() < 3 * spread.min()
