"""Statistics of layers: a network of two layers by hand, and what follows which layer."""

import copy
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import parametrize

import cases
from landscape_cli.architectures.build import build
from landscape_cli.data.load import Split
from landscape_cli.signals.layers import activations, gradients, layers_of, weights, weights_of

GROUP = {"groups": 2}


def moments(values: np.ndarray) -> dict[str, float]:  # type: ignore[type-arg]
    return {"mean": values.mean(), "variance": ((values - values.mean()) ** 2).mean()}


def test_two_layers_by_hand() -> None:
    """Hidden ReLU units, of which the second is dead; mean square error; in batches of 3 and 2."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Dropout(0.5), nn.Linear(4, 2)).double()
    with torch.no_grad():
        network[0].bias[1] = -100  # type: ignore[index]
    inputs, targets = torch.randn(5, 3).double(), torch.randn(5, 2).double()
    layers = layers_of(network)
    assert list(layers) == ["0", "3"]

    w, b, v, c = (parameter.detach().numpy() for parameter in network.parameters())
    x, y = inputs.numpy(), targets.numpy()
    z = x @ w.T + b
    h = np.maximum(z, 0)
    out = h @ v.T + c
    by_out = 2 * (out - y) / 5
    by_v, by_w = by_out.T @ h, ((by_out @ v) * (z > 0)).T @ x

    found = activations(network, layers, inputs, 3)
    assert found["0"] == pytest.approx({**moments(h), "dead": (h == 0).all(0).mean()}, rel=1e-12)
    assert found["0"]["dead"] >= 0.25
    assert found["3"] == pytest.approx({**moments(out), "dead": 0}, rel=1e-12)
    slopes = gradients(network, layers, Split(inputs, targets), "mse", 3)
    for name, expected in {"0": by_w, "3": by_v}.items():
        norm = math.sqrt((expected**2).sum())
        assert slopes[name] == pytest.approx({"norm": norm, **moments(expected)}, rel=1e-12)
    assert network.training
    assert all(parameter.grad is None for parameter in network.parameters())
    assert not any(module._forward_hooks for module in network.modules())

    before = {name: weight.clone() for name, weight in weights_of(layers).items()}
    with torch.no_grad():
        network[0].weight.mul_(1.5)  # type: ignore[operator, union-attr]
    after = weights(weights_of(layers), before)
    expected_norm = 1.5 * math.sqrt((w**2).sum() / 2.25)
    assert after["0"]["norm"] == pytest.approx(expected_norm, rel=1e-12)
    assert after["0"]["update"] == pytest.approx(0.5, rel=1e-12)
    assert after["3"] == pytest.approx(
        {"norm": math.sqrt((v**2).sum()), **moments(v), "update": 0}, rel=1e-12
    )
    assert "update" not in weights(before)["0"]


class Block(nn.Module):
    """One whose parts a test names."""

    def __init__(self, forward: Callable[["Block", Tensor], Tensor]) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(2, 3, 3, padding=1), nn.Conv2d(3, 2, 3, padding=1)
        self.norm = nn.BatchNorm2d(3)
        self.unused = nn.Linear(2, 2)
        self.compute = forward

    def forward(self, x: Tensor) -> Tensor:
        return self.compute(self, x)


FLOWS: dict[
    str, tuple[Callable[[Block, Tensor], Tensor], Callable[[Block, Tensor], tuple[Tensor, Tensor]]]
] = {
    "through normalization, and none": (
        lambda b, x: b.conv2(F.relu(b.norm(b.conv1(x)), inplace=True)),
        lambda b, x: ((h := b.norm(b.conv1(x)).relu()), b.conv2(h)),
    ),
    "through pooling and a sum": (
        lambda b, x: torch.tanh(x[..., ::2, ::2] + b.conv2(F.max_pool2d(b.conv1(x), 2).sigmoid())),
        lambda b, x: (
            (h := F.max_pool2d(b.conv1(x), 2).sigmoid()),
            (x[..., ::2, ::2] + b.conv2(h)).tanh(),
        ),
    ),
    "concatenated: other units than its own": (
        lambda b, x: F.gelu(torch.cat([x, b.conv2(b.conv1(x))], 1)),
        lambda b, x: ((h := b.conv1(x)), b.conv2(h)),
    ),
    "the first activation alone": (
        lambda b, x: b.conv2(b.conv1(x).relu_()).relu().sigmoid(),
        lambda b, x: ((h := b.conv1(x).relu()), b.conv2(h).relu()),
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_activations_are_what_follows_a_layer(name: str) -> None:
    torch.manual_seed(0)
    forward, expected = FLOWS[name]
    block = Block(forward).double()
    nn.init.constant_(block.conv1.bias, -0.5)  # type: ignore[arg-type]
    inputs = torch.randn(6, 2, 4, 4, dtype=torch.float64)
    found = activations(block, layers_of(block), inputs, 4)
    assert list(found) == ["conv1", "conv2"]  # the other is not called
    with torch.no_grad():
        one, two = expected(block.eval(), inputs)
    for layer, values in {"conv1": one.numpy(), "conv2": two.numpy()}.items():
        dead = (values == 0).all((0, 2, 3)).mean()
        assert found[layer] == pytest.approx({**moments(values), "dead": dead}, rel=1e-9)


def test_a_channel_is_dead_where_no_pixel_of_any_sample_is_alive() -> None:
    layer = nn.Conv2d(1, 3, 1)
    nn.init.ones_(layer.weight)
    layer.bias = nn.Parameter(torch.tensor([0.0, -2.0, -9.0]))
    inputs = torch.zeros(4, 1, 2, 2)
    inputs[3, 0, 1, 1] = 3.0
    network = nn.Sequential(layer, nn.ReLU())
    for size in (1, 4):
        assert activations(network, layers_of(network), inputs, size)["0"]["dead"] == pytest.approx(1 / 3)


@pytest.mark.parametrize("normalization", ["batch", "weight"])
def test_every_layer_of_a_network(normalization: str) -> None:
    """Also where a weight is made of lengths and directions: as of a network that has it as a parameter."""
    words = {"name": "cnn", "activation": "relu", "dropout": 0.3}
    model = build(words, {"name": normalization, **GROUP}, (2, 8, 8), 3).double()
    split = Split(cases.images(10).inputs.double(), cases.images(10).targets)
    layers, names = layers_of(model), ["features.0", "features.4", "hidden.0", "classifier"]
    assert list(activations(model, layers, split.inputs, 10)) == list(layers) == names
    found = gradients(model, layers, split, "cross_entropy", 4)
    twin = copy.deepcopy(model).eval()
    for layer in layers_of(twin).values():
        if parametrize.is_parametrized(layer):
            parametrize.remove_parametrizations(layer, "weight")
    F.cross_entropy(twin(split.inputs), split.targets).backward()
    for name, layer in layers_of(twin).items():
        assert layer.weight.grad is not None
        expected = layer.weight.grad.numpy()
        norm = math.sqrt((expected**2).sum())
        assert found[name] == pytest.approx({"norm": norm, **moments(expected)}, rel=1e-9, abs=1e-15)
