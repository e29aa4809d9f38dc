"""BatchNorm and noise: moments of layers' inputs by hand, and claims that hold and fail."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.phenomena.noisy_batchnorm import layer_inputs, unstable
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

MakeLab = Callable[..., Lab]
SHARED = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=100", "architecture=mlp"]
SHARED += ["architecture.widths=[16]", "batch_size=50", "checkpoint_every=1"]


def test_what_reaches_each_layer_is_what_the_one_before_gave() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 3))
    inputs = torch.randn(5, 1, 4, 4)
    first, second, outputs = layer_inputs(model, inputs)
    assert torch.equal(first, inputs)
    assert torch.equal(second, model[:3](inputs))
    assert torch.equal(outputs, model(inputs))


def test_instability_is_the_variance_over_time() -> None:
    steady, moving = np.ones((4, 3, 2)), np.zeros((4, 2, 2))
    moving[:, 0, 0] = [0, 0, 2, 2]  # of variance 1, one of four moments
    assert unstable([steady]) == 0
    assert unstable([steady, moving]) == pytest.approx(0.5 * 0.25)


def found(lab: MakeLab, **words: list[str]) -> list[Measured]:
    runs = {name: [*SHARED, *own] for name, own in words.items()}
    return measure("noisy-batchnorm", [lab(runs, seed) for seed in range(3)], samples=100)


def test_it_holds_where_noise_alone_diverges_and_little_noise_costs_nothing(lab: MakeLab) -> None:
    little = ["normalization.shift=1e-4", "normalization.scale=1.0001", "normalization.spread=1e-4"]
    seeds = found(
        lab,
        none=["normalization=none", "optimizer.lr=0.03", "epochs=4"],
        batch=["normalization=batch", "epochs=4"],
        noisy=["normalization=noisy_batch", *little, "epochs=4"],
        noise=["normalization=noise", "optimizer.lr=1e30", "epochs=2"],
    )
    told = verdicts("noisy-batchnorm", seeds)
    assert [told[place] for place in (0, 1, 2, 4, 5)] == ["holds"] * 5
    assert list(drawn("noisy-batchnorm", seeds)) == ["losses"]


def test_all_fails_where_plain_networks_are_the_better_ones(lab: MakeLab) -> None:
    seeds = found(
        lab,
        none=["normalization=none", "epochs=4"],
        batch=["normalization=batch", "optimizer.lr=1e-4", "epochs=4"],
        noisy=["normalization=noisy_batch", "optimizer.lr=1e-4", "normalization.shift=9", "epochs=4"],
        noise=["normalization=noise", "normalization.shift=0.01", "epochs=4"],
    )
    told = verdicts("noisy-batchnorm", seeds)
    assert [told[place] for place in (0, 1, 2, 4)] == ["fails"] * 4
    assert told[3] == "holds"  # so much noise makes inputs unstable
    still = ["normalization.shift=1e-9", "normalization.scale=1.000000001", "normalization.spread=1e-9"]
    calm = found(
        lab,
        none=["normalization=none", "optimizer.lr=1e-5", "epochs=4"],
        batch=["normalization=batch", "epochs=4"],
        noisy=["normalization=noisy_batch", "optimizer.lr=1e-9", "epochs=4", *still],
        noise=["normalization=noise", "epochs=4"],
    )
    told = verdicts("noisy-batchnorm", calm)
    assert [told[place] for place in (3, 5)] == ["fails"] * 2
