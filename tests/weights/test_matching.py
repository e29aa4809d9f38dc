"""Weights under other names become those of a network; what does not fit is told."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from weights.their_resnet import TheirResNet

from landscape_cli.architectures.build import build
from landscape_cli.errors import LandscapeError
from landscape_cli.weights.matching import matched

Weights = dict[str, Tensor]


def randomize(model: nn.Module, seed: int = 1) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    for tensor in model.state_dict().values():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * 0.2 + 0.05)
        else:
            tensor.fill_(123)
    return model.eval()


def network() -> nn.Module:
    """Convolution, BatchNorm and a linear layer, one in the other."""
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    return randomize(nn.Sequential(body, nn.Flatten(), nn.Linear(72, 3)))


def renamed(weights: Weights, rename: Callable[[str], str]) -> Weights:
    return {rename(name): tensor for name, tensor in weights.items()}


def assert_equal(found: Weights, expected: Weights) -> None:
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


def told(wanted: Weights, stored: Weights, match: str = "names") -> list[str]:
    with pytest.raises(LandscapeError) as caught:
        matched(wanted, stored, match)
    return str(caught.value).split("\n  ")


PREFIXES = [
    *("", "module.", "model.", "_orig_mod.", "net.", "state.a.b.c."),
    *("module.model.", "model.module.", "_orig_mod.module.", "module._orig_mod.", "model._orig_mod."),
    *("_fsdp_wrapped_module.", "model._fsdp_wrapped_module.module."),
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_prefixes_are_found_by_themselves(prefix: str) -> None:
    weights = network().state_dict()
    assert_equal(matched(weights, renamed(weights, lambda name: prefix + name), "names"), weights)


@pytest.mark.parametrize(
    "wrapper", ["_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "module"]
)
@pytest.mark.parametrize("prefix", ["", "model.", "module."])
def test_wrappers_in_the_middle_are_left_out(wrapper: str, prefix: str) -> None:
    weights = network().state_dict()
    stored = renamed(weights, lambda name: prefix + re.sub(r"^0\.", f"0.{wrapper}.", name))
    assert f"{prefix}0.{wrapper}.1.running_var" in stored
    assert_equal(matched(weights, stored, "names"), weights)


@pytest.mark.parametrize("own", ["module", "_orig_mod"])
def test_a_network_may_have_the_name_of_a_wrapper_itself(own: str) -> None:
    model = nn.Module()
    model.add_module(own, network())
    weights = model.state_dict()
    for prefix in ("", "model.", f"{own}."):
        assert_equal(matched(weights, renamed(weights, lambda name, p=prefix: p + name), "names"), weights)  # type: ignore[misc]


def test_the_networks_own_names_may_begin_like_a_prefix() -> None:
    model = nn.Sequential()
    model.add_module("model", nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2)))
    model.add_module("head", nn.Linear(2, 1))
    weights = randomize(model).state_dict()
    for prefix in ("", "model.", "model.model."):
        assert_equal(matched(weights, renamed(weights, lambda name, p=prefix: p + name), "names"), weights)  # type: ignore[misc]


def test_what_is_outside_of_the_prefix_is_another_modules() -> None:
    weights = network().state_dict()
    stored = renamed(weights, lambda name: f"model.{name}")
    others = {"criterion.weight": torch.ones(3), "teacher.0.0.weight": torch.ones(1)}
    assert_equal(matched(weights, {**others, **stored}, "names"), weights)


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.body, self.head = (
            nn.Embedding(5, 3),
            nn.Linear(3, 3),
            nn.Linear(3, 5, bias=False),
        )
        self.head.weight = self.embedding.weight


@pytest.mark.parametrize("kept", ["embedding.weight", "head.weight"])
@pytest.mark.parametrize("prefix", ["", "model."])
def test_of_tied_weights_one_is_enough(kept: str, prefix: str) -> None:
    model, other = randomize(Tied(), 1), randomize(Tied(), 2)
    stored = {
        f"{prefix}{name}": tensor
        for name, tensor in other.state_dict().items()
        if name == kept or name.startswith("body.")
    }
    assert len(stored) == 3
    found = matched(model.state_dict(), stored, "names")
    assert_equal(found, other.state_dict())
    model.load_state_dict(found)
    assert torch.equal(model.get_parameter("embedding.weight"), other.get_parameter("head.weight"))


def test_of_tied_weights_none_is_too_few() -> None:
    weights = Tied().state_dict()
    stored = {name: tensor for name, tensor in weights.items() if name.startswith("body.")}
    assert told(weights, stored)[1] == "2 missing: embedding.weight, head.weight"


@pytest.mark.parametrize("match", ["names", "order"])
def test_counters_of_batches_may_be_missing_or_too_many(match: str) -> None:
    weights = network().state_dict()
    without = {name: tensor for name, tensor in weights.items() if "num_batches" not in name}
    assert len(without) == len(weights) - 1
    assert_equal(matched(weights, without, match), weights)
    assert_equal(matched(without, {**weights, "0.counter": torch.tensor(3)}, match), without)


@pytest.mark.parametrize("match", ["names", "order"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_get_the_dtypes_of_the_network(dtype: torch.dtype, match: str) -> None:
    weights = network().state_dict()
    stored = {n: tensor.to(dtype) if tensor.is_floating_point() else tensor for n, tensor in weights.items()}
    expected = {name: stored[name].to(tensor.dtype) for name, tensor in weights.items()}
    assert_equal(matched(weights, stored, match), expected)


def test_what_is_matched_is_no_part_of_the_network() -> None:
    model = network()
    weights = model.state_dict()
    without = {name: tensor.clone() for name, tensor in weights.items() if "num_batches" not in name}
    for tensor in matched(weights, without, "names").values():
        tensor.zero_()
    assert all(bool(tensor.all()) for tensor in model.state_dict().values())


def resnet20(**options: Any) -> nn.Module:
    architecture = {"name": "resnet20", "skip": True, "width": 1.0, **options}
    return build(architecture, {"name": "batch"}, (3, 32, 32), 10).eval()


def test_order_maps_the_resnets_of_the_public_code_to_ours() -> None:
    theirs, ours = randomize(TheirResNet()), resnet20()
    stored = theirs.state_dict()
    assert {"conv1.weight", "bn1.num_batches_tracked", "layer2.0.shortcut.0.weight", "linear.bias"} <= set(
        stored
    )
    assert sum(parameter.numel() for parameter in theirs.parameters()) == 272_474
    for prefix in ("", "module."):
        given = renamed(stored, lambda name, p=prefix: p + name)  # type: ignore[misc]
        ours.load_state_dict(matched(ours.state_dict(), given, "order"))
        inputs = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) - 0.5
        with torch.no_grad():
            expected, found = theirs.double()(inputs.double()), ours.double()(inputs.double())
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
        assert expected.std() > 0.01
        theirs.float()
        ours = resnet20()


def test_other_names_are_told_with_the_way_out() -> None:
    lines = told(resnet20().state_dict(), TheirResNet().state_dict())
    assert lines[0] == "the weights do not fit the network:"
    assert lines[1] == ("107 missing: stem.0.weight, stem.1.weight, stem.1.bias, stem.1.running_mean, …")
    assert lines[2].startswith("107 unexpected: conv1.weight, bn1.weight, bn1.bias, bn1.running_mean, …")
    assert lines[3] == (
        "match=order pairs them by order and shape, if it is the same network under other names"
    )
    assert len(lines) == 4


def test_order_tells_where_the_shapes_part() -> None:
    stored = TheirResNet().state_dict()
    narrow, plain = resnet20(width=0.5).state_dict(), resnet20(skip=False).state_dict()
    assert told(narrow, stored, "order") == [
        "the weights do not fit the network in order: conv1.weight, number 1 of 107, is (16, 3, 3, 3), and"
        " stem.0.weight of the network (8, 3, 3, 3); compare architecture=, or leave out match=order if the"
        " names are the same"
    ]
    (line,) = told(plain, stored, "order")
    assert "layer2.0.shortcut.0.weight, number " in line
    names = list(stored)
    swapped = {name: stored[name] for name in ["linear.weight", *names[:-2], "linear.bias"]}
    assert (
        "linear.weight, number 1 of 107, is (10, 64), and stem.0.weight"
        in told(resnet20().state_dict(), swapped, "order")[0]
    )


def test_order_tells_of_too_many_and_too_few() -> None:
    weights = network().state_dict()
    fewer = {name: tensor for name, tensor in weights.items() if name != "2.bias"}
    for wanted, stored, numbers in ((weights, fewer, (7, 8)), (fewer, weights, (8, 7))):
        (line,) = told(wanted, stored, "order")
        assert (
            f"{numbers[0]} tensors are stored and it has {numbers[1]}; up to number 7 the shapes agree"
            in line
        )
        assert "compare architecture= and normalization=" in line


def test_each_kind_of_misfit_is_told_with_what_to_try() -> None:
    weights = network().state_dict()
    some = {name: tensor for name, tensor in weights.items() if not name.startswith("0.1.")}
    assert told(weights, some) == [
        "the weights do not fit the network:",
        "4 missing: 0.1.weight, 0.1.bias, 0.1.running_mean, 0.1.running_var",
        "the network has more layers than the weights: compare architecture= and normalization=",
    ]
    assert told(some, weights) == [
        "the weights do not fit the network:",
        "4 unexpected: 0.1.weight, 0.1.bias, 0.1.running_mean, 0.1.running_var",
        "the weights have more layers than the network: compare architecture= and normalization=",
    ]
    other = {**weights, "2.weight": torch.ones(4, 72), "2.bias": torch.ones(4)}
    assert told(weights, other) == [
        "the weights do not fit the network:",
        "2 of another shape: 2.weight is (4, 72), wanted (3, 72), 2.bias is (4,), wanted (3,)",
        "the network is another, or made for other data: compare architecture= and dataset=",
    ]
    assert len(told(weights, {"foreign": torch.ones(3)})) == 4
    many = {**weights, **{f"more.{number}": torch.ones(1) for number in range(9)}}
    assert told(weights, many)[1] == "9 unexpected: more.0, more.1, more.2, more.3, …"
