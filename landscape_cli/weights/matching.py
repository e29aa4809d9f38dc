"""Weights under another program's names, as the weights of a network here."""

from collections import Counter
from collections.abc import Mapping

import torch
from torch import Tensor

from landscape_cli.errors import LandscapeError

SHOWN = 4  # names of each kind that does not fit
# what torch.compile, FSDP, checkpointing and DataParallel put into the middle of names
WRAPPERS = ("_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "module")


def matched(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor], match: str) -> dict[str, Tensor]:
    """Return the stored weights under the names of a network, in its dtypes.

    ``names``: a prefix that all share (``module.``, ``model.``) is found and left out, and so are the names
    of wrappers (of torch.compile, FSDP, DataParallel) that the network does not have itself. With a prefix,
    what is outside of it is another module's.
    ``order``: the tensors in the order of the file are those in the network's order, of the same shapes;
    counters of batches (0-dimensional whole numbers) are left out on both sides.

    Counters of batches may be missing, and so may a name that shares its memory with one that is there.

    Args:
        wanted: the network's state dict.
        stored: weights by name.
        match: ``names`` or ``order``.

    Raises:
        LandscapeError: they do not fit: what is missing, unexpected, or of another shape.
    """
    found = _by_order(wanted, stored) if match == "order" else _by_name(wanted, stored)
    return {
        name: found[name].to(tensor.dtype) if name in found else tensor.clone()
        for name, tensor in wanted.items()
    }


def _by_name(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    plain = _unwrapped(wanted, stored)
    prefix = _prefix(wanted, plain)
    found = {name.removeprefix(prefix): tensor for name, tensor in plain.items() if name.startswith(prefix)}
    shared = {tensor.data_ptr() for name, tensor in wanted.items() if name in found and tensor.numel()}
    missing = [
        name
        for name, tensor in wanted.items()
        if name not in found and not _is_counter(tensor) and tensor.data_ptr() not in shared
    ]
    unexpected = [name for name, tensor in found.items() if name not in wanted and not _is_counter(tensor)]
    other = [
        f"{name} is {tuple(found[name].shape)}, wanted {tuple(tensor.shape)}"
        for name, tensor in wanted.items()
        if name in found and found[name].shape != tensor.shape
    ]
    kinds = {"missing": missing, "unexpected": unexpected, "of another shape": other}
    lines = [
        f"{len(names)} {kind}: {', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
        for kind, names in kinds.items()
        if names
    ]
    if lines:
        raise LandscapeError("\n  ".join(["the weights do not fit the network:", *lines, _advice(kinds)]))
    for name, tensor in wanted.items():  # tied ones, of which a file may keep but one
        if name not in found and not _is_counter(tensor):
            twin = next(n for n, t in wanted.items() if n in found and t.data_ptr() == tensor.data_ptr())
            found[name] = found[twin]
    return found


def _unwrapped(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the stored weights without the names of wrappers that the network does not have."""
    own = {part for name in wanted for part in name.split(".")}
    left_out = set(WRAPPERS) - own
    return {
        ".".join(part for part in name.split(".") if part not in left_out): tensor
        for name, tensor in stored.items()
    }


def _advice(kinds: Mapping[str, list[str]]) -> str:
    if kinds["missing"] and kinds["unexpected"]:
        return "match=order pairs them by order and shape, if it is the same network under other names"
    if kinds["of another shape"]:
        return "the network is another, or made for other data: compare architecture= and dataset="
    if kinds["missing"]:
        return "the network has more layers than the weights: compare architecture= and normalization="
    return "the weights have more layers than the network: compare architecture= and normalization="


def _prefix(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> str:
    """Return what precedes the most of the wanted names."""
    ends = {name.rpartition(".")[2] for name in wanted}
    counts: Counter[str] = Counter()
    for name in stored:
        parts = name.split(".")
        if parts[-1] in ends:
            counts.update(
                {".".join([*parts[:cut], ""]) for cut in range(len(parts)) if ".".join(parts[cut:]) in wanted}
            )
    return max(counts, key=lambda prefix: (counts[prefix], -len(prefix)), default="")


def _by_order(wanted: Mapping[str, Tensor], stored: Mapping[str, Tensor]) -> dict[str, Tensor]:
    ours = [(name, tensor) for name, tensor in wanted.items() if not _is_counter(tensor)]
    theirs = [(name, tensor) for name, tensor in stored.items() if not _is_counter(tensor)]
    for number, ((name, tensor), (other, given)) in enumerate(zip(ours, theirs, strict=False), start=1):
        if tensor.shape != given.shape:
            raise LandscapeError(
                f"the weights do not fit the network in order: {other}, number {number} of {len(theirs)},"
                f" is {tuple(given.shape)}, and {name} of the network {tuple(tensor.shape)};"
                " compare architecture=, or leave out match=order if the names are the same"
            )
    if len(ours) != len(theirs):
        raise LandscapeError(
            f"the weights do not fit the network: {len(theirs)} tensors are stored and it has {len(ours)};"
            f" up to number {min(len(ours), len(theirs))} the shapes agree; compare architecture= and"
            " normalization="
        )
    return {name: given for (name, _), (_, given) in zip(ours, theirs, strict=True)}


def _is_counter(tensor: Tensor) -> bool:
    """Return whether this is ``num_batches_tracked`` of a BatchNorm, which evaluations do not use."""
    return tensor.ndim == 0 and tensor.dtype in (torch.int64, torch.int32)
