import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrize

from landscape_cli.architectures.build import build
from landscape_cli.architectures.weight_norm import weight_normalize

ARCHITECTURE = {"name": "vgg9", "width": 0.0625}


def network() -> nn.Module:
    torch.manual_seed(0)
    return build(ARCHITECTURE, {"name": "weight"}, (1, 8, 8), 10).double()


def images(n: int = 3) -> torch.Tensor:
    return torch.randn(n, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_every_layer_but_the_last_has_a_length_and_a_direction() -> None:
    model = network()
    layers = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
    assert [parametrize.is_parametrized(layer) for layer in layers] == [True] * 8 + [False]
    names = dict(model.named_parameters())
    for prefix in ("features.0", "hidden.0"):
        v = names[f"{prefix}.parametrizations.weight.original1"]
        assert names[f"{prefix}.parametrizations.weight.original0"].shape == (v.shape[0],)


def test_forward_is_g_times_v_over_its_norm() -> None:
    model = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, 5), nn.Linear(5, 2)).double()
    weight_normalize(model)
    generator = torch.Generator().manual_seed(0)
    state = {
        name: torch.randn(t.shape, dtype=t.dtype, generator=generator)
        for name, t in model.state_dict().items()
    }
    model.load_state_dict(state)

    def weight(layer: str) -> torch.Tensor:
        g, v = (state[f"{layer}.parametrizations.weight.original{i}"] for i in (0, 1))
        return torch.stack([g[i] * v[i] / v[i].square().sum().sqrt() for i in range(len(g))])

    x = torch.randn(4, 2, 4, 4, dtype=torch.float64, generator=generator)
    hidden = F.linear(F.conv2d(x, weight("0"), state["0.bias"]).flatten(1), weight("2"), state["2.bias"])
    torch.testing.assert_close(model(x), F.linear(hidden, state["3.weight"], state["3.bias"]))


def test_it_leaves_the_function_and_its_scale_is_free() -> None:
    torch.manual_seed(0)
    plain = build(ARCHITECTURE, {"name": "none"}, (1, 8, 8), 10).double()
    normalized = copy.deepcopy(plain)
    weight_normalize(normalized)
    torch.testing.assert_close(normalized(images()), plain(images()))
    with torch.no_grad():
        for name, parameter in normalized.named_parameters():
            if name.endswith("original1"):
                parameter.mul_(7)
    torch.testing.assert_close(normalized(images()), plain(images()))


def test_the_gradient_in_v_is_orthogonal_to_v() -> None:
    model = network()
    model(images()).square().sum().backward()
    for name, v in model.named_parameters():
        if name.endswith("original1"):
            assert v.grad is not None
            along = (v.grad * v).flatten(1).sum(dim=1) / (
                v.flatten(1).norm(dim=1) * v.grad.flatten(1).norm(dim=1) + 1e-30
            )
            assert along.abs().max() < 1e-10


def test_assigning_a_weight_sets_length_and_direction() -> None:
    layer = nn.Conv2d(2, 3, 3)
    weight_normalize(nn.Sequential(layer, nn.Linear(3, 2)))
    weight = torch.randn(3, 2, 3, 3)
    layer.weight = weight
    torch.testing.assert_close(layer.weight, weight)
    torch.testing.assert_close(layer.parametrizations.weight.original0, weight.flatten(1).norm(dim=1))


def test_a_zero_weight_is_finite_and_can_leave_zero() -> None:
    layer = nn.Linear(4, 3)
    weight_normalize(nn.Sequential(layer, nn.Linear(3, 2)))
    layer.weight = torch.zeros(3, 4)
    assert layer.weight.equal(torch.zeros(3, 4))
    layer(torch.ones(1, 4)).sum().backward()
    length = layer.parametrizations.weight.original0
    torch.testing.assert_close(
        length.grad, torch.full((3,), 2.0)
    )  # inputs of 1 along the direction (1/2, 1/2, 1/2, 1/2)


def test_a_direction_of_zero_gives_a_weight_of_zero() -> None:
    layer = nn.Linear(4, 3)
    weight_normalize(nn.Sequential(layer, nn.Linear(3, 2)))
    with torch.no_grad():
        layer.parametrizations.weight.original1.zero_()
    layer(torch.ones(1, 4)).sum().backward()
    assert layer.weight.equal(torch.zeros(3, 4))
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all() for parameter in layer.parameters()
    )


@pytest.mark.parametrize("way", ["deep copy", "state dict"])
def test_copies_are_equal_and_independent(way: str) -> None:
    model = network()
    if way == "deep copy":
        copied = copy.deepcopy(model)
    else:
        torch.manual_seed(1)
        copied = build(ARCHITECTURE, {"name": "weight"}, (1, 8, 8), 10).double()
        assert not copied(images()).equal(model(images()))
        copied.load_state_dict(model.state_dict())
    before = model(images()).detach()
    assert copied(images()).equal(before)
    with torch.no_grad():
        for parameter in copied.parameters():
            parameter.add_(1)
    assert not copied(images()).equal(before)
    assert model(images()).equal(before)
