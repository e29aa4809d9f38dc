import math

import pytest
import torch
from torch import Tensor, nn

from landscape_cli.architectures.layers import ACTIVATIONS, Normalization, scaled
from landscape_cli.errors import LandscapeError


def standardized(x: Tensor, dims: tuple[int, ...]) -> Tensor:
    """Return x minus its mean over `dims`, divided by its (biased) standard deviation."""
    centred = x - x.mean(dim=dims, keepdim=True)
    return centred / (centred.square().mean(dim=dims, keepdim=True) + 1e-5).sqrt()


def maps(channels: int = 6, size: int = 4) -> Tensor:
    return 3 + 2 * torch.randn(
        5, channels, size, size, dtype=torch.float64, generator=torch.Generator().manual_seed(0)
    )


def vectors(features: int = 6) -> Tensor:
    return maps(features, 1).flatten(1)


def test_batch_is_over_the_batch() -> None:
    normalization = Normalization("batch")
    torch.testing.assert_close(normalization.maps(6).double()(maps()), standardized(maps(), (0, 2, 3)))
    torch.testing.assert_close(normalization.vectors(6).double()(vectors()), standardized(vectors(), (0,)))


def test_layer_is_over_a_sample() -> None:
    normalization = Normalization("layer")
    torch.testing.assert_close(normalization.maps(6).double()(maps()), standardized(maps(), (1, 2, 3)))
    torch.testing.assert_close(normalization.vectors(6).double()(vectors()), standardized(vectors(), (1,)))


@pytest.mark.parametrize(
    ("channels", "groups", "expected"),
    [(6, 8, 6), (6, 4, 3), (64, 8, 8), (7, 6, 1), (12, 8, 6), (1, 8, 1), (5, 1, 1)],
)
def test_group_takes_the_largest_divisor(channels: int, groups: int, expected: int) -> None:
    x = maps(channels)
    got = Normalization("group", groups).maps(channels).double()(x)
    grouped = standardized(x.unflatten(1, (expected, channels // expected)), (2, 3, 4)).flatten(1, 2)
    torch.testing.assert_close(got, grouped)


@pytest.mark.parametrize(("features", "expected"), [(6, 3), (64, 8), (8, 4), (2, 1), (7, 1)])
def test_groups_of_a_vector_have_at_least_two_members(features: int, expected: int) -> None:
    x = vectors(features)
    got = Normalization("group", 8).vectors(features).double()(x)
    grouped = standardized(x.unflatten(1, (expected, features // expected)), (2,)).flatten(1)
    torch.testing.assert_close(got, grouped)
    one_pixel = Normalization("group", 8).maps(features, one_pixel=True).double()(x[:, :, None, None])
    torch.testing.assert_close(one_pixel.flatten(1), grouped)


def test_instance_is_over_the_pixels_of_a_channel() -> None:
    layer = Normalization("instance").maps(6).double()
    torch.testing.assert_close(layer(maps()), standardized(maps(), (2, 3)))
    assert not list(layer.buffers())
    assert [tuple(parameter.shape) for parameter in layer.parameters()] == [(6,), (6,)]


def test_layer_stands_in_for_instance_where_a_channel_is_one_number() -> None:
    normalization = Normalization("instance")
    expected = standardized(vectors(), (1,))
    torch.testing.assert_close(normalization.vectors(6).double()(vectors()), expected)
    one_pixel = normalization.maps(6, one_pixel=True).double()(maps(6, 1))
    torch.testing.assert_close(one_pixel.flatten(1), expected)


def test_none_changes_nothing() -> None:
    normalization = Normalization("none")
    assert normalization.maps(6)(maps()).equal(maps())
    assert normalization.vectors(6)(vectors()).equal(vectors())
    assert normalization.needs_bias
    assert not Normalization("batch").needs_bias


@pytest.mark.parametrize("name", ["layer", "group", "instance"])
def test_a_single_feature_is_refused(name: str) -> None:
    normalization = Normalization(name)  # type: ignore[arg-type]
    with pytest.raises(LandscapeError, match=f"normalization={name} over a single feature always gives 0"):
        normalization.vectors(1)
    with pytest.raises(LandscapeError, match=f"normalization={name} over a single feature always gives 0"):
        normalization.maps(1, one_pixel=True)


def test_scaled_channels() -> None:
    assert [scaled(16, width) for width in (1, 10, 0.5, 0.125, 0.3, 0.001)] == [16, 160, 8, 2, 5, 1]


def test_activations() -> None:
    x = torch.tensor([-7.0, -1.0, -0.2, 0.3, 0.5, 7.0], dtype=torch.float64)
    tanh, sigmoid = (x.exp() - (-x).exp()) / (x.exp() + (-x).exp()), 1 / (1 + (-x).exp())
    normal = torch.tensor([math.erfc(-each / math.sqrt(2)) / 2 for each in x.tolist()], dtype=torch.float64)
    softplus, ramp = (1 + x.exp()).log(), (x + 3).clamp(0, 6) / 6
    beyond = (x.abs() > 0.5).double()
    closed_forms = {
        "relu": x.clamp_min(0),
        "relu6": x.clamp(0, 6),
        "leaky_relu": torch.where(x > 0, x, 0.01 * x),
        "prelu": torch.where(x > 0, x, 0.25 * x),
        "elu": torch.where(x > 0, x, x.exp() - 1),
        "selu": 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (x.exp() - 1)),
        "celu": torch.where(x > 0, x, x.exp() - 1),
        "gelu": x * normal,
        "silu": x * sigmoid,
        "mish": x * torch.tanh(softplus),
        "softplus": softplus,
        "hardswish": x * ramp,
        "tanh": tanh,
        "hardtanh": x.clamp(-1, 1),
        "tanhshrink": x - tanh,
        "softsign": x / (1 + x.abs()),
        "softshrink": beyond * (x - 0.5 * x.sign()),
        "hardshrink": beyond * x,
        "sigmoid": sigmoid,
        "hardsigmoid": ramp,
        "log_sigmoid": sigmoid.log(),
        "identity": x,
    }
    assert set(closed_forms) == set(ACTIVATIONS)
    for name, expected in closed_forms.items():
        torch.testing.assert_close(ACTIVATIONS[name]().double()(x), expected, msg=name)
    assert all(issubclass(activation, nn.Module) for activation in ACTIVATIONS.values())
