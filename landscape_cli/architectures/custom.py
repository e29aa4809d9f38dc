"""A user's own network, made by a factory of theirs."""

import copy
import inspect
from typing import Any

import torch
from torch import Tensor, nn

from landscape_cli.errors import LandscapeError
from landscape_cli.sources import described, load_source


def custom(
    input_shape: tuple[int, ...],
    classes: int,
    vocabulary: int = 0,
    *,
    source: str,
    options: dict[str, Any],
    trust: bool,
) -> nn.Module:
    """Return the model that the factory named by `source` makes, checked on a batch of two samples.

    The factory is called with those of ``num_classes``, ``in_channels``, ``in_chans``, ``input_shape`` and,
    for tokens, ``vocabulary`` and ``vocab_size`` that its signature names, with ``num_classes`` also where it
    takes any keyword (as torchvision's and timm's do), and with `options`, which win. A model class of
    Transformers is made from its configuration class, which takes them, with ``num_labels``, and
    ``vocab_size`` or ``num_channels`` and ``image_size``; of what it returns the ``logits`` are the outputs.

    Args:
        input_shape: shape of one sample.
        classes: number of outputs that the model must have.
        vocabulary: number of different tokens; 0: inputs are numbers.
        source: ``package.module:factory``.
        options: further keyword arguments.
        trust: whether the user said that this code may run.

    Raises:
        LandscapeError: the source cannot be loaded, the factory does not take these arguments or fails, or
            the result is no nn.Module, has lazy layers, or does not give outputs (n, classes).
    """
    with torch.random.fork_rng(devices=[]):  # what a module does when imported must not move the seed
        factory = load_source(source, key="architecture.source", trust=trust)
    if not callable(factory) or isinstance(factory, nn.Module):
        raise LandscapeError(
            f"architecture.source={source} must name a function or class that makes an nn.Module,"
            f" not a {type(factory).__name__}"
        )
    arguments = _arguments(factory, source, input_shape, classes, vocabulary, options)
    try:
        model = factory(**arguments)
        batch = torch.zeros(2, *input_shape, dtype=torch.int64 if vocabulary else torch.float32)
        if _gives_logits(model, batch):
            model.register_forward_hook(_logits)
    except Exception as error:
        raise LandscapeError(f"architecture.source={source} failed: {described(error)}") from error
    if not isinstance(model, nn.Module):
        got = type(model).__name__
        raise LandscapeError(f"architecture.source={source} must make an nn.Module, got a {got}")
    if any(nn.parameter.is_lazy(parameter) for parameter in model.parameters()):
        raise LandscapeError(
            f"architecture.source={source}: the model has lazy layers, whose weights have no shape yet;"
            " give them their input sizes"
        )
    _check_outputs(model, source, batch, classes)
    return model


def _arguments(
    factory: Any,
    source: str,
    input_shape: tuple[int, ...],
    classes: int,
    vocabulary: int,
    options: dict[str, Any],
) -> dict[str, Any]:
    if getattr(factory, "config_class", None) is not None:  # a model of Transformers
        described_by = {"num_labels": classes} | (
            {"vocab_size": vocabulary}
            if vocabulary
            else {"num_channels": input_shape[0], "image_size": input_shape[-1]}
        )
        return {"config": factory.config_class(**{**described_by, **options})}
    signature = inspect.signature(factory)
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    offered = {
        "num_classes": classes,
        "in_channels": input_shape[0],
        "in_chans": input_shape[0],
        "input_shape": input_shape,
    } | ({"vocabulary": vocabulary, "vocab_size": vocabulary} if vocabulary else {})
    arguments = {name: value for name, value in offered.items() if name in signature.parameters}
    if inspect.Parameter.VAR_KEYWORD in kinds:
        arguments["num_classes"] = classes
    arguments |= options
    try:
        signature.bind(**arguments)
    except TypeError as error:
        raise LandscapeError(
            f"architecture.source={source} takes {signature}, but would be called with"
            f" {', '.join(arguments) or 'nothing'} ({error}); set architecture.options"
        ) from error
    return arguments


def _gives_logits(model: Any, batch: Tensor) -> bool:
    """Return whether the outputs are a mapping with logits in it, as those of Transformers' models."""
    if not isinstance(model, nn.Module) or not hasattr(model, "config"):
        return False
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        return isinstance(getattr(model(batch), "logits", None), Tensor)


def _logits(model: nn.Module, inputs: Any, outputs: Any) -> Tensor:
    """Return the logits of a forward pass, as a hook of it."""
    logits: Tensor = outputs.logits
    return logits


def _check_outputs(model: nn.Module, source: str, batch: Tensor, classes: int) -> None:
    """Refuse a model that does not turn two samples into (2, classes); a copy of it is tried."""
    try:
        with torch.random.fork_rng(devices=[]):
            outputs = [copy.deepcopy(model).train(training)(batch) for training in (True, False)]
    except Exception as error:
        raise LandscapeError(
            f"architecture.source={source}: the model fails on a batch of shape {tuple(batch.shape)}:"
            f" {described(error)}"
        ) from error
    for output, mode in zip(outputs, ("training", "evaluation"), strict=True):
        got = tuple(output.shape) if isinstance(output, Tensor) else f"a {type(output).__name__}"
        if got != (2, classes):
            raise LandscapeError(
                f"architecture.source={source}: in {mode} mode, for a batch of shape {tuple(batch.shape)}"
                f" the model must give outputs of shape {(2, classes)}, got {got}"
            )
