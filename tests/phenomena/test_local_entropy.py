"""Local entropy: walks on a quadratic, eigenvalues at equal losses, and each claim made to fail."""

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import local_entropy
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "local-entropy"
RUNS = ("SGD", "Entropy-SGD", "means alone", "SGD, Nesterov", "Entropy-SGD, Nesterov")
LOSSES = [2.0, 0.2, 0.05, 0.01]
QUICK = {"dimension": 3, "walkers": 300, "walk": 1500, "gammas": [1.0, 10.0]}


class LinearLab(MadeLab):
    """A lab with linear networks, whose weights and test losses are larger by `factor` for Entropy-SGD."""

    def __init__(self, seed: int = 0, factor: float = 1.5) -> None:
        columns = {"train_loss": LOSSES, "epoch": [0, 1, 2, 3]}
        tests = {run: factor if run.startswith("Entropy") else 1.0 for run in RUNS}
        torch.manual_seed(seed)
        network = nn.Sequential(nn.Linear(4, 3))
        super().__init__(
            {run: {**columns, "test_loss": [over * loss for loss in LOSSES]} for run, over in tests.items()},
            networks={run: self.scaled(network, over) for run, over in tests.items()},
            seed=seed,
        )
        split = Split(torch.randn(30, 4), torch.arange(30) % 3)
        self._data = dict.fromkeys(RUNS, Dataset("made", split, split, 3, (4,), torch.zeros(4), ""))

    def spectrum(self, name: str, *words: str) -> Any:
        """Return the largest eigenvalue of the whole Hessian; the weights are the same at each epoch."""
        assert words[1:] == ("method=lanczos", "k=1")
        at = objective_at(self.network(name), self.data(name).train, "cross_entropy")
        largest = np.linalg.eigvalsh(dense_hessian(*at))[-1]
        return SimpleNamespace(values={"train/largest_eigenvalue": np.array([largest])})

    @staticmethod
    def scaled(network: nn.Module, factor: float) -> nn.Module:
        state = {name: factor * tensor for name, tensor in network.state_dict().items()}
        twin = copy.deepcopy(network)
        twin.load_state_dict(state)
        return twin


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, [LinearLab(seed) for seed in range(3)], **QUICK)


def test_the_mean_of_walks_is_that_of_a_gaussian_around_the_minimum_and_the_place() -> None:
    """exp(-h x^2 / 2 - gamma (x - y)^2 / 2): by numbers on a fine grid; the variance, of small steps."""
    grid = np.linspace(-20, 20, 20001)
    for h, place, gamma in ((0.5, 2.0, 0.3), (1.0, -1.0, 2.0)):
        density = np.exp(-h * grid**2 / 2 - gamma * (grid - place) ** 2 / 2)
        expected = (grid * density).sum() / density.sum()
        walks = np.full((400, 1), place)
        spread = (np.square(grid - expected) * density).sum() / density.sum()
        options = {"steps": 2000, "rate": 0.05, "seed": 1}
        mean, variance = local_entropy.moments_of_walk(np.array([h]), walks, gamma, **options)
        assert mean[0] == pytest.approx(expected, abs=0.03)
        assert variance[0] == pytest.approx(spread / (1 - 0.05 * (h + gamma) / 2), rel=0.05)


def test_eigenvalue_and_test_loss_are_interpolated_between_checkpoints(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Both fall with the loss: the eigenvalue like its square root, so exactly on logarithmic axes."""

    def root(lab: LinearLab, run: str, *words: str) -> Any:
        epoch = int(words[0].removeprefix("epoch="))
        return SimpleNamespace(values={"train/largest_eigenvalue": np.array([LOSSES[epoch] ** 0.5])})

    monkeypatch.setattr(LinearLab, "spectrum", root)
    at = local_entropy._at_losses(LinearLab(), "SGD", [0.2, 0.1, 0.05, 0.02, 0.005, 5.0])
    assert_allclose(at["curvature"][:4], np.sqrt([0.2, 0.1, 0.05, 0.02]))
    part = np.log(0.2 / 0.1) / np.log(0.2 / 0.05)
    assert_allclose(at["test_loss"][:3], [0.2, 0.2 + part * (0.05 - 0.2), 0.05])
    assert np.isnan(at["curvature"][4:]).all()  # never reached, and from the start on


def test_ratios_are_those_of_geometric_means(found: list[Measured]) -> None:
    for seed in found:
        assert seed["test_loss_entropy_over_sgd"]["without momentum"] == pytest.approx(1.5)
        means = {run: np.exp(np.log(seed["curvature"][run]).mean()) for run in RUNS}
        expected = means["Entropy-SGD"] / means["SGD"]
        assert seed["curvature_entropy_over_sgd"]["without momentum"] == pytest.approx(expected)
        assert max(seed["gradient_off"].values()) < 0.1
        assert max(seed["variance_off"].values()) < 0.1


def test_walks_of_another_temperature_have_another_variance(
    found: list[Measured], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Warm(local_entropy.EntropySGD):
        def __init__(self, params: Any, **options: Any) -> None:
            super().__init__(params, **{**options, "noise": 2.0})

    monkeypatch.setattr(local_entropy, "EntropySGD", Warm)
    seeds = measure(NAME, [LinearLab(seed) for seed in range(3)], **QUICK)
    assert verdicts(NAME, seeds)[:4] == ["holds", "holds", "fails", "fails"]
    assert verdicts(NAME, found)[:4] == ["holds"] * 4


def test_walks_that_are_too_short_are_not_at_the_mean(found: list[Measured]) -> None:
    short = {**QUICK, "walkers": 1, "walk": 10}
    seeds = measure(NAME, [LinearLab(seed) for seed in range(3)], **short)
    assert verdicts(NAME, seeds)[:2] == ["fails", "fails"]
    assert verdicts(NAME, found)[:2] == ["holds", "holds"]


@pytest.mark.parametrize(
    ("claim", "quantity"),
    [
        (4, "curvature_entropy_over_sgd/without momentum"),
        (5, "curvature_entropy_over_sgd/with Nesterov"),
        (6, "curvature_entropy_over_sgd/means alone"),
        (7, "test_loss_entropy_over_sgd/without momentum"),
    ],
)
def test_each_claim_can_hold_and_fail(found: list[Measured], claim: int, quantity: str) -> None:
    name, pair = quantity.split("/")
    for value, verdict in ((0.9, "holds"), (1.1, "fails")):
        seeds = [{**seed, name: {**seed[name], pair: value}} for seed in found]
        assert verdicts(NAME, seeds)[claim] == verdict


def test_the_picture_has_walks_losses_and_eigenvalues(found: list[Measured]) -> None:
    (picture,) = drawn(NAME, found).values()
    quadratic, losses, eigenvalues = picture.axes
    assert len(quadratic.collections) == 2
    assert [line.get_label() for line in losses.get_lines()] == list(RUNS)
    assert [line.get_label() for line in eigenvalues.get_lines()] == list(RUNS)
