"""However a network is run, fused or not, it gives what the model itself gives in float64."""

import copy
import re
from collections.abc import Callable
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import cases
from landscape_cli.architectures.build import build
from landscape_cli.architectures.layers import Normalization
from landscape_cli.architectures.preactivation import preactivation_resnet, wide_resnet
from landscape_cli.data.load import Split
from landscape_cli.evaluation import fused
from landscape_cli.evaluation.batches import batches
from landscape_cli.evaluation.losses import Scores
from landscape_cli.evaluation.network import Network

SHAPE, CLASSES = (3, 16, 16), 3
IMAGES = cases.images(24, SHAPE, CLASSES)


def residual(normalization: str, skip: bool = True) -> nn.Module:
    architecture = {"name": "resnet20", "skip": skip, "width": 0.5}
    return build(architecture, {"name": normalization, "groups": 2}, SHAPE, CLASSES)


def wide(normalization: str) -> nn.Module:
    return wide_resnet(3, CLASSES, Normalization(normalization), depth=10, width=1, dropout=0.3)


def other(name: str, **options: object) -> nn.Module:
    return build({"name": name, **options}, {"name": "batch", "groups": 2}, SHAPE, CLASSES)


MODELS: dict[str, Callable[[], nn.Module]] = {
    **{f"resnet20-{name}": partial(residual, name) for name in ("batch", "none", "group", "weight")},
    "resnet20-noshort": partial(residual, "batch", skip=False),
    "wrn-batch": partial(wide, "batch"),
    "wrn-none": partial(wide, "none"),
    "preresnet29": lambda: preactivation_resnet(3, CLASSES, Normalization("batch"), depth=29),
    "densenet121": partial(other, "densenet121"),
    "vgg9": partial(other, "vgg9", width=0.25),
    "cnn": partial(other, "cnn", activation="relu", dropout=0.5),
}


def after_some_training(model: nn.Module) -> nn.Module:
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d) and module.track_running_stats:
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


def total(outputs: Tensor, targets: Tensor) -> Scores:
    return Scores(outputs.flatten(1).sum(1), None)


def network_of(model: nn.Module, split: Split = IMAGES, precision: str = "fp32") -> Network:
    return Network(model, batches(split, 16)[0], total, precision)


def difference(network: Network, model: nn.Module, inputs: Tensor) -> float:
    """The largest difference of outputs from those in float64, relative to the largest output."""
    expected = copy.deepcopy(model).double().eval()(inputs.double()).detach()
    with torch.inference_mode():
        outputs = network(network.prepared(inputs))
    assert outputs.dtype == torch.float32
    return float((outputs - expected).abs().max() / expected.abs().max())


def fused_convolutions(network: Network) -> list[fused.FusedConvolution]:
    assert network._fused is not None
    return [module for module in network._fused.modules() if isinstance(module, fused.FusedConvolution)]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("name", MODELS)
def test_outputs_are_the_models_own(name: str, precision: str, capsys: pytest.CaptureFixture[str]) -> None:
    model = after_some_training(MODELS[name]())
    network = network_of(model, precision=precision)
    assert difference(network, model, IMAGES.inputs) < (2e-6 if precision == "fp32" else 0.05)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
@pytest.mark.parametrize("private", [True, False])
def test_every_convolution_of_a_residual_network_takes_its_norm_relu_and_addition(
    private: bool, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With torch's private operation and without."""
    if not hasattr(torch.ops.mkldnn, "_convolution_pointwise"):
        pytest.fail("this torch has lost mkldnn._convolution_pointwise: look for what takes its place")
    monkeypatch.setattr(fused, "has_post_operations", lambda device, dtype: private)
    model = after_some_training(residual("batch"))
    network = network_of(model, precision=precision)
    found = fused_convolutions(network)
    assert [module.post_operations for module in found] == [private] * 21
    assert all(module.source[1] is not None for module in found)
    assert sum(module.relu for module in found) == 19  # all but the two projections
    assert network._fused is not None
    kinds = [type(module) for module in network._fused.modules()]
    assert not {nn.BatchNorm2d, nn.ReLU} & set(kinds)
    assert difference(network, model, IMAGES.inputs) < (2e-6 if precision == "fp32" else 0.05)


def test_the_private_operation_is_for_bfloat16() -> None:
    for precision in ("fp32", "bf16"):
        found = fused_convolutions(network_of(after_some_training(residual("batch")), precision=precision))
        assert {module.post_operations for module in found} == {precision == "bf16"}


def test_moved_weights_and_statistics_are_taken_over() -> None:
    model = after_some_training(residual("batch"))
    network = network_of(model)
    with torch.no_grad():
        for one, other in zip(network.model.parameters(), model.parameters(), strict=True):
            one.add_(0.1)
            other.add_(0.1)
        for tensor in (dict(m.named_buffers()) for m in (network.model, model)):
            tensor["stem.1.running_var"].mul_(3)
            tensor["stem.1.running_mean"].add_(1)
    assert difference(network, model, IMAGES.inputs) > 1e-3
    network.moved()
    assert difference(network, model, IMAGES.inputs) < 2e-6


class Tricky(nn.Module):
    """What must not be fused carelessly: values used twice, changes in place, shared layers, constants."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Conv2d(3, 4, 3, padding=1), nn.Conv2d(4, 4, 3, padding="same")
        self.c, self.d = nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        self.norm, self.free = nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False)
        self.batch = nn.BatchNorm2d(4, track_running_stats=False)
        self.reflect = nn.Conv2d(4, 4, 3, padding=1, padding_mode="reflect")
        self.drop, self.out = nn.Dropout(0.5), nn.Linear(4 * 256, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        y = self.norm(x)  # x is used again
        z = F.relu(self.b(y)) + x
        z += self.free(self.c(z))  # z changes in place, and the old z was read before
        w = self.d(z) + self.d(z)  # one layer twice
        w = 1.0 + self.drop(w.relu())
        w = w - self.reflect(w)
        v = self.batch(self.c(w))
        v.add_(w)
        w *= 0.5
        return self.out((v + w).view(v.size(0), -1))


def test_what_cannot_be_fused_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    model = after_some_training(Tricky())
    network = network_of(model)
    assert difference(network, model, IMAGES.inputs[:16]) < 2e-6
    assert len(fused_convolutions(network)) == 5  # all but the two with other paddings; the shared ones twice
    assert capsys.readouterr().err == ""


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.out = nn.Conv2d(3, 4, 3, padding=1), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.conv(x)
        return self.out((maps if maps.sum() > -1e9 else -maps).mean(dim=(2, 3)))


class Batchwise(Branching):
    """Its trace holds the size of the batch it was made with: the probe shows that."""

    def forward(self, x: Tensor) -> Tensor:
        half = torch.ones(2, 1) if x.shape[0] == 2 else 0.5 * torch.ones(1, 1)
        return self.out(self.conv(x).mean(dim=(2, 3))) * half


@pytest.mark.parametrize("kind", [Branching, Batchwise])
def test_a_forward_pass_that_cannot_be_traced_runs_as_it_is_and_says_so_once(
    kind: type[nn.Module], capsys: pytest.CaptureFixture[str]
) -> None:
    model = kind()
    network = network_of(model)
    assert network._fused is None
    assert difference(network, model, IMAGES.inputs) < 2e-6
    assert re.fullmatch(
        r"note: the network runs unfused, .*: its forward pass cannot be traced\n", capsys.readouterr().err
    )


def test_a_fused_forward_pass_that_gives_other_outputs_is_not_used(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model = cases.NETWORKS["resnet-batch"]()
    right = fused.FusedConvolution.forward
    monkeypatch.setattr(fused.FusedConvolution, "forward", lambda *arguments: right(*arguments) * 1.001)
    split = cases.images()
    network = network_of(model, split)
    assert (
        "note: the network runs unfused, up to twice slower: fused, its outputs differ"
        in capsys.readouterr().err
    )
    assert difference(network, model, split.inputs) < 2e-6


def test_the_given_model_is_left_as_it_is() -> None:
    model = after_some_training(MODELS["vgg9"]()).train()
    before = copy.deepcopy(model.state_dict())
    network_of(model, precision="bf16")
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert all(module.training for module in model.modules())
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_vectors_and_float64_run_as_they_are() -> None:
    model = nn.Sequential(nn.Linear(5, 3))
    split = Split(torch.randn(9, 5), torch.zeros(9).long())
    assert difference(network_of(model, split), model, split.inputs) < 1e-6
    double = copy.deepcopy(cases.NETWORKS["resnet-batch"]()).double()
    images = cases.images()
    network = Network(double, (images.inputs.double(), images.targets), total)
    with torch.inference_mode():
        torch.testing.assert_close(network(images.inputs.double()), double.eval()(images.inputs.double()))
