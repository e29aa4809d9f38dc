"""Files of weights that other programs wrote: PyTorch's, Lightning's, Hugging Face's, safetensors."""

import json
import pickle
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landscape_cli.errors import LandscapeError

SUFFIXES = (".pt", ".pth", ".th", ".t7", ".tar", ".ckpt", ".bin", ".safetensors")
# where programs put the weights in a checkpoint
ENTRIES = (
    *("state_dict", "model", "model_state_dict", "model_state", "net", "params", "weights", "ema"),
    *("model_ema", "state_dict_ema", "network", "module"),
)
DEPTH = 2  # of entries in entries


@dataclass(frozen=True)
class StoredWeights:
    """What a checkpoint holds.

    Attributes:
        tensors: by name, in the file's order.
        epoch: as the file says; None: it does not.
        step: likewise.
        entry: where in the file they were; empty: at the top.
        others: further entries that hold tensors.
    """

    tensors: dict[str, Tensor]
    epoch: int | None
    step: int | None
    entry: str
    others: tuple[str, ...]


def read(path: Path, entry: str | None = None) -> StoredWeights:
    """Return the weights in a file, on the CPU; nothing in it is executed.

    Args:
        path: a file of one of `SUFFIXES`, or the ``….index.json`` of weights in several files.
        entry: the key under which they lie; None: found among `ENTRIES`, the first of these first.

    Raises:
        LandscapeError: it cannot be read, holds objects other than tensors and plain values, or no tensors.
    """
    content = _index(path) if path.name.endswith(".index.json") else _load(path)
    if not isinstance(content, Mapping):
        raise LandscapeError(
            f"{path} holds a {type(content).__name__}, not weights by name; save model.state_dict()"
        )
    found = dict(_entries(content, "", DEPTH))
    if entry is not None and entry not in found:
        raise LandscapeError(
            f"{path} has no entry {entry!r} with weights; there is {_listed(list(found)) or 'none'}"
        )
    order = sorted(found, key=lambda name: (name.count("/"), _rank(name)))
    if not order:
        keys = _listed([str(key) for key in content]) or "nothing"
        raise LandscapeError(f"{path} holds no weights: among {keys} there is no mapping of names to tensors")
    chosen = order[0] if entry is None else entry
    others = tuple(name for name in order if name != chosen)
    epoch, step = (_whole(content, *names) for names in (("epoch",), ("global_step", "step")))
    return StoredWeights(found[chosen], epoch, step, chosen, others)


def _rank(name: str) -> int:
    key = name.rpartition("/")[2]
    return ENTRIES.index(key) if key in ENTRIES else len(ENTRIES)


def _load(path: Path) -> Any:
    """Return the content of one file."""
    if path.suffix == ".safetensors":
        return _safetensors(path)
    try:
        with torch.serialization.safe_globals(_plain_values()):
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"(?:GLOBAL|global:?|class) `?([\w.]+)", str(error))
        what = f"an object of {named[1]}" if named else "something other than tensors and plain values"
        raise LandscapeError(
            f"{path} holds {what}, which could run code: it is not loaded; where you trust it, save"
            " model.state_dict() alone, with torch.save"
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError, IndexError, AttributeError) as error:
        reason = str(error).partition("\n")[0].partition(". ")[0] or type(error).__name__
        raise LandscapeError(f"{path} cannot be read as weights ({reason})") from error


def _plain_values() -> list[Any]:
    """Return the classes of values that programs keep beside weights, which carry no code."""
    import argparse

    import numpy as np

    scalars = [np.dtype, type(np.dtype(np.float64)), type(np.dtype(np.float32)), type(np.dtype(np.int64))]
    return [argparse.Namespace, np._core.multiarray.scalar, *scalars]  # type: ignore[attr-defined]


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise LandscapeError(f"{path} cannot be read as weights ({error})") from error


def _index(path: Path) -> dict[str, Any]:
    """Return the weights of all files that an index names, as Hugging Face writes large models."""
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        files = [path.parent / Path(name).name for name in dict.fromkeys(names)]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LandscapeError(f"{path} is no index of weights in several files ({error})") from error
    return {name: tensor for file in files for name, tensor in _load(file).items()}


def _entries(content: Mapping[Any, Any], place: str, depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield each mapping of names to tensors in a checkpoint, with where it is."""
    tensors = {str(name): one for name, one in content.items() if isinstance(one, Tensor)}
    if tensors and len(tensors) >= len(content) / 2:
        yield place, tensors
        return
    for key, value in content.items():
        if isinstance(value, Mapping) and depth and key not in ("optimizer", "optimizer_states"):
            yield from _entries(value, f"{place}/{key}" if place else str(key), depth - 1)


def _whole(content: Mapping[Any, Any], *names: str) -> int | None:
    for name in names:
        value = content.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _listed(names: list[str]) -> str:
    return ", ".join([*names[:8], *(["…"] if len(names) > 8 else [])])
