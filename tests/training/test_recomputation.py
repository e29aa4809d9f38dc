"""Activation checkpointing: the same gradients, buffers and random numbers, and less that is kept."""

import copy
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import cases
from conftest import Landscape
from landscape_cli import checkpoint
from landscape_cli.architectures.build import build
from landscape_cli.errors import LandscapeError
from landscape_cli.gradients.stored import stored_activations
from landscape_cli.training.options import Recipe
from landscape_cli.training.recomputation import checkpointed, segments
from landscape_cli.training.sync_batchnorm import synchronized

GROUP: dict[str, Any] = {"groups": 2}
SMALL: dict[str, tuple[dict[str, Any], str]] = {
    "mlp": ({"name": "mlp", "widths": [7] * 6, "activation": "tanh"}, "layer"),
    "cnn": ({"name": "cnn", "activation": "elu", "dropout": 0.4}, "batch"),
    "lenet5": ({"name": "lenet5", "activation": "tanh"}, "weight"),
    "vgg9": ({"name": "vgg9", "width": 0.05}, "batch"),
    "vgg9 without normalization": ({"name": "vgg9", "width": 0.05}, "none"),
    "resnet": ({"name": "resnet", "depth": 14, "skip": True, "width": 0.25}, "batch"),
    "resnet without shortcuts": ({"name": "resnet", "depth": 14, "skip": False, "width": 0.25}, "none"),
    "densenet": ({"name": "densenet", "blocks": [2, 2], "growth": 4}, "batch"),
}


class Layers(nn.Module):
    """A network whose layers are in a list."""

    def __init__(self, layer: Callable[[], nn.Module], count: int = 3) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layer() for _ in range(count))
        self.last = nn.Linear(128, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers:
            x = layer(x)
        outputs: Tensor = self.last(x)
        return outputs


def dropping() -> nn.Module:
    return nn.Sequential(nn.Linear(128, 128), nn.BatchNorm1d(128), nn.GELU(), nn.Dropout(0.3))


def spectral() -> nn.Module:
    """A layer whose buffers the outputs depend on: a step of the power iteration each forward pass."""
    return nn.Sequential(nn.utils.parametrizations.spectral_norm(nn.Linear(128, 128)), nn.ReLU())


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    **{
        name: lambda words=words: build(words[0], {"name": words[1], **GROUP}, (2, 8, 8), 3)
        for name, words in SMALL.items()
    },  # type: ignore[misc]
    "list of layers": lambda: Layers(dropping),
    "spectral norm": lambda: Layers(spectral),
}


def passed(network: nn.Module, model: nn.Module, passes: int = 2) -> tuple[list[Tensor], list[Tensor], float]:
    """Pass batches forth and back; return gradients, buffers and the next random number."""
    torch.manual_seed(1)
    for number in range(passes):
        split = cases.images(6, seed=number)
        outputs = network(split.inputs.double())
        nn.functional.cross_entropy(outputs, split.targets).backward()
    gradients = [one.grad for one in model.parameters() if one.grad is not None]
    return gradients, [buffer.clone() for buffer in model.buffers()], float(torch.rand(()))


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_buffers_and_random_numbers_are_those_of_the_network(name: str) -> None:
    torch.manual_seed(0)
    plain = NETWORKS[name]().double().train()
    model = copy.deepcopy(plain)
    expected, got = passed(plain, plain), passed(checkpointed(model), model)
    assert len(expected[0]) == len(list(plain.parameters())) > 0
    for one, other in zip(expected[0] + expected[1], got[0] + got[1], strict=True):
        assert torch.equal(one, other)
    assert expected[2] == got[2]
    if "batch" in SMALL.get(name, ("", "batch"))[1]:
        assert got[1]  # there are buffers, and passes move them
        assert not all(map(torch.equal, model.buffers(), NETWORKS[name]().double().buffers()))


def kept(network: nn.Module, inputs: Tensor) -> int:
    """Return how many numbers the forward pass keeps for the backward one."""
    return stored_activations(lambda: network(inputs), [inputs, *network.parameters()])


@pytest.mark.parametrize(
    ("name", "ratio"), [("mlp", 0.55), ("vgg9", 0.2), ("resnet", 0.3), ("densenet", 0.3)]
)
def test_fewer_activations_are_kept(name: str, ratio: float) -> None:
    model = NETWORKS[name]().train()
    inputs = cases.images(64).inputs
    assert kept(checkpointed(model), inputs) < ratio * kept(model, inputs)


def test_of_a_chain_the_inputs_of_segments_are_kept() -> None:
    """Of nine layers in three segments two inputs; the third is the network's."""
    chain = nn.Sequential(*(nn.Sequential(nn.Linear(128, 128, bias=False), nn.Tanh()) for _ in range(9)))
    inputs, unit = torch.randn(64, 128), 64 * 128
    assert kept(chain, inputs) == 9 * unit
    assert kept(checkpointed(chain), inputs) == 2 * unit


@pytest.mark.parametrize("length", [1, 2, 3, 5])
def test_segments_begin_with_weights(length: int) -> None:
    parts = [nn.Flatten(), *(part for _ in range(5) for part in (nn.Linear(2, 2), nn.Identity(), nn.ReLU()))]
    found = segments(parts, length)
    assert [part for group in found for part in group] == parts
    assert len(found) == math.ceil(5 / length)
    assert all(isinstance(group[0], nn.Linear) for group in found[1:])


def test_with_batchnorm_that_asks_other_processes() -> None:
    """The twin of a twin: both changes of what a module does hold."""
    model = NETWORKS["cnn"]()
    both = checkpointed(synchronized(model, torch.device("cpu")))
    norms = [each for each in both.modules() if isinstance(each, nn.BatchNorm2d)]
    assert norms
    assert all(norm.forward.args == (norm,) for norm in norms)  # type: ignore[attr-defined]
    assert [*map(id, both.parameters())] == [*map(id, model.parameters())]
    assert [*map(id, both.buffers())] == [*map(id, model.buffers())]


def test_what_has_no_parts_is_refused() -> None:
    with pytest.raises(LandscapeError, match=r"two parts or more, and Linear has none; leave it out"):
        checkpointed(nn.Linear(2, 2))


def test_a_part_that_changes_its_inputs_in_place_is_refused() -> None:
    model = Layers(lambda: nn.ELU(inplace=True))
    with pytest.raises(LandscapeError, match=r"ELU changes its own in place"):
        checkpointed(model)(torch.randn(2, 128))


def test_not_with_torch_compile() -> None:
    with pytest.raises(LandscapeError, match="leave out checkpointing=true"):
        Recipe(compile=True, checkpointing=True)


def test_a_training_comes_to_the_same_weights(tmp_path: Path, landscape: Landscape) -> None:
    words = (
        "architecture=cnn architecture.dropout=0.3 normalization=batch dataset.train_size=100 batch_size=20"
    )
    words += " epochs=2 micro_batch=10"
    for name, value in {"plain": "false", "again": "true"}.items():
        assert landscape("train", *words.split(), f"checkpointing={value}", f"out={name}").status == 0
    one, other = (
        checkpoint.load(tmp_path / name / "checkpoints/epoch_0002.pt")["model"] for name in ("plain", "again")
    )
    assert all(torch.equal(one[key], other[key]) for key in one)
