"""Newton's method: its quadratics and saddles, softmax regression on made-up samples, and each claim."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import second_order
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "newton"
QUICK = {"rates": [1, 2], "most": 400, "starts": 30, "sizes": [20, 40], "dimension": 5, "decay": 0.1}


class LinearLab(MadeLab):
    """A lab with a linear network on 60 samples of three classes, which overlap."""

    def __init__(self, seed: int = 0) -> None:
        torch.manual_seed(seed)
        super().__init__({"linear": {}}, networks={"linear": nn.Sequential(nn.Linear(4, 3))}, seed=seed)
        targets = torch.arange(60) % 3
        inputs = torch.randn(60, 4) + 2 * nn.functional.one_hot(targets, 4)
        split = Split(inputs, targets)
        self._data = {"linear": Dataset("made", split, split, 3, (4,), torch.zeros(4), "")}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, [LinearLab(seed) for seed in range(3)], **QUICK)


def changed(seeds: Sequence[Measured], **values: float) -> list[Measured]:
    return [{**seed, **values} for seed in seeds]


def test_all_claims_hold_on_overlapping_samples(found: list[Measured]) -> None:
    wanted = verdicts(NAME, found)
    assert wanted[:9] == ["holds"] * 9  # the last is of this machine's time for tiny matrices


def test_the_steps_are_those_of_a_plain_loop(found: list[Measured]) -> None:
    made = LinearLab(0)
    split = made.data("linear").train
    rows = np.concatenate([split.inputs.numpy(), np.ones((60, 1))], axis=1).astype(float)
    wanted = np.eye(3)[split.targets.numpy()]
    linear = made.network("linear")[0]  # type: ignore[index]
    weights = np.concatenate([linear.weight.detach(), linear.bias.detach()[:, None]], axis=1).astype(float)

    def loss_and_slope(w: np.ndarray) -> tuple[float, np.ndarray]:
        exp = np.exp(rows @ w.T)
        p = exp / exp.sum(1, keepdims=True)
        loss = -np.log((p * wanted).sum(1)).mean() + 0.05 * (w**2).sum()
        return loss, (p - wanted).T @ rows / 60 + 0.1 * w

    bound = np.linalg.eigvalsh(rows.T @ rows / 60)[-1] / 2 + 0.1
    counts = []
    for rate in QUICK["rates"]:  # type: ignore[attr-defined]
        w, losses = weights, []
        for _ in range(401):
            loss, slope = loss_and_slope(w)
            losses.append(loss)
            w = w - rate / bound * slope
        counts.append(losses)
    lowest = min(min(losses) for losses in counts)
    first = min(next(k for k, loss in enumerate(losses) if loss - lowest <= 1e-6) for losses in counts)
    assert found[0]["steps"]["gradient descent"] == first
    assert found[0]["ratio_of_steps"] == first / found[0]["steps"]["Newton's method"]


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        (0, {"distance_after_a_step": 1e-3}),
        (1, {"error_of_halving": 1e-3}),
        (2, {"slope_of_the_model": 1.0}),
        (3, {"slope_without_the_half": 0.0}),
        (4, {"ratio_of_steps": 2.0}),
        (5, {"newton_from_the_saddle": 0.1}),
        (6, {"descent_from_the_saddle": 0.1}),
        (7, {"newton_to_no_minimum": 0.0}),
        (8, {"descent_to_no_minimum": 0.2}),
        (9, {"off_three": 1.0}),
    ],
)
def test_each_claim_can_fail(found: list[Measured], claim: int, values: dict[str, float]) -> None:
    seeds = changed(found, off_three=0.1)
    assert verdicts(NAME, seeds) == ["holds"] * 10
    expected = ["fails" if number == claim else "holds" for number in range(10)]
    assert verdicts(NAME, changed(seeds, **values)) == expected


def test_the_models_touch_the_loss_and_have_their_minima_a_factor_of_two_apart() -> None:
    model = second_order._models()
    w = model["w"]
    here = np.searchsorted(w, 1.0 - 1e-9)
    for name in ("with", "without"):
        assert model[name][here] == pytest.approx(model["loss"][here])
        assert np.gradient(model[name], w)[here] == pytest.approx(
            np.gradient(model["loss"], w)[here], abs=1e-3
        )
    curve = np.gradient(np.gradient(model["loss"], w), w)[here]
    assert_allclose(np.gradient(np.gradient(model["with"], w), w)[here], curve, rtol=1e-2)
    steps = [w[model[name].argmin()] - 1 for name in ("with", "without")]
    assert steps[0] == pytest.approx(2 * steps[1], abs=2 * (w[1] - w[0]))


def test_pictures(found: list[Measured]) -> None:
    pictures = drawn(NAME, found)
    assert list(pictures) == ["descents", "saddles"]
    (axes,) = pictures["saddles"].axes
    assert sum(len(dots.get_offsets()) for dots in axes.collections) == QUICK["starts"]
