"""SAM and ASAM against their formulas: steps by hand in float64, and a quadratic in closed form."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from torch import Tensor, nn
from training.test_loop import SGD, configured, trained
from training.test_resume import same

import cases
from conftest import Landscape, Trainings
from landscape_cli.data.batches import augmentation, epoch_batches
from landscape_cli.data.load import Dataset, Split
from landscape_cli.errors import LandscapeError
from landscape_cli.solutions import labels, locate
from landscape_cli.training import sam

RHO = {"sam": 0.05, "asam": 0.5}


def perturbation(kind: str, weights: list[Tensor], gradient: list[Tensor]) -> list[Tensor]:
    """The formulas, entry by entry."""
    sizes = [w.abs() + 0.01 if kind == "asam" else torch.ones_like(w) for w in weights]
    squares = [float((t * g).square().sum()) for t, g in zip(sizes, gradient, strict=True)]
    length = math.sqrt(sum(squares))
    return [RHO[kind] * t**2 * g / length for t, g in zip(sizes, gradient, strict=True)]


def twin(kind: str, keys: dict[str, Any], model: nn.Module, data: Dataset) -> nn.Module:
    """An epoch by hand, in float64: all parts of a batch at the weights, then all a bit up the slope."""
    config = configured(**keys)
    twin = copy.deepcopy(model).double().train()
    params = list(twin.parameters())
    order = torch.Generator().manual_seed(config.seed)
    augment = augmentation(config.augment, data.input_shape)

    def gradient(parts: list[tuple[Tensor, Tensor]], n: int) -> list[Tensor]:
        total = [config.l1 * w.detach().sign() for w in params]
        for inputs, targets in parts:
            loss = nn.functional.cross_entropy(twin(inputs), targets) * len(targets) / n
            for whole, part in zip(total, torch.autograd.grad(loss, params), strict=True):
                whole += part
        return total

    for indices in epoch_batches(len(data.train), config.batch_size, order):
        parts = []
        for rows in indices.split(config.micro_batch or len(indices)):
            inputs = augment(data.train.inputs[rows], order, data.zero).double()
            parts.append((inputs, data.train.targets[rows]))
        first = gradient(parts, len(indices))
        before = [w.detach().clone() for w in params]
        buffers = [buffer.clone() for buffer in twin.buffers()]  # as the first pass left them
        with torch.no_grad():
            for w, e in zip(params, perturbation(kind, before, first), strict=True):
                w += e
        second = gradient(parts, len(indices))
        if config.clip_grad_norm:
            length = math.sqrt(sum(float(g.square().sum()) for g in second))
            second = [g * min(1.0, config.clip_grad_norm / (length + 1e-6)) for g in second]
        with torch.no_grad():
            for w, old, g in zip(params, before, second, strict=True):
                w.copy_(old - config.optimizer["lr"] * g)
            for buffer, old in zip(twin.buffers(), buffers, strict=True):
                buffer.copy_(old)
    return twin


@pytest.mark.parametrize("kind", RHO)
@pytest.mark.parametrize(
    ("network", "keys"),
    [
        ("mlp", {}),
        ("mlp", {"micro_batch": 4, "l1": 0.01, "clip_grad_norm": 0.2}),
        ("cnn", {"augment": "crop_flip", "micro_batch": 8}),
        ("resnet-batch", {}),
    ],
)
def test_the_weights_are_those_of_steps_by_hand(
    tmp_path: Path, kind: str, network: str, keys: dict[str, Any]
) -> None:
    model, data = cases.NETWORKS[network](), cases.dataset()
    keys = {**keys, "epochs": 1, "optimizer": {**SGD, kind: RHO[kind]}}
    expected = twin(kind, keys, model, data).state_dict()
    without = copy.deepcopy(model)
    trained(configured(**keys), model, data, tmp_path / "run")
    trained(configured(**keys | {"optimizer": SGD}), without, data, tmp_path / "without")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name].double(), rtol=1e-4, atol=2e-6)
    assert any((one - other).abs().max() > 1e-4 for one, other in pairs(model, without))


def pairs(one: nn.Module, other: nn.Module) -> list[tuple[Tensor, Tensor]]:
    return list(zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("kind", RHO)
def test_a_step_on_a_quadratic_has_its_closed_form(tmp_path: Path, kind: str) -> None:
    """Linear regression: the gradient of the mean square at w is H w - b."""
    inputs, targets = torch.randn(20, 5), torch.randn(20, 1)
    split = Split(inputs, targets)
    data = Dataset("line", split, split, 1, (5,), torch.zeros(1), fingerprint="made")
    model = nn.Linear(5, 1, bias=False)
    x, y, w = inputs.double(), targets.double(), model.weight.detach().double().T
    hessian, linear = 2 / 20 * x.T @ x, 2 / 20 * x.T @ y
    g = hessian @ w - linear
    [epsilon] = perturbation(kind, [w], [g])
    expected = w - 0.1 * (g + hessian @ epsilon)
    keys = {"loss": "mse", "batch_size": "full", "epochs": 1}
    config = configured(**keys, optimizer={**SGD, "lr": 0.1, kind: RHO[kind]})
    trained(config, model, data, tmp_path / "run")
    torch.testing.assert_close(model.weight.detach().double().T, expected, rtol=1e-5, atol=1e-6)
    assert (hessian @ epsilon).norm() > 0.01 * g.norm()  # it is no plain step


def test_asam_follows_a_network_that_is_scaled_between_its_layers() -> None:
    """(c w1, w2 / c) is the same function: the perturbation scales like the weights, where 0.01 is little."""
    weights, gradient = [torch.randn(5) * 1e4, torch.randn(3) * 1e4], [torch.randn(5), torch.randn(3)]
    scaled = [10 * weights[0], weights[1] / 10], [gradient[0] / 10, gradient[1] * 10]
    for kind, follows in ((sam.asam, True), (sam.sam, False)):
        one, other = kind(weights, gradient, 0.5), kind(*scaled, 0.5)
        assert torch.allclose(other[0], 10 * one[0], rtol=1e-3) == follows
        assert torch.allclose(other[1], one[1] / 10, rtol=1e-3) == follows


@pytest.mark.parametrize("kind", [sam.sam, sam.asam])
def test_without_a_gradient_nothing_moves(kind: Any) -> None:
    assert torch.equal(kind([torch.ones(3)], [torch.zeros(3)], 0.5)[0], torch.zeros(3))


def test_weights_and_buffers_come_back_bit_for_bit() -> None:
    model, split = cases.NETWORKS["resnet-batch"](), cases.images()
    nn.functional.cross_entropy(model(split.inputs), split.targets).backward()
    before = copy.deepcopy(model.state_dict())
    with sam.perturbed(model, lambda w, g: sam.sam(w, g, 0.3)):
        assert any(not torch.equal(p, before[name]) for name, p in model.named_parameters())
        model(split.inputs)
        assert any(not torch.equal(b, before[name]) for name, b in model.named_buffers())
    assert same(dict(model.state_dict()), dict(before))


def test_both_passes_have_the_same_dropout_masks(tmp_path: Path) -> None:
    """And those of the next step are the ones that follow a single pass."""

    def masks(name: str, **options: float) -> list[Tensor]:
        drawn: list[Tensor] = []

        def note(module: nn.Module, inputs: object, out: Tensor) -> None:
            if module.training:
                drawn.append(out == 0)

        net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(128, 3))
        net[1].register_forward_hook(note)
        config = configured(epochs=1, optimizer={**SGD, **options})
        trained(config, net, cases.dataset(), tmp_path / name)
        return drawn

    once, twice = masks("plain"), masks("sam", sam=0.05)
    assert (len(once), len(twice)) == (3, 6)
    assert not torch.equal(once[0], once[1])
    for plain, first, second in zip(once, twice[::2], twice[1::2], strict=True):
        assert torch.equal(plain, first)
        assert torch.equal(first, second)


def test_bf16_keeps_weights_in_float32(tmp_path: Path) -> None:
    results = []
    for precision in ("fp32", "bf16"):
        model = cases.NETWORKS["cnn"]()
        config = configured(precision=precision, optimizer={**SGD, "asam": 0.5})
        trained(config, model, cases.dataset(), tmp_path / precision)
        results.append(model)
    distance = max(float((one - other).detach().abs().max()) for one, other in pairs(*results))
    assert 0 < distance < 0.05
    assert all(parameter.dtype == torch.float32 for parameter in results[1].parameters())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"sam": 0}, r"optimizer\.sam must be a positive number or null, got 0"),
        ({"asam": "much"}, r"optimizer\.asam must be a positive number or null, got 'much'"),
        ({"sam": True}, "positive number"),
        ({"sam": math.inf}, "positive number"),
        ({"sam": 0.05, "asam": 0.5}, "do not go together; leave one null"),
    ],
)
def test_mistakes_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        sam.ascent({"name": "sgd", **options})


def test_a_run_from_before_these_options_is_the_same_run(tmp_path: Path, landscape: Landscape) -> None:
    words = ["train", "epochs=1", "dataset.train_size=200", "out=run"]
    assert landscape(*words).status == 0
    path = tmp_path / "run" / "config.yaml"
    config = yaml.safe_load(path.read_text())
    del (
        config["optimizer"]["sam"],
        config["optimizer"]["asam"],
        config["sync_batchnorm"],
        config["checkpointing"],
    )
    path.write_text(yaml.safe_dump(config))
    assert "nothing to do" in landscape(*words).out
    assert landscape(*words[:-1], "optimizer.lr=0.2", "out=new").status == 0
    solutions = [locate(name, "last", key="run") for name in ("run", "new")]
    assert labels(solutions) == ["optimizer lr 0.1", "optimizer lr 0.2"]
    assert "optimizer.sam: saved None, asked for 0.1" in landscape(*words, "optimizer.sam=0.1").err


def test_an_interrupted_training_ends_with_the_same_bits(whole_and_resumed: Trainings) -> None:
    words = "architecture=cnn architecture.dropout=0.3 normalization=batch augment=crop_flip optimizer=adam"
    words += " optimizer.sam=0.1 dataset.train_size=60 batch_size=20 epochs=3"
    assert same(*whole_and_resumed(words.split()))
