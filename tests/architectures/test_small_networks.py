"""The mlp, the cnn, LeNet-5 and VGG against the same computations in plain tensor operations."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landscape_cli.architectures.convnet import cnn, lenet5
from landscape_cli.architectures.layers import Normalization
from landscape_cli.architectures.mlp import mlp
from landscape_cli.architectures.vgg import vgg

NONE = Normalization("none")


def layers(model: nn.Module) -> list[tuple[Tensor, Tensor]]:
    """Return weight and bias of each convolution and linear layer."""
    weighted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    return [(module.weight, module.bias) for module in weighted]


def images(height: int, width: int, channels: int = 1) -> Tensor:
    return torch.randn(
        3, channels, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )


def average(x: Tensor) -> Tensor:
    height, width = x.shape[2] // 2, x.shape[3] // 2
    return (
        x[:, :, : 2 * height, : 2 * width].unflatten(3, (width, 2)).unflatten(2, (height, 2)).mean(dim=(3, 5))
    )


def largest(x: Tensor) -> Tensor:
    """The largest of each 2x2 square, those at an odd edge being incomplete."""
    x = F.pad(x, (0, x.shape[3] % 2, 0, x.shape[2] % 2), value=-torch.inf)
    return x.unflatten(3, (-1, 2)).unflatten(2, (-1, 2)).amax(dim=(3, 5))


def test_mlp() -> None:
    model = mlp((1, 3, 2), 4, NONE, widths=[5, 7], activation="elu").double()
    x = images(3, 2)
    out = x.flatten(1)
    for weight, bias in layers(model)[:-1]:
        out = F.elu(out @ weight.T + bias)
    weight, bias = layers(model)[-1]
    torch.testing.assert_close(model(x), out @ weight.T + bias)


def test_mlp_normalizes_before_the_activation() -> None:
    model = mlp((6,), 4, Normalization("layer"), widths=[5], activation="relu").double()
    x = torch.randn(3, 6, dtype=torch.float64)
    (weight, bias), (weight_out, bias_out) = layers(model)
    hidden = x @ weight.T + bias
    hidden = (hidden - hidden.mean(1, keepdim=True)) / (
        hidden.var(1, correction=0, keepdim=True) + 1e-5
    ).sqrt()
    torch.testing.assert_close(model(x), hidden.clamp_min(0) @ weight_out.T + bias_out)


def test_mlp_without_hidden_layers_is_linear() -> None:
    model = mlp((6,), 4, NONE, widths=[], activation="relu").double()
    x, y = torch.randn(2, 3, 6, dtype=torch.float64)
    torch.testing.assert_close(model(x) + model(y), model(x + y) + model(torch.zeros_like(x)))


@pytest.mark.parametrize(("height", "width"), [(8, 8), (11, 14)])
def test_cnn(height: int, width: int) -> None:
    model = cnn((1, height, width), 4, NONE, activation="tanh", dropout=0.5).double().eval()
    out = x = images(height, width)
    for weight, bias in layers(model)[:2]:
        out = average(F.conv2d(out, weight, bias, padding=1).tanh())
    (weight, bias), (weight_out, bias_out) = layers(model)[2:]
    torch.testing.assert_close(model(x), (out.flatten(1) @ weight.T + bias).tanh() @ weight_out.T + bias_out)


def test_cnn_drops_features_where_the_maps_are_flattened() -> None:
    model = cnn((1, 8, 8), 4, NONE, activation="sigmoid", dropout=0.25).train()
    flattened: list[Tensor] = []
    model.hidden.register_forward_pre_hook(lambda module, args: flattened.append(args[0]))
    torch.manual_seed(0)
    model(torch.randn(200, 1, 8, 8))
    assert flattened[0].shape == (200, 128)
    assert (flattened[0] == 0).double().mean().item() == pytest.approx(0.25, abs=0.02)  # 25,600 draws


@pytest.mark.parametrize(("height", "width"), [(8, 8), (28, 28), (32, 32), (31, 36)])
def test_lenet5(height: int, width: int) -> None:
    model = lenet5((1, height, width), 4, NONE, activation="tanh").double()
    x = images(height, width)
    padded = torch.zeros(3, 1, max(32, height), max(32, width), dtype=torch.float64)
    top, left = (padded.shape[2] - height) // 2, (padded.shape[3] - width) // 2
    padded[:, :, top : top + height, left : left + width] = x
    out = padded
    for weight, bias in layers(model)[:2]:
        out = average(F.conv2d(out, weight, bias).tanh())
    out = out.flatten(1)
    for weight, bias in layers(model)[2:4]:
        out = (out @ weight.T + bias).tanh()
    weight, bias = layers(model)[-1]
    assert len(layers(model)) == 5
    torch.testing.assert_close(model(x), out @ weight.T + bias)


@pytest.mark.parametrize(("depth", "stages"), [(9, [2, 2, 3]), (16, [2, 2, 3, 3, 3])])
@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 28)])
def test_vgg(depth: int, stages: list[int], height: int, width: int) -> None:
    model = vgg((3, height, width), 4, NONE, depth=depth, width=0.125).double()
    out = x = images(height, width, 3)
    remaining = iter(layers(model))
    for convolutions in stages:
        for _ in range(convolutions):
            weight, bias = next(remaining)
            out = F.conv2d(out, weight, bias, padding=1).clamp_min(0)
        out = largest(out)
    weight, bias = next(remaining)
    out = (out.flatten(1) @ weight.T + bias).clamp_min(0)
    weight, bias = next(remaining)
    assert next(remaining, None) is None
    torch.testing.assert_close(model(x), out @ weight.T + bias)
