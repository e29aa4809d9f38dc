"""From a configuration to a network."""

from collections.abc import Callable
from typing import Any

from torch import nn

from landscape_cli.architectures.convnet import cnn, lenet5
from landscape_cli.architectures.custom import custom
from landscape_cli.architectures.densenet import DenseNet
from landscape_cli.architectures.layers import ACTIVATIONS, Normalization
from landscape_cli.architectures.mlp import mlp
from landscape_cli.architectures.options import Options
from landscape_cli.architectures.preactivation import preactivation_resnet, wide_resnet
from landscape_cli.architectures.resnet import ResNet
from landscape_cli.architectures.transformer import Transformer
from landscape_cli.architectures.vgg import vgg
from landscape_cli.architectures.weight_norm import weight_normalize
from landscape_cli.errors import LandscapeError, unknown

SMALLEST_IMAGE = 8
NORMALIZATIONS = ["none", "batch", "layer", "group", "instance", "weight", "noisy_batch", "noise"]

ImageShape = tuple[int, int, int]
ImageBuilder = Callable[[Options, ImageShape, int, Normalization], nn.Module]


def build(
    architecture: dict[str, Any],
    normalization: dict[str, Any],
    input_shape: tuple[int, ...],
    classes: int,
    vocabulary: int = 0,
    *,
    trust: bool = False,
) -> nn.Module:
    """Return a new network with PyTorch's default initial weights.

    Args:
        architecture: ``name`` and its options, as in ``conf/architecture``.
        normalization: ``name`` and its options, as in ``conf/normalization``, with ``default`` already
            resolved.
        input_shape: shape of one sample: (channels, height, width), (features,) or (length,) of tokens.
        classes: number of outputs.
        vocabulary: number of different tokens; 0: inputs are numbers.
        trust: whether code that ``architecture.source`` names may run.

    Raises:
        LandscapeError: a name is unknown, an option's value is wrong, or the architecture cannot take such
            inputs or such a normalization.
    """
    options = Options("architecture", architecture)
    name = architecture.get("name")
    if name == "custom":
        return _build_custom(options, normalization, input_shape, classes, vocabulary, trust=trust)
    if architecture.get("options"):
        raise LandscapeError(f"architecture.options is for architecture=custom, got architecture={name}")
    if name not in ("mlp", "transformer") and name not in _IMAGE_BUILDERS:
        raise unknown("architecture", name, ["custom", "mlp", "transformer", *_IMAGE_BUILDERS])
    if bool(vocabulary) != (name == "transformer"):
        takes, other = ("numbers", "transformer") if vocabulary else ("tokens, dataset.scaling=tokens", "mlp")
        raise LandscapeError(f"architecture={name} takes {takes}; choose architecture={other} or custom")
    layers = _normalization_layers(normalization)
    if name == "transformer":
        model: nn.Module = _transformer(options, input_shape[0], vocabulary, classes, layers)
    elif name == "mlp":
        widths, activation = options.counts("widths"), options.choice("activation", ACTIVATIONS)
        model = mlp(input_shape, classes, layers, widths=widths, activation=activation)
    else:
        model = _IMAGE_BUILDERS[name](options, _image_shape(name, input_shape), classes, layers)
    if normalization["name"] == "weight":
        weight_normalize(model)
    return model


def _normalization_layers(normalization: dict[str, Any]) -> Normalization:
    """Return what makes the normalization layers: none for weight normalization, which is no layer."""
    match normalization.get("name"):
        case "none" | "weight":
            return Normalization("none")
        case "group":
            return Normalization("group", Options("normalization", normalization).count("groups"))
        case "batch" | "layer" | "instance" as name:
            return Normalization(name)
        case "noisy_batch" | "noise" as name:
            options = Options("normalization", normalization)
            shift, scale, spread = (options.positive(key) for key in ("shift", "scale", "spread"))
            return Normalization(name, shift=shift, scale=scale, spread=spread)
        case name:
            raise unknown("normalization", name, NORMALIZATIONS)


def _image_shape(name: str, input_shape: tuple[int, ...]) -> ImageShape:
    if len(input_shape) != 3:
        raise LandscapeError(
            f"architecture={name} needs images (channels, height, width), got inputs of shape {input_shape};"
            " choose mlp"
        )
    channels, height, width = input_shape
    if min(height, width) < SMALLEST_IMAGE:
        raise LandscapeError(
            f"architecture={name} needs images of at least {SMALLEST_IMAGE}x{SMALLEST_IMAGE} pixels,"
            f" got {height}x{width}; choose mlp"
        )
    return channels, height, width


def _build_custom(
    options: Options,
    normalization: dict[str, Any],
    input_shape: tuple[int, ...],
    classes: int,
    vocabulary: int,
    *,
    trust: bool,
) -> nn.Module:
    name = normalization.get("name")
    if name not in ("own", "weight"):
        raise LandscapeError(
            f"normalization={name} cannot be put into a model of your own;"
            " choose default (what the model has) or weight"
        )
    source, keywords = options.text("source"), options.mapping("options")
    model = custom(input_shape, classes, vocabulary, source=source, options=keywords, trust=trust)
    if name == "weight":
        weight_normalize(model)
    return model


def _transformer(
    options: Options, length: int, vocabulary: int, classes: int, normalization: Normalization
) -> nn.Module:
    return Transformer(
        length,
        vocabulary,
        classes,
        normalization,
        layers=options.count("layers"),
        width=options.count("width"),
        heads=options.count("heads"),
        activation=options.choice("activation", ACTIVATIONS),
        dropout=options.fraction("dropout"),
    )


def _cnn(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
    activation, dropout = options.choice("activation", ACTIVATIONS), options.fraction("dropout")
    return cnn(shape, classes, normalization, activation=activation, dropout=dropout)


def _lenet5(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
    return lenet5(shape, classes, normalization, activation=options.choice("activation", ACTIVATIONS))


def _vgg(depth: int) -> ImageBuilder:
    def make(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
        return vgg(shape, classes, normalization, depth=depth, width=options.positive("width"))

    return make


def _resnet(fixed_depth: int | None = None) -> ImageBuilder:
    def make(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
        depth = options.count("depth") if fixed_depth is None else fixed_depth
        if depth < 8 or depth % 6 != 2:
            raise LandscapeError(f"architecture.depth must be 8, 14, 20, … (6n + 2), got {depth}")
        width, skip = options.positive("width"), options.flag("skip")
        return ResNet(shape[0], classes, normalization, depth=depth, width=width, skip=skip)

    return make


def _wrn28_10(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
    return wide_resnet(
        shape[0], classes, normalization, depth=28, width=10, dropout=options.fraction("dropout")
    )


def _preresnet164(
    options: Options, shape: ImageShape, classes: int, normalization: Normalization
) -> nn.Module:
    return preactivation_resnet(shape[0], classes, normalization, depth=164)


def _densenet(options: Options, shape: ImageShape, classes: int, normalization: Normalization) -> nn.Module:
    blocks, growth = options.counts("blocks"), options.count("growth")
    if not blocks:
        raise LandscapeError("architecture.blocks must name the layers of at least one dense block, got []")
    return DenseNet(shape, classes, normalization, blocks=blocks, growth=growth, reduction=0.5)


def _densenet121(
    options: Options, shape: ImageShape, classes: int, normalization: Normalization
) -> nn.Module:
    return DenseNet(shape, classes, normalization, blocks=(6, 12, 24, 16), growth=32, reduction=0.5)


_IMAGE_BUILDERS: dict[str, ImageBuilder] = {
    "cnn": _cnn,
    "lenet5": _lenet5,
    "vgg9": _vgg(9),
    "vgg16": _vgg(16),
    "vgg19": _vgg(19),
    "resnet": _resnet(),
    "resnet20": _resnet(20),
    "resnet32": _resnet(32),
    "resnet44": _resnet(44),
    "resnet56": _resnet(56),
    "resnet110": _resnet(110),
    "densenet": _densenet,
    "densenet121": _densenet121,
    "wrn28_10": _wrn28_10,
    "preresnet164": _preresnet164,
}
