import math
from pathlib import Path
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.nn.utils import parametrize

from landscape_cli.architectures.build import build
from landscape_cli.architectures.init import initialize, last_layer, weight_layers
from landscape_cli.architectures.weight_norm import weight_normalize
from landscape_cli.errors import LandscapeError

CONF = Path(__file__).parents[2] / "conf" / "init"
DRAWN = sorted({path.stem for path in CONF.glob("*.yaml")} - {"default", "pretrained"})
FITTED = {"lsuv", "data_dependent"}  # to data, with tests of their own


def configured(name: str, **changes: Any) -> dict[str, Any]:
    options = OmegaConf.to_container(OmegaConf.load(CONF / f"{name}.yaml"))
    assert isinstance(options, dict)
    return options | changes


def network() -> nn.Sequential:
    """Return conv 8 -> 64 of 3x3 (fans 72 and 576), norm, linear 256 -> 128."""
    return nn.Sequential(nn.Conv2d(8, 64, 3), nn.BatchNorm2d(64), nn.Flatten(), nn.Linear(256, 128))


def drawn(name: str, **changes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(0)
    model = network()
    initialize(model, configured(name, **changes))
    return model[0].weight.detach().double(), model[3].weight.detach().double()


def assert_normal(weight: torch.Tensor, std: float) -> None:
    """Compare the first, second and fourth moments; of 18,432 numbers the second is known to about 0.5 %."""
    error = std / math.sqrt(weight.numel())
    assert abs(weight.mean()) < 4 * error
    assert weight.std() == pytest.approx(std, rel=0.03)
    assert (weight / std).pow(4).mean() == pytest.approx(3, rel=0.1)


def assert_uniform(weight: torch.Tensor, bound: float) -> None:
    assert abs(weight.mean()) < 4 * bound / math.sqrt(3 * weight.numel())
    assert weight.abs().max() <= bound * (1 + 1e-6)
    assert weight.abs().max() > 0.999 * bound
    assert weight.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


def test_every_init_was_found() -> None:
    assert len(DRAWN) == 12


def test_default_leaves_the_model() -> None:
    model = network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    initialize(model, configured("default"))
    assert all(tensor.equal(before[name]) for name, tensor in model.state_dict().items())


def test_zeros_and_constants() -> None:
    assert all(weight.eq(0).all() for weight in drawn("zeros"))
    assert all(weight.eq(torch.tensor(0.01)).all() for weight in drawn("constant"))
    assert all(weight.eq(-2).all() for weight in drawn("constant", value=-2))


def test_normal() -> None:
    for weight in drawn("normal"):
        assert_normal(weight, 0.01)
    for weight in drawn("normal", std=3):
        assert_normal(weight, 3)


def test_uniform() -> None:
    convolution, linear = drawn("uniform")
    assert_uniform(convolution, 1 / math.sqrt(72))
    assert_uniform(linear, 1 / math.sqrt(256))


@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_xavier(gain: float) -> None:
    convolution, linear = drawn("xavier_uniform", gain=gain)
    assert_uniform(convolution, gain * math.sqrt(6 / (72 + 576)))
    assert_uniform(linear, gain * math.sqrt(6 / (256 + 128)))
    convolution, linear = drawn("xavier_normal", gain=gain)
    assert_normal(convolution, gain * math.sqrt(2 / (72 + 576)))
    assert_normal(linear, gain * math.sqrt(2 / (256 + 128)))


@pytest.mark.parametrize(("mode", "fans"), [("fan_in", (72, 256)), ("fan_out", (576, 128))])
def test_kaiming(mode: str, fans: tuple[int, int]) -> None:
    for weight, fan in zip(drawn("kaiming", mode=mode), fans, strict=True):
        assert_normal(weight, math.sqrt(2 / fan))
    for weight, fan in zip(drawn("kaiming", mode=mode, distribution="uniform"), fans, strict=True):
        assert_uniform(weight, math.sqrt(6 / fan))


def test_lecun() -> None:
    for weight, fan_in in zip(drawn("lecun"), (72, 256), strict=True):
        assert_normal(weight, 1 / math.sqrt(fan_in))


def test_kaiming_with_small_linear_layers() -> None:
    convolution, linear = drawn("kaiming", linear_std=1e-3)
    assert_normal(convolution, math.sqrt(2 / 72))
    assert_normal(linear, 1e-3)


@pytest.mark.parametrize("gain", [1.0, 1.5])
def test_orthogonal(gain: float) -> None:
    convolution, linear = drawn("orthogonal", gain=gain)
    rows = convolution.flatten(1)
    torch.testing.assert_close(rows @ rows.T, gain**2 * torch.eye(64).double(), rtol=0, atol=1e-5)
    torch.testing.assert_close(linear @ linear.T, gain**2 * torch.eye(128).double(), rtol=0, atol=1e-5)


def test_orthogonal_columns_where_there_are_more_rows() -> None:
    model = nn.Sequential(nn.Linear(8, 32))
    initialize(model, configured("orthogonal"))
    weight = model[0].weight.detach()
    torch.testing.assert_close(weight.T @ weight, torch.eye(8), rtol=0, atol=1e-5)


def test_sparse() -> None:
    for weight in drawn("sparse"):
        matrix = weight.flatten(1)
        assert (matrix == 0).sum(dim=0).eq(math.ceil(0.9 * len(matrix))).all()
        rest = matrix[matrix != 0]
        assert rest.std() == pytest.approx(0.01, rel=0.1)
    assert all((weight != 0).all() for weight in drawn("sparse", sparsity=0))


@pytest.mark.parametrize("name", sorted({*DRAWN} - FITTED))
def test_biases_are_zero_and_normalization_is_left(name: str) -> None:
    model = network()
    with torch.no_grad():
        model[1].weight.fill_(3)
        model[1].bias.fill_(4)
    initialize(model, configured(name))
    assert model[0].bias.eq(0).all()
    assert model[3].bias.eq(0).all()
    assert model[1].weight.eq(3).all()
    assert model[1].bias.eq(4).all()


@pytest.mark.parametrize("name", sorted({*DRAWN} - FITTED))
def test_the_same_weights_with_weight_normalization(name: str) -> None:
    torch.manual_seed(0)
    plain = network()
    torch.manual_seed(0)
    normalized = network()
    weight_normalize(normalized)
    torch.manual_seed(1)
    initialize(plain, configured(name))
    torch.manual_seed(1)
    initialize(normalized, configured(name))
    assert parametrize.is_parametrized(normalized[0])
    torch.testing.assert_close(normalized[0].weight, plain[0].weight)
    assert normalized[3].weight.equal(plain[3].weight)


@pytest.mark.parametrize("name", DRAWN)
@pytest.mark.parametrize("normalization", ["none", "weight", "batch"])
def test_trains_a_step_from_any_init(name: str, normalization: str) -> None:
    torch.manual_seed(0)
    model = build(
        {"name": "cnn", "activation": "relu", "dropout": 0.2}, {"name": normalization}, (1, 8, 8), 3
    )
    initialize(model, configured(name), torch.randn(4, 1, 8, 8))
    nn.functional.cross_entropy(model(torch.randn(4, 1, 8, 8)), torch.tensor([0, 1, 2, 0])).backward()
    assert all(
        parameter.grad is not None and parameter.grad.isfinite().all() for parameter in model.parameters()
    )


def test_the_seed_determines_the_weights() -> None:
    assert all(a.equal(b) for a, b in zip(drawn("normal"), drawn("normal"), strict=True))


def test_layers_are_found_in_order() -> None:
    model = network()
    assert weight_layers(model) == [model[0], model[3]]
    assert last_layer(model) is model[3]
    fully_convolutional = nn.Sequential(nn.Linear(3, 3), nn.Conv2d(1, 2, 1), nn.ReLU())
    assert last_layer(fully_convolutional) is fully_convolutional[1]
    with pytest.raises(LandscapeError, match="Flatten has no convolution and no linear layer"):
        last_layer(nn.Flatten())


@pytest.mark.parametrize(
    ("init", "message"),
    [
        ({"name": "normal", "std": 0}, "init.std must be a positive number, got 0"),
        ({"name": "normal", "std": math.nan}, "init.std must be a positive number, got nan"),
        ({"name": "constant", "value": "x"}, "init.value must be a number, got 'x'"),
        ({"name": "xavier_normal", "gain": -1}, "init.gain must be a positive number, got -1"),
        (
            {"name": "sparse", "sparsity": 1, "std": 1},
            "init.sparsity must be a number from 0 to below 1, got 1",
        ),
        (
            {"name": "kaiming", "mode": "fan_inn", "distribution": "normal"},
            "no init.mode 'fan_inn'; choose from fan_in, fan_out (nearest: fan_in)",
        ),
        (
            {"name": "kaiming", "mode": "fan_in", "distribution": "cauchy"},
            "no init.distribution 'cauchy'; choose from normal, uniform",
        ),
        (
            {"name": "kaiming", "mode": "fan_in", "distribution": "normal", "linear_std": 0},
            "init.linear_std must be a positive number, got 0",
        ),
        (
            {"name": "xavier"},
            "no init 'xavier'; choose from constant, data_dependent, default, kaiming, lecun, lsuv, "
            "normal, orthogonal, pretrained, sparse, uniform, xavier_normal, xavier_uniform, zeros "
            "(nearest: xavier_normal)",
        ),
    ],
)
def test_wrong_options_are_refused(init: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        initialize(network(), init)
    assert str(caught.value) == message
