import copy

import pytest
import torch
from torch import nn

from landscape_cli.architectures.build import build
from landscape_cli.evaluation.rescaling import rescaled, rescaled_filters, rescaled_units, without_epsilon
from tests.cases import CNN, NETWORKS, images

INPUTS = images().inputs.double()


def made(architecture: dict[str, object], normalization: str) -> nn.Module:
    torch.manual_seed(1)
    model = build(architecture, {"name": normalization, "groups": 2}, (2, 8, 8), 3).double().eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            assert module.running_mean is not None
            assert module.running_var is not None
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
    return model


RELU: dict[str, object] = {"name": "mlp", "widths": [7, 5], "activation": "relu"}
VGG: dict[str, object] = {"name": "vgg9", "width": 0.125}
PLAIN: list[dict[str, object]] = [RELU, CNN, VGG]


@pytest.mark.parametrize("architecture", PLAIN, ids=lambda options: options["name"])
def test_the_twin_of_a_relu_network_computes_the_same(architecture: dict[str, object]) -> None:
    model = made(architecture, "none")
    before = copy.deepcopy(model.state_dict())
    twin = rescaled(model, 5.0)
    assert torch.allclose(twin(INPUTS), model(INPUTS), rtol=1e-10, atol=1e-12)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


def test_layers_are_multiplied_and_divided_in_turn() -> None:
    model = made(RELU, "none")
    factors = [
        float((twin / own).detach().mean())
        for own, twin in zip(model.parameters(), rescaled(model, 5.0).parameters(), strict=True)
    ]
    assert factors == pytest.approx(
        [5, 5, 1 / 5, 1, 1, 1]
    )  # weight and bias of each; the third has no partner


@pytest.mark.parametrize("architecture", PLAIN, ids=lambda options: options["name"])
def test_each_unit_is_multiplied_and_what_leaves_it_divided(architecture: dict[str, object]) -> None:
    model = made(architecture, "none")
    twin = rescaled_units(model, 5.0)
    assert torch.allclose(twin(INPUTS), model(INPUTS), rtol=1e-9, atol=1e-12)
    first, own = (next(iter(each.parameters())) for each in (twin, model))
    factors = (first / own).flatten(1).detach()
    assert torch.allclose(factors, factors[:, :1].expand_as(factors))  # one for each unit
    assert len(factors[:, 0].unique()) == len(factors)
    assert factors.min() >= 0.2 - 1e-12
    assert factors.max() <= 5 + 1e-12


def test_units_between_which_something_bends_are_not_rescaled() -> None:
    with pytest.raises(ValueError, match="Tanh stands between two layers"):
        rescaled_units(made({**RELU, "activation": "tanh"}, "none"), 5.0)


@pytest.mark.parametrize("twin_of", [rescaled, rescaled_filters])
@pytest.mark.parametrize("name", ["cnn", "vgg9", "resnet20"])
def test_the_twin_of_a_network_with_batchnorm_computes_the_same(name: str, twin_of: object) -> None:
    options = {"cnn": CNN, "vgg9": VGG, "resnet20": {"name": "resnet20", "skip": True, "width": 0.25}}
    model = made(options[name], "batch")
    bare = without_epsilon(model)
    assert callable(twin_of)
    twin = twin_of(bare, 5.0)
    assert torch.allclose(twin(INPUTS), bare(INPUTS), rtol=1e-9, atol=1e-9)
    # with epsilon it is the same but for that
    difference = float((twin_of(model, 5.0)(INPUTS) - model(INPUTS)).detach().abs().max())
    assert 1e-9 < difference < 1e-3


def test_each_filter_has_a_factor_of_its_own() -> None:
    model = made(CNN, "batch")
    twin = rescaled_filters(model, 5.0)
    first, last = "features.0.weight", "classifier.weight"
    factors = (twin.state_dict()[first] / model.state_dict()[first]).flatten(1)
    assert torch.allclose(factors, factors[:, :1])
    assert len(set(factors[:, 0].tolist())) == 16
    assert bool(((factors > 1 / 5) & (factors < 5)).all())
    assert torch.equal(twin.state_dict()[last], model.state_dict()[last])


def test_what_is_not_homogeneous_is_refused() -> None:
    with pytest.raises(ValueError, match="Tanh stands between two layers"):
        rescaled(NETWORKS["mlp"](), 5.0)
    with pytest.raises(ValueError, match="GroupNorm stands between two layers"):
        rescaled(NETWORKS["cnn-group"](), 5.0)
    with pytest.raises(ValueError, match="only positive factors"):
        rescaled(made(RELU, "none"), -1.0)
