"""Noise behind BatchNorm, or in its place: its moments, and that evaluation knows nothing of it."""

import pytest
import torch
from torch import nn

from conftest import Landscape, Trainings
from landscape_cli.architectures.build import build
from landscape_cli.architectures.layers import Noise, Normalization
from landscape_cli.errors import LandscapeError

SAMPLES = 20_000


def test_moments_are_a_units_and_between_units_the_stated_ones() -> None:
    shift, scale, spread = 0.5, 1.25, 0.1
    noise = Noise(shift, scale, spread)
    torch.manual_seed(0)
    m = noise(torch.zeros(SAMPLES, 400, dtype=torch.float64))  # s a = 0: the shifts alone
    means = m.mean(0)
    assert float(means.abs().max()) <= shift + 0.01
    assert float(means.std()) == pytest.approx(shift / 3**0.5, rel=0.1)
    assert float(m.std(0).mean()) == pytest.approx(spread / 3**0.5, rel=0.01)
    assert float((m - means).abs().max()) <= spread + 0.01
    large = 1e6
    s = noise(torch.full((SAMPLES, 400), large, dtype=torch.float64)) / large  # the factors alone
    factors = s.mean(0)
    assert 1 - 0.01 <= float(factors.min()) < float(factors.max()) <= scale + 0.01
    assert float(factors.mean()) == pytest.approx((1 + scale) / 2, abs=0.02)
    assert float(s.std(0).mean()) == pytest.approx(spread, rel=0.01)


def test_units_are_pixels_of_channels_and_moments_change_each_time() -> None:
    noise = Noise(0.5, 1.25, 1e-9)
    first, second = noise(torch.zeros(3, 2, 4, 4)), noise(torch.zeros(3, 2, 4, 4))
    assert torch.allclose(first, first[:1].expand_as(first), atol=1e-6)
    assert len(first[0].unique()) == 32
    assert not torch.allclose(first, second, atol=1e-2)


def test_evaluation_is_that_of_batchnorm_and_of_nothing() -> None:
    maps = torch.randn(4, 3, 5, 5)
    noisy = Normalization("noisy_batch").maps(3).eval()
    assert torch.equal(noisy(maps), nn.BatchNorm2d(3).eval()(maps))
    assert torch.equal(Normalization("noise").maps(3).eval()(maps), maps)
    assert not torch.equal(noisy.train()(maps), nn.BatchNorm2d(3)(maps))
    assert [Normalization(name).needs_bias for name in ("noise", "noisy_batch")] == [True, False]  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["shift", "scale", "spread"])
def test_what_is_no_positive_number_is_refused(key: str) -> None:
    options = {"name": "noisy_batch", "shift": 0.5, "scale": 1.25, "spread": 0.1, key: -1}
    with pytest.raises(LandscapeError, match=f"normalization.{key} must be a positive number, got -1"):
        build({"name": "mlp", "widths": [3], "activation": "relu"}, options, (4,), 2)


def test_a_resumed_training_draws_the_same_noise(whole_and_resumed: Trainings) -> None:
    words = ["normalization=noisy_batch", "dataset.train_size=100", "batch_size=50", "epochs=2"]
    whole, cut = (saved["model"] for saved in whole_and_resumed(words))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_a_line_through_a_run_meets_its_loss(landscape: Landscape) -> None:
    words = ["dataset.train_size=40", "dataset.test_size=40", "epochs=1", "batch_size=20"]
    for name in ("noisy_batch", "noise"):
        network = ["architecture=vgg9", "architecture.width=0.1", f"normalization={name}"]
        assert landscape("train", *words, *network, f"out={name}").status == 0
        assert landscape("surface", f"run={name}", "x=-1:1:3", "y=null").status == 0
