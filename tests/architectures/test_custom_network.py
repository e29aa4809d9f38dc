import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn
from torch.nn.utils import parametrize

from landscape_cli.architectures.build import build
from landscape_cli.errors import LandscapeError

CONF = Path(__file__).parents[2] / "conf" / "architecture" / "custom.yaml"


class Recording(nn.Module):
    """Flattens and maps linearly; counts its calls, draws random numbers and has a BatchNorm layer."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(features)
        self.linear = nn.Linear(features, classes)
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return self.linear(self.norm(x.flatten(1))) + 0 * torch.rand(())


def declares_all(
    num_classes: int, in_channels: int, in_chans: int, input_shape: tuple[int, int, int], width: int = 4
) -> nn.Module:
    assert in_channels == in_chans == input_shape[0]
    size = in_channels * input_shape[1] * input_shape[2]
    return nn.Sequential(nn.Flatten(), nn.Linear(size, width), nn.ReLU(), nn.Linear(width, num_classes))


def takes_any(**keywords: Any) -> nn.Module:
    assert set(keywords) <= {"num_classes", "in_chans"}
    convolution = nn.Conv2d(keywords.get("in_chans", 3), 2, 3)
    return nn.Sequential(convolution, nn.Flatten(), nn.Linear(2 * 6 * 6, keywords["num_classes"]))


def lazy(num_classes: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(num_classes))


def recording(num_classes: int) -> nn.Module:
    return Recording(64, num_classes).train()


def five_outputs() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 5))


def gives_a_tuple() -> nn.Module:
    return nn.LSTM(8, 10)


def needs_depth(depth: int, num_classes: int) -> nn.Module:
    return nn.Linear(depth, num_classes)


def embeds(num_classes: int, vocab_size: int, vocabulary: int) -> nn.Module:
    assert vocab_size == vocabulary
    return nn.Sequential(nn.Embedding(vocab_size, 3), nn.Flatten(), nn.Linear(4 * 3, num_classes))


def breaks() -> nn.Module:
    raise ValueError("no such\nnetwork")


def gives_a_number() -> int:
    return 3


INSTANCE = nn.Flatten()
NUMBER = 3


@pytest.fixture(autouse=True)
def own_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the factories of this file importable as own_networks."""
    module = ModuleType("own_networks")
    module.__dict__.update(globals())
    monkeypatch.setitem(sys.modules, "own_networks", module)
    monkeypatch.setattr(sys, "path", [*sys.path])


def make(
    name: str,
    shape: tuple[int, ...] = (1, 8, 8),
    normalization: str = "own",
    *,
    trust: bool = True,
    source: str | None = None,
    vocabulary: int = 0,
    **options: Any,
) -> nn.Module:
    architecture = OmegaConf.to_container(OmegaConf.load(CONF))
    assert isinstance(architecture, dict)
    assert architecture["normalization"] == "own"
    architecture |= {"source": source or f"own_networks:{name}", "options": options}
    return build(architecture, {"name": normalization}, shape, 10, vocabulary, trust=trust)


def refusal(name: str, **changes: Any) -> str:
    with pytest.raises(LandscapeError) as caught:
        make(name, **changes)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_factory_gets_what_its_signature_names() -> None:
    model = make("declares_all", (2, 3, 5))
    assert model(torch.zeros(4, 2, 3, 5)).shape == (4, 10)


def test_options_reach_the_factory() -> None:
    assert make("declares_all", width=7)[1].out_features == 7


def test_any_keywords_get_the_classes_and_the_options() -> None:
    assert make("takes_any", (3, 8, 8))(torch.zeros(4, 3, 8, 8)).shape == (4, 10)
    assert make("takes_any", in_chans=1)(torch.zeros(4, 1, 8, 8)).shape == (4, 10)


def test_a_factory_for_tokens_gets_their_number_and_whole_numbers() -> None:
    model = make("embeds", (4,), vocabulary=9)
    assert model(torch.full((2, 4), 8)).shape == (2, 10)
    assert refusal("embeds", shape=(4,)).startswith("architecture.source=own_networks:embeds takes")


def test_torchvision() -> None:
    model = make("", (3, 8, 8), source="torchvision.models:resnet18")
    model(torch.randn(2, 3, 8, 8)).square().mean().backward()
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_181_642


def test_weight_normalization() -> None:
    model = make("declares_all", normalization="weight")
    assert [parametrize.is_parametrized(model[index]) for index in (1, 3)] == [True, False]


def test_the_check_leaves_no_trace() -> None:
    torch.manual_seed(0)
    expected = Recording(64, 10)
    following = torch.rand(3)
    torch.manual_seed(0)
    model = make("recording")
    assert torch.rand(3).equal(following)
    assert model.training
    assert model.norm.training
    for name, tensor in expected.state_dict().items():
        assert model.state_dict()[name].equal(tensor), name


def test_trust_is_asked_for() -> None:
    message = refusal("recording", trust=False)
    assert (
        message == "architecture.source=own_networks:recording runs code of yours; say trust=true to allow it"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "five_outputs",
            "for a batch of shape (2, 1, 8, 8) the model must give outputs of shape (2, 10), got (2, 5)",
        ),
        (
            "lazy",
            "the model has lazy layers, whose weights have no shape yet; give them their input sizes",
        ),
        ("gives_a_number", "must make an nn.Module, got a int"),
        ("NUMBER", "must name a function or class that makes an nn.Module, not a int"),
        ("INSTANCE", "must name a function or class that makes an nn.Module, not a Flatten"),
        ("nothing", "module 'own_networks' has no 'nothing'"),
    ],
)
def test_refusals(name: str, message: str) -> None:
    assert refusal(name).startswith(f"architecture.source=own_networks:{name}")
    assert refusal(name).endswith(message)


def test_outputs_that_are_no_tensor_are_refused() -> None:
    assert refusal("gives_a_tuple", shape=(3, 8)).endswith("give outputs of shape (2, 10), got a tuple")


def test_a_model_that_fails_is_refused_with_its_reason() -> None:
    message = refusal("", source="torchvision.models:resnet18")
    assert (
        "architecture.source=torchvision.models:resnet18: the model fails on a batch of shape (2, 1, 8, 8)"
        in message
    )
    assert "expected input[2, 1, 8, 8] to have 3 channels, but got 1 channels" in message


def test_a_factory_that_fails_is_refused_with_its_reason_and_place() -> None:
    message = refusal("breaks")
    assert message.startswith("architecture.source=own_networks:breaks failed: ValueError: no such network (")
    assert "test_custom_network.py:" in message


def test_arguments_that_the_factory_does_not_take() -> None:
    message = refusal("needs_depth")
    assert message.startswith(
        "architecture.source=own_networks:needs_depth takes (depth: int, num_classes: int)"
    )
    assert message.endswith(
        "called with num_classes (missing a required argument: 'depth'); set architecture.options"
    )
    assert "got an unexpected keyword argument 'depht'" in refusal("five_outputs", depht=3)


def test_wrong_options() -> None:
    architecture = {"name": "custom", "source": "own_networks:recording", "options": 3}
    with pytest.raises(
        LandscapeError, match=r"architecture\.options must be a mapping of names to values, got 3"
    ):
        build(architecture, {"name": "own"}, (1, 8, 8), 10, trust=True)
