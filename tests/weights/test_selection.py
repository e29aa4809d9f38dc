"""Which parameters move."""

import re

import pytest
import torch
from torch import nn

from landscape_cli.curvature.options import Options as HessianOptions
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import Options
from landscape_cli.weights.directions import between
from landscape_cli.weights.selection import Params, moving, selected


class Network(nn.Module):
    """Two blocks of a convolution and a BatchNorm, a head, and a parameter of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
        self.layer10 = nn.Sequential(nn.Conv2d(2, 2, 3, bias=False), nn.BatchNorm2d(2))
        self.scale = nn.Parameter(torch.ones(()))
        self.head = nn.Linear(2, 3)
        self.register_buffer("mask", torch.ones(3))


ALL = [
    *("scale", "layer1.0.weight", "layer1.0.bias", "layer1.1.weight", "layer1.1.bias"),
    *("layer10.0.weight", "layer10.1.weight", "layer10.1.bias", "head.weight", "head.bias"),
]
MATRICES = ["layer1.0.weight", "layer10.0.weight", "head.weight"]
CASES: list[tuple[Params, list[str]]] = [
    ("all", ALL),
    ("*", ALL),
    ("weights", MATRICES),
    ("trainable", ALL),
    ("biases", ["layer1.0.bias", "layer1.1.bias", "layer10.1.bias", "head.bias"]),
    ("normalization", ["layer1.1.weight", "layer1.1.bias", "layer10.1.weight", "layer10.1.bias"]),
    ("last", ["head.weight", "head.bias"]),
    ("layer1.*", ALL[1:5]),
    ("layer1*", ALL[1:8]),
    ("head.bias", ["head.bias"]),
    (["head.*", "layer1.0.*"], ["layer1.0.weight", "layer1.0.bias", "head.weight", "head.bias"]),
    (["head.*", "head.weight"], ["head.weight", "head.bias"]),
    ("*.0.weight", ["layer1.0.weight", "layer10.0.weight"]),
    ("layer1?.[01].weight", ["layer10.0.weight", "layer10.1.weight"]),
    ("scale", ["scale"]),
]


@pytest.mark.parametrize(("params", "expected"), CASES, ids=[str(params) for params, _ in CASES])
def test_names_come_in_the_networks_order_and_once(params: Params, expected: list[str]) -> None:
    assert selected(Network(), params) == expected


def test_trainable_are_those_that_are_not_frozen() -> None:
    model = Network()
    model.layer1.requires_grad_(False)
    model.layer10.requires_grad_(False)
    assert selected(model, "trainable") == ["scale", "head.weight", "head.bias"]
    assert moving(model, "trainable") == {"scale", "head.weight", "head.bias", "mask"}


@pytest.mark.parametrize(
    "layer", [nn.BatchNorm1d(4), nn.GroupNorm(2, 4), nn.LayerNorm(4), nn.InstanceNorm1d(4, affine=True)]
)
def test_gains_and_offsets_are_of_all_kinds_of_normalization(layer: nn.Module) -> None:
    last = nn.utils.parametrizations.weight_norm(nn.Linear(4, 2))
    model = nn.Sequential(nn.Linear(3, 4), layer, last)
    assert selected(model, "normalization") == ["1.weight", "1.bias"]
    assert selected(model, "last") == [name for name, _ in model.named_parameters() if name[0] == "2"]
    assert len(selected(model, "last")) == 3
    assert selected(layer, "normalization") == ["weight", "bias"]


def test_running_statistics_move_with_the_parameters_of_their_layer() -> None:
    model = Network()
    statistics = {f"layer1.1.{name}" for name in ("running_mean", "running_var", "num_batches_tracked")}
    assert moving(model, "layer1.*") == {*ALL[1:5], *statistics}
    assert moving(model, "layer1.1.bias") == {"layer1.1.bias", *statistics}
    assert moving(model, "layer1.0.*") == {"layer1.0.weight", "layer1.0.bias"}
    assert moving(model, "weights") == set(MATRICES)
    assert moving(model, "all") == {*ALL, *dict(model.named_buffers())}
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2, affine=False))
    assert moving(plain, "all") > {"1.running_mean", "1.running_var"}
    assert moving(plain, "0.*") == {"0.weight", "0.bias"}


def test_of_tied_parameters_the_first_name_counts() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    assert selected(model, "all") == ["0.weight", "0.bias", "1.bias"]


def test_the_direction_between_two_networks_is_over_what_moves() -> None:
    one, other = Network(), Network()
    for tensor in other.state_dict().values():
        tensor += 1
    for batchnorm in ("interpolate", "keep", "recompute"):
        direction = between(one, other, ["layer10.*", "head.bias"], batchnorm)
        statistics = (
            {"layer10.1.running_mean", "layer10.1.running_var"} if batchnorm == "interpolate" else set()
        )
        assert set(direction) == {*ALL[5:8], "head.bias", *statistics}
        ends = other.state_dict()
        for name, tensor in direction.items():
            torch.testing.assert_close(tensor, ends[name] - one.state_dict()[name])


@pytest.mark.parametrize("params", ["layer4.*", ["head.*", "layer4.*"], ["head.*", "weights"], "Head.*", ""])
def test_a_pattern_without_a_name_is_told(params: Params) -> None:
    with pytest.raises(LandscapeError) as caught:
        selected(Network(), params)
    told = params if isinstance(params, str) else params[1]
    assert str(caught.value).startswith(f"params={told}: no parameter has such a name; choose all, weights")
    assert "scale, layer1.0.weight" in str(caught.value)


def test_the_name_that_is_nearest_is_told() -> None:
    with pytest.raises(LandscapeError, match=re.escape("(nearest: head.bias)")):
        selected(Network(), "head.bais")


def test_a_network_without_such_parameters_is_told() -> None:
    for params in ("trainable", "weights"):
        model = nn.Sequential(nn.BatchNorm1d(3)).requires_grad_(False)
        with pytest.raises(LandscapeError, match=f"params={params}: the network has no such parameters"):
            selected(model, params)


@pytest.mark.parametrize("options", [Options, HessianOptions])
def test_options_refuse_what_names_no_parameters(options: type[Options] | type[HessianOptions]) -> None:
    for right in ("all", "layer4.*", ["a.*", "b.*"], ("a.*",)):
        assert options(params=right).params == right
    for wrong in (None, 3, "", [], ["a.*", 3], ["a.*", ""], {"a": "b"}):
        with pytest.raises(
            LandscapeError, match="params must be a word such as all or weights, or patterns of names"
        ):
            options(params=wrong)
