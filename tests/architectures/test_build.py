from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from omegaconf import OmegaConf
from torch import nn

from landscape_cli.architectures.build import NORMALIZATIONS, build
from landscape_cli.architectures.layers import ACTIVATIONS
from landscape_cli.errors import LandscapeError

CONF = Path(__file__).parents[2] / "conf"
ARCHITECTURES = sorted(path.stem for path in (CONF / "architecture").glob("*.yaml"))
GIVEN = [name for name in ARCHITECTURES if name not in ("custom", "transformer")]
CHOICES = sorted(path.stem for path in (CONF / "normalization").glob("*.yaml"))
NARROW = {
    "vgg9": 0.125,
    "vgg16": 0.125,
    "vgg19": 0.125,
    "resnet20": 0.25,
    "resnet32": 0.25,
    "resnet44": 0.25,
    "resnet56": 0.25,
    "resnet110": 0.25,
}
BATCH_DEFAULT = {name for name in GIVEN if name not in ("mlp", "cnn", "lenet5")}


def configured(
    architecture: str, normalization: str = "default", **changes: Any
) -> tuple[dict[str, Any], ...]:
    groups = {
        "architecture": OmegaConf.load(CONF / "architecture" / f"{architecture}.yaml"),
        "normalization": OmegaConf.load(CONF / "normalization" / f"{normalization}.yaml"),
    }
    config = OmegaConf.create(groups)
    for key, value in changes.items():
        config.architecture[key] = value
    plain = OmegaConf.to_container(config, resolve=True)
    return plain["architecture"], plain["normalization"]


def narrow(name: str) -> dict[str, Any]:
    return {"width": NARROW[name]} if name in NARROW else {}


def step(model: nn.Module, shape: tuple[int, ...], classes: int) -> torch.Tensor:
    """Train one step on four random samples and return the outputs."""
    inputs = torch.randn(4, *shape)
    outputs = model.train()(inputs)
    F.cross_entropy(outputs, torch.arange(4) % classes).backward()
    return outputs.detach()


def test_every_architecture_and_normalization_was_found() -> None:
    assert len(GIVEN) == 16
    assert set(CHOICES) == {"default", *NORMALIZATIONS}
    assert len(GIVEN) * len(CHOICES) == 144


@pytest.mark.parametrize("normalization", CHOICES)
@pytest.mark.parametrize("name", GIVEN)
def test_trains_a_step_on_digits(name: str, normalization: str) -> None:
    torch.manual_seed(0)
    architecture, options = configured(name, normalization, **narrow(name))
    if (name, normalization) == ("mlp", "instance"):
        with pytest.raises(
            LandscapeError, match="normalization=instance needs maps, and architecture=mlp has none"
        ):
            build(architecture, options, (1, 8, 8), 10)
        return
    # The widest is too slow to run so often; test_preactivation.py runs narrow ones.
    with torch.device("meta" if name == "wrn28_10" else "cpu"):
        model = build(architecture, options, (1, 8, 8), 10)
        outputs = step(model, (1, 8, 8), 10)
    assert outputs.shape == (4, 10)
    if name == "wrn28_10":
        assert all(parameter.grad is not None for parameter in model.parameters())
        return
    assert outputs.isfinite().all()
    for parameter in model.parameters():
        assert parameter.grad is not None
        assert parameter.grad.isfinite().all()
    if options["name"] not in ("none", "weight"):
        assert (outputs[0] - outputs[1]).abs().max() > 1e-3, "the input does not reach the output"


@pytest.mark.parametrize(
    "name", ["mlp", "cnn", "lenet5", "vgg9", "vgg16", "vgg19", "resnet", "resnet20", "resnet56", "densenet"]
)
def test_trains_a_step_on_colour_images_of_other_sizes(name: str) -> None:
    torch.manual_seed(0)
    for shape in [(3, 32, 32), (1, 28, 28), (3, 9, 13), (2, 40, 33)]:
        model = build(*configured(name, **narrow(name)), shape, 7)
        outputs = step(model, shape, 7)
        assert outputs.shape == (4, 7)
        assert outputs.isfinite().all()


@pytest.mark.parametrize("name", ["densenet121", "wrn28_10", "preresnet164"])
def test_large_networks_take_any_image(name: str) -> None:
    with torch.device("meta"):
        for shape in [(3, 32, 32), (1, 28, 28), (3, 9, 13)]:
            assert build(*configured(name), shape, 7)(torch.empty(2, *shape)).shape == (2, 7)


@pytest.mark.parametrize("name", GIVEN)
def test_outputs_are_the_same_in_channels_last(name: str) -> None:
    torch.manual_seed(0)
    model = build(*configured(name, **narrow(name)), (3, 8, 8), 10).eval()
    inputs = torch.randn(4, 3, 8, 8)
    with torch.no_grad():
        expected = model(inputs)
        got = model.to(memory_format=torch.channels_last)(inputs.to(memory_format=torch.channels_last))
    torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", GIVEN)
def test_default_normalization_is_the_architectures_own(name: str) -> None:
    with torch.device("meta"):
        model = build(*configured(name), (1, 8, 8), 10)
    has_batch = any(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in model.modules())
    assert has_batch == (name in BATCH_DEFAULT)


@pytest.mark.parametrize("name", GIVEN)
def test_hidden_layers_without_a_normalization_layer_have_biases(name: str) -> None:
    for normalization in ("none", "weight"):
        with torch.device("meta"):
            model = build(*configured(name, normalization), (1, 8, 8), 10)
        weighted = [module for module in model.modules() if isinstance(module, nn.Conv2d | nn.Linear)]
        assert weighted
        assert all(module.bias is not None for module in weighted)


def test_normalization_layers_follow_every_hidden_layer() -> None:
    # One for each convolution and linear layer but the last; in pre-activation networks the final one makes
    # up for the stem, and projections share their block's first.
    projections = {"wrn28_10": 3, "preresnet164": 3}
    for name in GIVEN:
        with torch.device("meta"):
            model = build(*configured(name, "batch"), (1, 8, 8), 10)
        hidden = sum(isinstance(module, nn.Conv2d | nn.Linear) for module in model.modules()) - 1
        norms = sum(isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d) for module in model.modules())
        assert norms == hidden - projections.get(name, 0), name


def test_features_and_vectors_go_to_the_mlp_alone() -> None:
    model = build(*configured("mlp", "batch"), (2,), 3)
    assert model(torch.zeros(4, 2)).shape == (4, 3)
    for name in GIVEN:
        if name != "mlp":
            with pytest.raises(LandscapeError) as caught:
                build(*configured(name), (2,), 3)
            assert str(caught.value) == (
                f"architecture={name} needs images (channels, height, width),"
                " got inputs of shape (2,); choose mlp"
            )


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        (
            "mlp",
            {"widths": "64"},
            "architecture.widths must be a list of whole numbers of at least 1, got '64'",
        ),
        (
            "mlp",
            {"widths": [64, 0]},
            "architecture.widths must be a list of whole numbers of at least 1, got [64, 0]",
        ),
        (
            "mlp",
            {"activation": "rellu"},
            "no architecture.activation 'rellu'; choose from"
            f" {', '.join(sorted(ACTIVATIONS))} (nearest: relu)",
        ),
        ("cnn", {"dropout": 1}, "architecture.dropout must be a number from 0 to below 1, got 1"),
        ("wrn28_10", {"dropout": -0.1}, "architecture.dropout must be a number from 0 to below 1, got -0.1"),
        ("resnet20", {"width": "x"}, "architecture.width must be a positive number, got 'x'"),
        ("vgg9", {"width": 0}, "architecture.width must be a positive number, got 0"),
        ("vgg16", {"width": True}, "architecture.width must be a positive number, got True"),
        ("resnet", {"depth": 7}, "architecture.depth must be 8, 14, 20, … (6n + 2), got 7"),
        ("resnet", {"depth": 2}, "architecture.depth must be 8, 14, 20, … (6n + 2), got 2"),
        ("resnet", {"depth": 18}, "architecture.depth must be 8, 14, 20, … (6n + 2), got 18"),
        ("resnet", {"depth": "20"}, "architecture.depth must be a whole number of at least 1, got '20'"),
        ("resnet", {"width": 0}, "architecture.width must be a positive number, got 0"),
        ("resnet", {"skip": 1}, "architecture.skip must be true or false, got 1"),
        (
            "densenet",
            {"blocks": []},
            "architecture.blocks must name the layers of at least one dense block, got []",
        ),
        (
            "densenet",
            {"blocks": [3, 0]},
            "architecture.blocks must be a list of whole numbers of at least 1, got [3, 0]",
        ),
        ("densenet", {"growth": 0}, "architecture.growth must be a whole number of at least 1, got 0"),
        ("vgg19", {"width": -1}, "architecture.width must be a positive number, got -1"),
        ("resnet56", {"skip": "no"}, "architecture.skip must be true or false, got 'no'"),
        ("custom", {"source": ""}, "architecture.source must be a text, got ''"),
    ],
)
def test_wrong_options_are_refused(name: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        build(*configured(name, **changes), (1, 8, 8), 10)
    assert str(caught.value) == message


@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110])
@pytest.mark.parametrize("skip", [True, False])
def test_a_resnet_of_a_depth_is_the_one_of_that_name(depth: int, skip: bool) -> None:
    states = []
    for name, changes in (("resnet", {"depth": depth}), (f"resnet{depth}", {})):
        torch.manual_seed(0)
        model = build(*configured(name, width=0.25, skip=skip, **changes), (3, 8, 8), 10)
        states.append(model.state_dict())
    assert list(states[0]) == list(states[1])
    assert all(tensor.equal(states[1][key]) for key, tensor in states[0].items())


def test_a_densenet_of_these_blocks_is_densenet121() -> None:
    with torch.device("meta"):
        own = build(*configured("densenet", blocks=[6, 12, 24, 16], growth=32), (3, 32, 32), 10)
        named = build(*configured("densenet121"), (3, 32, 32), 10)
    shapes = [{key: tensor.shape for key, tensor in model.state_dict().items()} for model in (own, named)]
    assert shapes[0] == shapes[1]


def test_unknown_names_are_refused_with_the_choices() -> None:
    normalization = {"name": "none"}
    with pytest.raises(LandscapeError) as caught:
        build({"name": "rsnet20"}, normalization, (1, 8, 8), 10)
    choices = ", ".join(ARCHITECTURES)
    assert str(caught.value) == f"no architecture 'rsnet20'; choose from {choices} (nearest: resnet20)"
    architecture, _ = configured("mlp")
    with pytest.raises(LandscapeError, match=r"no normalization 'batchnorm'; choose from .*nearest: batch"):
        build(architecture, {"name": "batchnorm"}, (1, 8, 8), 10)
    with pytest.raises(
        LandscapeError, match=r"normalization\.groups must be a whole number of at least 1, got 0"
    ):
        build(architecture, {"name": "group", "groups": 0}, (1, 8, 8), 10)


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet20"])
def test_tokens_are_refused_but_by_the_transformer(name: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        build(*configured(name), (4,), 7, 9)
    assert str(caught.value) == (
        f"architecture={name} takes numbers; choose architecture=transformer or custom"
    )


def test_tiny_images_are_refused() -> None:
    with pytest.raises(LandscapeError) as caught:
        build(*configured("cnn"), (1, 8, 7), 10)
    assert str(caught.value) == "architecture=cnn needs images of at least 8x8 pixels, got 8x7; choose mlp"


def test_normalizing_a_single_feature_is_refused() -> None:
    with pytest.raises(LandscapeError) as caught:
        build(*configured("mlp", "layer", widths=[1]), (1, 8, 8), 10)
    assert str(caught.value) == (
        "normalization=layer over a single feature always gives 0;"
        " make the layers wider or choose batch or none"
    )
    with pytest.raises(LandscapeError, match="normalization=instance over a single feature"):
        build(*configured("vgg16", "instance", width=0.001), (1, 8, 8), 10)


def test_a_custom_model_takes_no_normalization_layers() -> None:
    architecture, _ = configured("custom", source="torchvision.models:resnet18")
    with pytest.raises(LandscapeError) as caught:
        build(architecture, {"name": "batch"}, (3, 8, 8), 10, trust=True)
    assert str(caught.value) == (
        "normalization=batch cannot be put into a model of your own;"
        " choose default (what the model has) or weight"
    )
