"""A model, a loss and data as a caller gives them, in the form in which the engine takes them."""

import hashlib
import inspect
from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import default_convert

from landscape_cli import device as devices
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, apply_to, tensors, told
from landscape_cli.evaluation.problem import Problem
from landscape_cli.evaluation.user_loss import Loss, objective_of
from landscape_cli.weights.arithmetic import first_nan, point_of

# Numbers of a sample from which on its caller's batches are not made larger: large ones, and tokens, which
# become vectors as long as a vocabulary, may take all memory.
LIGHT = 2 * 3 * 32 * 32


def problem_of(model: nn.Module, loss: Loss, train: Any, test: Any, device: str) -> Problem:
    """Return what a surface is of: the caller's model, loss and data on a device.

    Raises:
        LandscapeError: one of them cannot be used.
    """
    check_model(model)
    place = devices.resolve(device)
    splits = {"train": parts_of(train, model, place)}
    if test is not None:
        splits["test"] = parts_of(test, model, place)
    for name, parts in splits.items():
        _check_numbers(name, parts)
    digest = hashlib.sha256()
    for name, parts in splits.items():
        digest.update(name.encode())
        for tensor in tensors(parts):
            _add_to(digest, tensor)
    inputs = [inputs for inputs, _ in splits["train"]]
    return Problem(model, splits, objective_of(loss), inputs, fingerprint=digest.hexdigest())


def check_model(model: nn.Module) -> None:
    """Refuse what is no module, one that cannot be copied, with parameters that cannot move, or with NaN.

    Raises:
        LandscapeError: it is.
    """
    if not isinstance(model, nn.Module):
        raise LandscapeError(f"the model must be a torch.nn.Module, got a {type(model).__name__}")
    for name, parameter in model.named_parameters():
        if not parameter.is_floating_point():
            raise LandscapeError(f"parameter {name} is of {parameter.dtype}; real numbers alone can move")
    for path, module in model.named_modules():
        for name, value in vars(module).items():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                raise LandscapeError(
                    f"the model cannot be copied: {path}{'.' if path else ''}{name} keeps the history of its"
                    " gradients; run a batch through the model under torch.no_grad() first"
                )
    broken = first_nan(point_of(model))
    if broken is not None:
        raise LandscapeError(f"the model is broken: {broken}; give it weights from before that")


def identity_of(problem: Problem, models: Iterable[nn.Module]) -> dict[str, str]:
    """Return what tells these models on these data apart from others, for resuming."""
    return {"path": "model with its data", "sha256": sha256_of(map(point_of, models), problem.fingerprint)}


def sha256_of(points: Iterable[Mapping[str, Tensor]], before: str = "") -> str:
    """Return the SHA-256 in hex of points of weight space, their names included, after a text."""
    digest = hashlib.sha256(before.encode())
    for point in points:
        for name, tensor in point.items():
            digest.update(name.encode())
            _add_to(digest, tensor)
    return digest.hexdigest()


def parts_of(data: Any, model: nn.Module, device: torch.device) -> list[Batch]:
    """Return a split on the device: as one part where its batches can well be joined, else batch by batch.

    An iterable is read once, with torch's generator seeded, so that a DataLoader shuffles and augments alike
    at every call; the caller's generator is left as it was.

    Args:
        data: (inputs, targets), or an iterable of batches: such pairs, or mappings, of which the model gets
            what its ``forward`` names and the loss everything. Arrays of NumPy become tensors.
        model: whose ``forward`` is asked.
        device: where the tensors go.

    Raises:
        LandscapeError: the data are none of these, or empty.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        batches = [(_on(device, inputs), _on(device, targets)) for inputs, targets in _batches(data, model)]
    if not batches:
        raise LandscapeError("the data hold no batch; a generator can be read only once")
    for inputs, targets in batches:
        sizes = {len(tensor) if tensor.ndim else 0 for tensor in (*tensors(inputs), *tensors(targets))}
        if not tensors(inputs) or len(sizes) != 1 or 0 in sizes:
            raise LandscapeError(
                "inputs and targets of a batch must be tensors of the same length, one or more, got"
                f" {told(inputs)} and {told(targets)}"
            )
    return _joined(batches)


def _check_numbers(split: str, parts: list[Batch]) -> None:
    """Refuse data with NaN: the loss would be NaN everywhere.

    Raises:
        LandscapeError: naming the tensor and the first index.
    """
    for number, batch in enumerate(parts):
        for what, tree in zip(("inputs", "targets"), batch, strict=True):
            place = f"{split} {what}" + (f" of batch {number}" if len(parts) > 1 else "")
            several = tree.items() if isinstance(tree, Mapping) else enumerate(tensors(tree))
            named = {f"{place}[{key!r}]": tensor for key, tensor in several if isinstance(tensor, Tensor)}
            broken = first_nan({place: tree} if isinstance(tree, Tensor) else named)
            if broken is not None:
                raise LandscapeError(f"the data are broken: {broken}; leave such samples out")


def _add_to(digest: Any, tensor: Tensor) -> None:
    """Let a digest take in a tensor: its type, shape and bytes."""
    digest.update(f"{tensor.dtype}{tuple(tensor.shape)}".encode())
    digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy())


def _batches(data: Any, model: nn.Module) -> Iterator[Batch]:
    if isinstance(data, Mapping) or _is_pair(data):
        yield _pair(data, model)
    elif isinstance(data, Iterable) and not isinstance(data, Tensor | str):
        for batch in data:
            yield _pair(batch, model)
    else:
        raise LandscapeError(
            f"the data must be (inputs, targets) or a DataLoader, got a {type(data).__name__}"
        )


def _is_pair(data: Any) -> bool:
    """Return whether these are inputs and targets; two pairs or mappings in a row are batches."""
    if not isinstance(data, tuple | list) or len(data) != 2:
        return False
    return any(isinstance(one, Tensor | np.ndarray) for one in data) or (
        isinstance(data, tuple) and all(isinstance(one, Mapping) for one in data)
    )


def _pair(batch: Any, model: nn.Module) -> Batch:
    batch = default_convert(batch)
    if isinstance(batch, Mapping):
        batch = {name: value for name, value in batch.items() if not _is_text(value)}
        accepted = inspect.signature(model.forward).parameters
        open_ended = any(one.kind is inspect.Parameter.VAR_KEYWORD for one in accepted.values())
        inputs = {name: value for name, value in batch.items() if open_ended or name in accepted}
        if not inputs:
            raise LandscapeError(
                f"the model's forward takes {', '.join(accepted)}, but a batch has {', '.join(batch)}"
            )
        return inputs, batch
    if isinstance(batch, tuple | list) and len(batch) == 2:
        return batch[0], batch[1]
    raise LandscapeError(f"a batch must be (inputs, targets) or a mapping, got {told(batch)}")


def _is_text(value: Any) -> bool:
    """Return whether this is a string for each sample, beside its tokens perhaps: nothing to compute with."""
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _on(device: torch.device, tree: Any) -> Any:
    return apply_to(tree, lambda tensor: tensor.detach().to(device))


def _joined(batches: list[Batch]) -> list[Batch]:
    """Return the batches as one where all but the number of samples agrees, and any size of batch will do."""
    forms = {tuple(map(_form, batch)) for batch in batches}
    light = all(
        tensor.is_floating_point() and tensor[0].numel() <= LIGHT for tensor in tensors(batches[0][0])
    )
    if len(batches) == 1 or len(forms) != 1 or not light:
        return batches
    columns = iter([torch.cat(column) for column in zip(*map(tensors, batches), strict=True)])
    inputs, targets = apply_to(batches[0], lambda _: next(columns))
    return [(inputs, targets)]


def _form(tree: Any) -> Hashable:
    """Return what batches that can be joined have in common.

    Raises:
        LandscapeError: a list, an entry a sample perhaps, which would not be cut when a batch is.
    """
    if isinstance(tree, Tensor):
        return tree.shape[1:], tree.dtype
    if isinstance(tree, Mapping):
        return tuple((name, _form(value)) for name, value in tree.items())
    if isinstance(tree, tuple):
        for one in tree:
            if not isinstance(one, Tensor | Mapping | tuple):
                raise LandscapeError(
                    f"a batch holds a list of {type(one).__name__}; make it a tensor or leave it out"
                )
        return tuple(map(_form, tree))
    return repr(tree)
