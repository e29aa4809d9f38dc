"""Weight decay and growing learning rates: the formula, the network against torch's, and claims refuted."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.data.load import Split
from landscape_cli.errors import LandscapeError
from landscape_cli.phenomena import scale_invariant_rates
from landscape_cli.phenomena.scale_invariant_rates import descend, forward, shrinkage
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, MadeRun, drawn, measure, verdicts

TINY: dict[str, Any] = {"widths": [8, 6], "batch": 20, "steps": 400, "every": 20, "decay": 1e-2}

ALPHA = shrinkage(0.1, 0.9, 5e-3)
OF_BOTH = {"batch_size": 20}
CONFIGS: dict[str, dict[str, Any]] = {  # 60 samples: three batches an epoch
    "decay": {**OF_BOTH, "optimizer": {"lr": 0.1, "momentum": 0.9, "weight_decay": 5e-3}},
    "growth": {**OF_BOTH, "optimizer": {"lr": 0.1 / ALPHA}, "schedule": {"gamma": ALPHA**-6}},
}
LOSS, GUESSED = [1.1, 0.6, 0.3], [0.3, 0.8, 0.9]


def made_lab(seed: int) -> MadeLab:
    """Return a lab with three classes in five dimensions."""
    random, lab = torch.Generator().manual_seed(seed), MadeLab({"data": {}}, seed=seed)
    lab.runs |= {
        name: MadeRun(Path(name), {"train_loss": LOSS, "test_accuracy": GUESSED}, config)
        for name, config in CONFIGS.items()
    }  # type: ignore[misc]
    centres = 2 * torch.randn(3, 5, generator=random)

    def split(samples: int) -> Split:
        targets = torch.randint(3, (samples,), generator=random)
        return Split(centres[targets] + torch.randn(samples, 5, generator=random), targets)

    lab._data["data"] = SimpleNamespace(train=split(60), test=split(40), classes=3)  # type: ignore[assignment]
    return lab


def found(**settings: Any) -> list[Measured]:
    return measure("exponential-lr", [made_lab(seed) for seed in range(3)], **{**TINY, **settings})


@pytest.mark.parametrize(("rate", "momentum", "decay"), [(0.1, 0.9, 5e-4), (0.3, 0.0, 0.1), (0.1, 0.5, 0.01)])
def test_alpha_is_the_larger_root(rate: float, momentum: float, decay: float) -> None:
    alpha = shrinkage(rate, momentum, decay)
    assert alpha == pytest.approx(np.roots([1, -(1 + momentum - decay * rate), momentum]).max())
    if momentum == 0:
        assert alpha == pytest.approx(1 - decay * rate)
    with pytest.raises(LandscapeError, match=r"decay times learning rate of 0.5 has no equivalent.*0.00263"):
        shrinkage(1.0, 0.9, 0.5)


def test_the_network_is_torchs_and_no_length_of_its_weights_matters() -> None:
    weights = [torch.randn(4, 5).double(), torch.randn(3, 4).double()]
    inputs = torch.randn(9, 5).double()
    layers = [nn.Linear(5, 4, bias=False), nn.BatchNorm1d(4, eps=1e-30, affine=False), nn.ReLU()]
    network = nn.Sequential(*layers, nn.Linear(4, 3, bias=False)).double()
    network.load_state_dict({"0.weight": weights[0], "3.weight": weights[1]}, strict=False)
    outputs = forward(weights, inputs)
    assert torch.allclose(outputs, network(inputs))
    assert torch.allclose(outputs, forward([7 * weights[0], weights[1]], inputs))
    batches = [(inputs, torch.arange(9) % 3)] * 6
    path = descend(weights, batches, inputs, [0.1, 0.2] * 3, 0.9, 0.01, 0.0, 2)
    optimizer = torch.optim.SGD([layers[0].weight], lr=0.1, momentum=0.9, weight_decay=0.01)
    for step, (batch, targets) in enumerate(batches):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 + step % 2)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(network(batch), targets)
        assert path.loss[step] == pytest.approx(loss.item())
        loss.backward()
        optimizer.step()
    assert path.norms[-1] == pytest.approx(float(layers[0].weight.detach().norm()))
    assert torch.allclose(path.outputs[-1], network(inputs))


def test_all_holds_in_a_small_network() -> None:
    seeds = found()
    told = verdicts("exponential-lr", seeds)
    assert [*told[:2], *told[3:]] == ["holds"] * 9  # told[2], of all steps, need not
    assert [seed["rate_growth"] for seed in seeds] == pytest.approx([shrinkage(0.1, 0.9, 1e-2) ** -798] * 3)
    (picture,) = drawn("exponential-lr", seeds).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [2, 2, 2]


@pytest.mark.parametrize(
    ("changed", "claim"),
    [
        ({"optimizer": {"lr": 0.1}}, 6),
        ({"schedule": {"gamma": ALPHA**-3}}, 6),
        ({"batch_size": 30}, 6),
        ({}, 7),
    ],
)
def test_runs_of_another_rate_or_another_end_refute(changed: dict[str, Any], claim: int) -> None:
    made = [made_lab(seed) for seed in range(3)]
    for lab in made:
        config = {**CONFIGS["growth"], **changed}
        ends = {"train_loss": LOSS, "test_accuracy": GUESSED if changed else [0.3, 0.8, 0.92]}
        lab.runs["growth"] = MadeRun(Path("growth"), ends, config)  # type: ignore[assignment]
    told = verdicts("exponential-lr", measure("exponential-lr", made, **TINY))
    assert [place for place in (6, 7) if told[place] == "fails"] == [claim]


@pytest.mark.parametrize(("alpha", "failing"), [(0.9995, [0, 1, 6, 8]), (1.02, [0, 1, 4, 6, 8])])
def test_another_alpha_refutes(monkeypatch: pytest.MonkeyPatch, alpha: float, failing: list[int]) -> None:
    monkeypatch.setattr(scale_invariant_rates, "shrinkage", lambda rate, momentum, decay: alpha)
    told = verdicts("exponential-lr", found(steps=100, rate=0.01))
    assert [told[place] for place in failing] == ["fails"] * len(failing)


def test_an_eps_refutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scale-invariance is all that the equivalence rests on."""

    def with_eps(weights: list[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        for weight in weights[:-1]:
            z = inputs @ weight.T
            inputs = ((z - z.mean(0)) / (z.var(0, correction=0) + 0.5).sqrt()).relu()
        return inputs @ weights[-1].T

    monkeypatch.setattr(scale_invariant_rates, "forward", with_eps)
    told = verdicts("exponential-lr", found())
    assert told[:2] == ["fails"] * 2


def test_without_momentum_any_start_is_right() -> None:
    assert verdicts("exponential-lr", found(momentum=0.0, steps=40, every=5))[9] == "fails"


def test_large_steps_that_soon_settle_refute_a_growth_that_is_exponential() -> None:
    told = verdicts("exponential-lr", found(steps=12, every=1, decay=1e-9, rate=100.0))
    assert told[2:4] == ["fails"] * 2


def test_guesses_of_one_training_in_place_of_the_others_refute(monkeypatch: pytest.MonkeyPatch) -> None:
    paths = iter([1.0, -1.0, 1.0] * 3)
    right = scale_invariant_rates.descend

    def turned(*given: Any) -> scale_invariant_rates.Path:
        path, sign = right(*given), next(paths)
        return path._replace(outputs=[sign * each for each in path.outputs])

    monkeypatch.setattr(scale_invariant_rates, "descend", turned)
    assert verdicts("exponential-lr", found(steps=60))[5] == "fails"
