"""Files of weights that other programs wrote: PyTorch's, Lightning's, Hugging Face's, safetensors."""

import json
import pickle
import re
import warnings
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
OTHERS = ("optimizer", "optimizer_states", "rng")  # tensors that are no weights
FOREIGN = "damaged, or none that torch.save wrote; save model.state_dict() with it"
DEPTH = 2  # of entries in entries
INDEX = ".index.json"  # ends the names of what tells which files hold a large model


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
    content = _index(path) if path.name.endswith(INDEX) else _load(path)
    if not isinstance(content, Mapping):
        raise LandscapeError(
            f"{path} holds a {type(content).__name__}, not weights by name; save model.state_dict()"
        )
    found = dict(_entries(content, "", DEPTH))
    if entry is not None and entry not in found:
        there = _listed([name or "(the file itself, without entry=)" for name in found]) or "none"
        raise LandscapeError(f"{path} has no entry {entry!r} with weights; there is {there}")
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
    if not path.is_file():  # a named pipe would let its reader wait for ever
        raise LandscapeError(f"{path} cannot be read as weights (there is no such file)")
    if path.suffix == ".safetensors":
        return _safetensors(path)
    try:
        with torch.serialization.safe_globals(_plain_values()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of torch, about other protocols: what is wrong is told below
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        if named is None:
            raise _foreign(path, FOREIGN) from error
        raise LandscapeError(
            f"{path} holds {named[1]}, which could run code: it is not loaded; where you trust it, save"
            " model.state_dict() alone, with torch.save"
        ) from error
    except (OSError, RuntimeError) as error:
        raise _foreign(path, str(error).partition("\n")[0].partition(". ")[0]) from error
    except (EOFError, ValueError, TypeError, LookupError, AttributeError) as error:
        raise _foreign(path, FOREIGN) from error


def _foreign(path: Path, reason: str) -> LandscapeError:
    return LandscapeError(f"{path} cannot be read as weights ({reason})")


def _plain_values() -> list[Any]:
    """Return the classes of values that programs keep beside weights, which carry no code."""
    import argparse

    import numpy as np

    made_by = [getattr(np._core.multiarray, name) for name in ("scalar", "_reconstruct")]  # type: ignore[attr-defined]
    before_2 = [(one, f"numpy.core.multiarray.{one.__name__}") for one in made_by]  # names of NumPy 1
    kinds = {type(np.dtype(code)) for code in np.typecodes["All"] if code != "O"}
    return [argparse.Namespace, np.ndarray, np.dtype, *made_by, *before_2, *kinds]


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise _foreign(path, str(error)) from error


def parts(path: Path) -> list[Path]:
    """Return the files that hold the weights which a path names: itself, or those that its index names.

    Raises:
        LandscapeError: it is no index.
    """
    if not path.name.endswith(INDEX):
        return [path]
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"].values()
        return [path.parent / Path(name).name for name in dict.fromkeys(names)]
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise LandscapeError(f"{path} is no index of weights in several files ({error})") from error


def _index(path: Path) -> dict[str, Any]:
    """Return the weights of all files that an index names, as Hugging Face writes large models."""
    whole: dict[str, Any] = {}
    for part in parts(path):
        content = _load(part)
        if not isinstance(content, Mapping):
            raise _foreign(part, f"a {type(content).__name__}, not a part of {path.name}")
        whole.update(content)
    return whole


def _entries(content: Mapping[Any, Any], place: str, depth: int) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yield each mapping of names to tensors in a checkpoint, with where it is."""
    inner = [
        entry
        for key, value in content.items()
        if isinstance(value, Mapping) and depth and isinstance(key, str) and key not in OTHERS
        for entry in _entries(value, f"{place}/{key}" if place else key, depth - 1)
    ]
    tensors = {str(name): one for name, one in content.items() if isinstance(one, Tensor)}
    if not inner and tensors and len(tensors) >= len(content) / 2:  # a best loss may be a tensor, too
        inner = [(place, tensors)]
    yield from inner


def _whole(content: Mapping[Any, Any], *names: str) -> int | None:
    for name in names:
        value = content.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None


def _listed(names: list[str]) -> str:
    return ", ".join([*names[:8], *(["…"] if len(names) > 8 else [])])
