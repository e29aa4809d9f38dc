"""Annealed noise on the gradient: steps by hand in float64, its variance, and what it must leave alone."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torch import Tensor, nn
from training.test_loop import SGD, configured, trained
from training.test_resume import same

from conftest import Landscape, Trainings
from landscape_cli.data.load import Dataset, Split
from landscape_cli.training.gradient_noise import add_noise

TINY = ["train", "dataset.train_size=60", "dataset.test_size=20", "batch_size=20", "epochs=2"]


def line() -> tuple[Dataset, nn.Linear]:
    """Linear regression: the gradient of the mean square at w is H w - b."""
    split = Split(torch.randn(20, 5), torch.randn(20, 1))
    data = Dataset("line", split, split, 1, (5,), torch.zeros(1), fingerprint="made")
    return data, nn.Linear(5, 1, bias=False)


def noise_by_hand(seed: int, step: int, eta: float, gamma: float) -> Tensor:
    """The numbers of a step, of a generator of their own; in float64."""
    (drawn,) = np.random.SeedSequence([*b"gradient noise", seed, step]).generate_state(1, np.uint64)
    normal = torch.randn((1, 5), generator=torch.Generator().manual_seed(int(drawn)))
    return normal.double().T * math.sqrt(eta / (1 + step) ** gamma)


@pytest.mark.parametrize("clipped", [None, 0.1])
def test_the_weights_are_those_of_steps_by_hand(tmp_path: Path, clipped: float | None) -> None:
    """The noise comes after clipping, so the gradient may be longer than the threshold."""
    data, model = line()
    x, y, w = (each.double() for each in (data.train.inputs, data.train.targets, model.weight.detach().T))
    hessian, linear = 2 / 20 * x.T @ x, 2 / 20 * x.T @ y
    for step in range(4):
        g = hessian @ w - linear
        if clipped:
            g = g * min(1.0, clipped / (float(g.norm()) + 1e-6))
        w = w - 0.1 * (g + noise_by_hand(3, step, 0.3, 0.55))
    keys: dict[str, Any] = {"loss": "mse", "batch_size": "full", "epochs": 4, "seed": 3}
    config = configured(
        **keys, clip_grad_norm=clipped, gradient_noise=[0.3, 0.55], optimizer={**SGD, "lr": 0.1}
    )
    trained(config, model, data, tmp_path / "run")
    torch.testing.assert_close(model.weight.detach().double().T, w, rtol=1e-5, atol=1e-6)


def test_the_variance_falls_with_the_steps_and_the_standard_deviation_is_its_root() -> None:
    """Over 40,000 numbers; if sigma fell like (1 + t)^-gamma the variance at t = 99 would be 0.0025."""
    for step, variance in ((0, 0.4), (99, 0.4 / 100**0.55)):
        parameters = [nn.Parameter(torch.zeros(100, 200)), nn.Parameter(torch.zeros(20_000))]
        for parameter in parameters:
            parameter.grad = torch.ones_like(parameter)
        add_noise(parameters, [0.4, 0.55], 0, step)
        drawn = torch.cat(
            [parameter.grad.flatten() for parameter in parameters if parameter.grad is not None]
        )
        assert float(drawn.mean()) == pytest.approx(1.0, abs=5 * math.sqrt(variance / 40_000))
        assert float(drawn.var()) == pytest.approx(variance, rel=0.05)
        assert float(drawn[:20_000] @ drawn[20_000:] / 20_000) == pytest.approx(
            1.0, abs=0.03
        )  # no repetition


def test_parameters_without_a_gradient_get_none() -> None:
    parameter = nn.Parameter(torch.zeros(3))
    add_noise([parameter], [1.0, 0.0], 0, 0)
    assert parameter.grad is None


def test_batches_crops_and_masks_are_those_without_noise(tmp_path: Path, landscape: Landscape) -> None:
    """The least noise there is changes no weight: all else that is drawn at random must be the same."""
    words = [*TINY, "architecture=cnn", "architecture.dropout=0.3", "augment=crop_flip"]
    for out, more in (("without", []), ("with", ["gradient_noise=1e-40,0"])):
        assert landscape(*words, *more, f"out={out}").status == 0
    without, with_noise = (
        torch.load(tmp_path / out / "checkpoints" / "epoch_0002.pt", weights_only=True)
        for out in ("without", "with")
    )
    for part in ("model", "rng"):
        assert same(with_noise[part], without[part])


def test_an_interrupted_training_ends_with_the_same_bits(whole_and_resumed: Trainings) -> None:
    words = "architecture=cnn architecture.dropout=0.3 optimizer=adam gradient_noise=[0.01,0.55]"
    assert same(*whole_and_resumed([*words.split(), *TINY[1:-1], "epochs=3"]))


def test_a_run_from_before_this_option_is_the_same_run(tmp_path: Path, landscape: Landscape) -> None:
    assert landscape(*TINY, "out=run").status == 0
    path = tmp_path / "run" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del config["gradient_noise"]
    path.write_text(yaml.safe_dump(config))
    assert "nothing to do" in landscape(*TINY, "out=run").out
    refused = landscape(*TINY, "gradient_noise=[0.3,0.55]", "out=run").err
    assert "gradient_noise: saved None, asked for [0.3, 0.55]" in refused
