"""What measuring one seed gives, as a file: numbers, arrays, and the surfaces that are drawn.

``data/seed_0.h5`` holds a dataset for each number and array, in groups where they are in mappings, with what
was asked for; the surfaces lie beside it, ``data/seed_0_<quantity>.h5``. It is written whole and last, so a
reproduction that was stopped goes on with the seed at which it was. Verdicts and pictures are made of these
files alone. Never imports torch.
"""

import io
import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing
from landscape_cli.store import Surface, read

Measured = Mapping[str, Any]
"""Quantity -> a number, an array, a `Surface`, or a mapping of names to these. Paths join names by "/"."""


def lookup(seed: Measured, path: str) -> Any:
    """Return the quantity at a path such as ``radius/mlp``.

    Raises:
        KeyError: there is none.
    """
    value: Any = seed
    for name in path.split("/"):
        if not isinstance(value, Mapping):
            raise KeyError(path)
        value = value[name]
    return value


def across(seeds: Sequence[Measured], path: str) -> Any:
    """Return a quantity of all seeds: an array (seeds, …), or name -> this where it is a mapping."""
    first = lookup(seeds[0], path)
    if isinstance(first, Mapping):
        return {name: across(seeds, f"{path}/{name}") for name in first}
    return np.array([lookup(seed, path) for seed in seeds])


def by_quantity(rows: Mapping[str, Measured]) -> dict[str, dict[str, Any]]:
    """Return quantity -> run -> value of run -> quantity -> value; not every run need have every quantity."""
    found: dict[str, dict[str, Any]] = {}
    for run, values in rows.items():
        for quantity, value in values.items():
            found.setdefault(quantity, {})[run] = value
    return found


def save(path: Path, measured: Measured, asked: Mapping[str, Any], made: Mapping[str, Any]) -> None:
    """Write what a seed gave, the surfaces first.

    Args:
        path: the file.
        measured: what it gave.
        asked: what determines it: `answers` compares with this.
        made: how long it took, by what.
    """
    flat = dict(leaves(measured))
    surfaces = {
        name: f"{path.stem}_{re.sub(r'[^0-9A-Za-z.+-]+', '-', name)}.h5"
        for name, value in flat.items()
        if isinstance(value, Surface)
    }
    for name, beside in surfaces.items():
        with replacing(path.with_name(beside)) as temporary:
            shutil.copyfile(flat[name].path, temporary)
    content = io.BytesIO()  # on a full disk HDF5's own writer ends the process
    with h5py.File(content, "w", track_order=True) as file:
        for name, value in flat.items():
            file[name] = surfaces.get(name, value)
        file.attrs["asked"], file.attrs["made"] = json.dumps(asked, sort_keys=True), json.dumps(made)
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def load(path: Path) -> Measured:
    """Return what a seed gave, its quantities in order.

    Raises:
        LandscapeError: the file is damaged.
    """

    def value(item: Any) -> Any:
        if isinstance(item, h5py.Group):
            return {name: value(inner) for name, inner in item.items()}
        found = item[()]
        return read(path.with_name(found.decode())) if isinstance(found, bytes) else found

    with _opened(path) as file:
        return {name: value(item) for name, item in file.items()}


def answers(path: Path, asked: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return how a seed was measured; None where it was not, or for another question.

    Raises:
        LandscapeError: the file is damaged.
    """
    if not path.is_file():
        return None
    with _opened(path) as file:
        same = file.attrs["asked"] == json.dumps(asked, sort_keys=True)
        return dict(json.loads(file.attrs["made"])) if same else None


def leaves(measured: Measured, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of each number, array and surface, and the value: numbers and arrays as arrays."""
    for name, value in measured.items():
        if isinstance(value, Mapping):
            yield from leaves(value, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", value if isinstance(value, Surface) else np.asarray(value)


def _opened(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", track_order=True)
    except OSError as error:
        raise LandscapeError(
            f"{path} cannot be read ({error}); delete it to measure that seed again"
        ) from error
