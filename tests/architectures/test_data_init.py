"""Weights fitted to data: each layer's outputs are what they are said to be, in float64 and by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from landscape_cli.architectures.data_init import outputs_of
from landscape_cli.architectures.init import initialize, weight_layers
from landscape_cli.data.load import load
from landscape_cli.errors import LandscapeError
from landscape_cli.solutions import batch_of

NAMES = ["lsuv", "data_dependent"]


class Branches(nn.Module):
    """Registered in another order than called, with a layer that is never called."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(6, 3)
        self.unused = nn.Linear(2, 2)
        self.first = nn.Linear(4, 6)
        self.drop = nn.Dropout(0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.drop(self.first(x).relu()))


def convolutions() -> nn.Module:
    return nn.Sequential(
        *(nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Conv2d(5, 4, 3), nn.Tanh()),
        *(nn.Flatten(), nn.Linear(16, 3)),
    )


def fitted(model: nn.Module, name: str, inputs: torch.Tensor) -> nn.Module:
    model = model.double()
    initialize(model, {"name": name, "samples": len(inputs)}, inputs)
    return model


def of(shape: tuple[int, ...]) -> torch.Tensor:
    """Return inputs of another size than 1 and another mean than 0."""
    return torch.randn(shape, dtype=torch.float64) * 7 + 3


@pytest.mark.parametrize(("make", "shape"), [(convolutions, (40, 2, 6, 6)), (Branches, (40, 4))])
def test_lsuv_gives_each_layer_unit_variance(make: Any, shape: tuple[int, ...]) -> None:
    inputs = of(shape)
    model = fitted(make(), "lsuv", inputs).eval()
    for layer in weight_layers(model):
        if layer is not getattr(model, "unused", None):
            assert abs(float(outputs_of(model, layer, inputs).detach().var()) - 1) < 0.1
            rows = layer.weight.detach().flatten(1)
            few = rows if len(rows) <= rows.shape[1] else rows.T
            product = few @ few.T
            torch.testing.assert_close(product, product[0, 0] * torch.eye(len(product)).double())
            assert (layer.bias == 0).all()


@pytest.mark.parametrize(("make", "shape"), [(convolutions, (40, 2, 6, 6)), (Branches, (40, 4))])
def test_data_dependent_weights_normalize_each_unit(make: Any, shape: tuple[int, ...]) -> None:
    inputs = of(shape)
    model = fitted(make(), "data_dependent", inputs).eval()
    for layer in weight_layers(model):
        if layer is not getattr(model, "unused", None):
            units = outputs_of(model, layer, inputs).detach().transpose(0, 1).flatten(1)
            torch.testing.assert_close(units.mean(dim=1), torch.zeros(len(units)).double())
            torch.testing.assert_close(units.var(dim=1), torch.ones(len(units)).double())


def test_one_layer_by_hand() -> None:
    """Where outputs w x have mean m and standard deviation s, weights become w / s, biases -m / s."""
    inputs = of((30, 4))
    torch.manual_seed(5)
    w = torch.empty(3, 4).double().normal_().numpy()
    torch.manual_seed(5)
    layer = nn.Linear(4, 3)
    torch.manual_seed(5)
    model = fitted(nn.Sequential(layer), "data_dependent", inputs)
    outputs = inputs.numpy() @ w.T
    s, m = outputs.std(axis=0, ddof=1), outputs.mean(axis=0)
    np.testing.assert_allclose(model[0].weight.detach(), w / s[:, None])
    np.testing.assert_allclose(model[0].bias.detach(), -m / s)


@pytest.mark.parametrize("name", NAMES)
def test_modes_hooks_and_running_statistics_stay(name: str) -> None:
    model = convolutions()
    fitted(model, name, of((20, 2, 6, 6)))
    assert model.training
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())
    assert (model[1].running_mean == 0).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_layer_without_bias_and_a_weight_normalized_one(name: str) -> None:
    inputs = of((50, 4))
    model = fitted(
        nn.Sequential(weight_norm(nn.Linear(4, 6, bias=False)), nn.ReLU(), nn.Linear(6, 2)), name, inputs
    )
    outputs = outputs_of(model, model[0], inputs).detach()
    spread = outputs.var() if name == "lsuv" else outputs.var(dim=0)
    torch.testing.assert_close(spread, torch.ones_like(spread), atol=0.1, rtol=0)


@pytest.mark.parametrize("name", NAMES)
def test_refusals(name: str) -> None:
    with pytest.raises(LandscapeError, match=f"init={name} fits weights to data, and there are none;"):
        initialize(nn.Linear(2, 2), {"name": name, "samples": 5})
    with pytest.raises(LandscapeError, match=f"init={name}: layer 0 gives the same for all samples"):
        fitted(nn.Sequential(nn.Linear(2, 2)), name, torch.zeros(9, 2).double())


def test_the_batch_is_of_training_samples_and_drawn_by_seed() -> None:
    data = load({"name": "digits", "train_size": 50}, torch.device("cpu"))
    one, again, other = (batch_of({"samples": 20}, data, seed) for seed in (0, 0, 1))
    assert one is not None
    assert again is not None
    assert other is not None
    assert one.equal(again)
    assert not one.equal(other)
    assert all((data.train.inputs == row).flatten(1).all(dim=1).any() for row in one)
    assert len(one.flatten(1).unique(dim=0)) == 20
    everything = batch_of({"samples": 90}, data, 0)
    assert everything is not None
    assert len(everything) == 50
    assert batch_of({"name": "kaiming"}, data, 0) is None
