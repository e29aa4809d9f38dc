"""The toy valley: where descents end in it, beside closed forms and a slow twin."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import valley
from landscape_cli.phenomena import valley_model
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "toy-valley-model"
SMALL = {
    "rates": [0.05, 0.15],
    "starts": 30,
    "steps": 300,
    "noisy_rates": [0.02, 0.05],
    "batches": [4],
    "time": 40.0,
}


def measured(seeds: int = 1, **settings: Any) -> list[Measured]:
    made = [MadeLab({}, seed=seed) for seed in range(seeds)]
    return measure(NAME, made, **{**SMALL, **settings})


def test_claims_hold() -> None:
    found = measured(3)
    assert verdicts(NAME, found) == ["holds"] * 5
    assert list(drawn(NAME, found)) == ["valley"]
    for end, rate in zip(found[0]["ends"], [0.05, 0.15], strict=True):
        kept = end[np.isfinite(end)]
        assert len(kept) > 10
        assert kept.max() <= 2 / rate
    np.testing.assert_allclose(
        found[0]["over_bound"],
        [np.nanmax(end) * rate / 2 for end, rate in zip(found[0]["ends"], [0.05, 0.15], strict=True)],
    )


def test_the_curvature_follows_q() -> None:
    """Q = u^2 - v^2 falls by 1 - lr^2 (uv - y)^2 in a step, and u^2 + v^2 is sqrt(Q^2 + 4 u^2 v^2)."""
    labels, lr, steps = torch.tensor([1.5, 0.5], dtype=torch.float64), 0.05, 30
    start = torch.tensor([[3.0, 1 / 3]], dtype=torch.float64)
    random = torch.Generator().manual_seed(4)
    found = valley_model.label_noise_sgd(start, labels, random, lr=lr, batch=1, steps=steps)
    random.manual_seed(4)
    (u, v), q = start[0].tolist(), 9 - 1 / 9
    for _ in range(steps):
        error = u * v - float(labels[torch.randint(2, (1, 1), generator=random)[0, 0]])
        u, v, q = u - lr * error * v, v - lr * error * u, q * (1 - lr**2 * error**2)
    assert found == pytest.approx(np.sqrt(q**2 + 4 * (u * v) ** 2))
    assert found < 9 + 1 / 9


def test_without_label_noise_nothing_gets_wider() -> None:
    assert verdicts(NAME, measured(spread=0.0) * 3)[-1] == "undecided"


def test_noise_that_sharpens_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = valley_model.label_noise_sgd
    monkeypatch.setattr(valley_model, "label_noise_sgd", lambda *words, **more: -right(*words, **more))
    assert verdicts(NAME, measured() * 3)[-1] == "fails"


def test_another_valley_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with a floor of height 1e-3, half as curved, in which larger step sizes are stable."""
    own = valley()

    def flatter() -> Function:
        return Function(
            lambda x: own.value(x) / 2 + 1e-3,
            own.box,
            own.start,
            own.lr,
            lambda x: own.gradient(x) / 2,
            lambda x: own.hessian(x) / 2 + 1e-3,
        )

    monkeypatch.setattr(valley_model, "valley", flatter)
    assert verdicts(NAME, measured() * 3)[:4] == ["fails"] * 4


def test_where_nothing_converges_no_bound_is_claimed() -> None:
    found = measured(steps=1)
    assert verdicts(NAME, found * 3)[3] == "undecided"
    assert found[0]["share_converged"][0] == 0.0
    assert np.isnan(found[0]["over_bound"][0])
