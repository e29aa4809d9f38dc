"""Between two models of one's own, against float64 twins, and the barrier there."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from api.models import (
    EACH,
    IMAGES,
    NUMBERS,
    assert_same_state,
    mlp,
    numbers,
    resnet,
    state_of,
    twins,
)
from torch import Tensor, nn

from landscape_cli import barrier, interpolate, surface
from landscape_cli.errors import LandscapeError


def running_statistics_of(model: nn.Module, inputs: Tensor) -> nn.Module:
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(inputs)
    return model.eval()


@pytest.mark.parametrize("batchnorm", ["interpolate", "recompute", "keep"])
def test_interpolation(tmp_path: Path, batchnorm: str) -> None:
    start, end, (inputs, targets) = resnet(0), resnet(1), IMAGES
    before = state_of(start), state_of(end)
    found = interpolate(
        start, end, EACH, IMAGES, out=tmp_path / "i.h5", alpha=(-0.5, 1, 4), batchnorm=batchnorm
    )
    for model, state in zip((start, end), before, strict=True):
        assert_same_state(model, state)
    points = [{**dict(one.named_parameters()), **dict(one.named_buffers())} for one in (start, end)]
    expected = []
    for alpha in found.x:
        twin = copy.deepcopy(start).double().eval()
        with torch.no_grad():
            for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
                buffer = name not in dict(twin.named_parameters())
                if tensor.is_floating_point() and not (buffer and batchnorm != "interpolate"):
                    one, other = (point[name].double() for point in points)
                    tensor.copy_((1 - alpha) * one + alpha * other)
            if batchnorm == "recompute":
                running_statistics_of(twin, inputs.double())
            loss = EACH(twin(inputs.double()), targets).mean().item()
        expected.append(loss if np.isfinite(loss) else np.inf)  # variances below zero
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-5)
    assert found.kind == "interpolation"
    assert found.marks == [("start", 0.0, 0.0), ("end", 1.0, 0.0)]
    rise = found.values["train/loss"][1:] - np.linspace(*found.values["train/loss"][[1, 3]], 3)
    assert barrier(found) == pytest.approx((rise.max(), found.x[1:][rise.argmax()]))


class Masked(nn.Module):
    """One class is out of the question."""

    def __init__(self) -> None:
        super().__init__()
        self.model = mlp(torch.initial_seed())
        self.register_buffer("mask", torch.tensor([0.0, 0.0, -torch.inf]))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) + self.mask


def test_masks_of_infinities_are_no_weights(tmp_path: Path) -> None:
    torch.manual_seed(1)
    start, data = Masked(), numbers(classes=2)
    torch.manual_seed(2)
    found = interpolate(start, Masked(), EACH, data, out=tmp_path / "i.h5", alpha=(0, 1, 3))
    expected = twins(found, start, lambda twin: [EACH(twin(data[0].double()), data[1])])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    assert len(set(found.values["train/loss"])) == 3
    assert np.isfinite(found.values["train/loss"]).all()


def test_a_barrier_needs_the_two_ends(tmp_path: Path) -> None:
    short = interpolate(mlp(), mlp(1), EACH, NUMBERS, out=tmp_path / "i.h5", alpha=(0, 0.5, 3))
    with pytest.raises(LandscapeError, match=r"alpha 0 and 1 are not both on the grid"):
        barrier(short)
    with pytest.raises(LandscapeError, match=r"no values 'test/loss'"):
        barrier(short, "test")
    with pytest.raises(LandscapeError, match="holds a plane"):
        barrier(surface(mlp(), EACH, NUMBERS, out=tmp_path / "p.h5", x=(0, 1, 2), y=(0, 1, 2)))
