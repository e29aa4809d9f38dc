"""The file of a surface, made whole before the first point."""

import io
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.config import to_yaml
from landscape_cli.files import replacing
from landscape_cli.store.surface import FORMAT, VERSION


def create(
    path: Path,
    *,
    x: Array,
    y: Array | None,
    names: list[str],
    arrays: Mapping[str, tuple[int, ...]],
    directions: Mapping[str, Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]],
    config: Mapping[str, Any],
    run_config: Mapping[str, Any],
    marks: list[tuple[str, float, float]],
    attributes: Mapping[str, str],
    extras: Mapping[str, np.ndarray[Any, Any]] = MappingProxyType({}),
) -> None:
    """Make the file, every value NaN.

    Args:
        path: where.
        x: coordinates, of shape (nx,).
        y: coordinates, of shape (ny,); None for a line.
        names: the datasets of values, such as ``train/loss``.
        arrays: further datasets to be filled in, with their shapes.
        directions: "x" and "y" -> parameter name -> the direction as used.
        config: the command's resolved configuration.
        run_config: the training configuration, as far as the runs of all marked solutions share it.
        marks: known solutions: label, x, y.
        attributes: further attributes: command, checkpoint, provenance, origin_check, …
        extras: further datasets that are known already, with their content.
    """
    shape = (len(x),) if y is None else (len(y), len(x))
    content = io.BytesIO()  # on a full disk HDF5's own writer ends the process
    with h5py.File(content, "w") as file:
        file["x"] = x
        if y is not None:
            file["y"] = y
        for name in (*names, "interpolation_error"):
            _reserve(file, name, np.full(shape, np.nan))
        for name, extent in arrays.items():
            _reserve(file, name, np.full(extent, np.nan))
        _reserve(file, "evaluated", np.zeros(shape, np.uint8))
        for axis, direction in directions.items():
            for parameter, values in direction.items():
                file[f"directions/{axis}/{parameter}"] = values
        for name, content_of in extras.items():
            file[name] = content_of
        file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "config": to_yaml(config),
                "run_config": to_yaml(run_config),
                "marks": json.dumps(marks),
                **attributes,
            }
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def _reserve(file: h5py.File, name: str, content: np.ndarray[Any, Any]) -> None:
    """Make a dataset whose place in the file never moves; a full disk shows at once."""
    kind = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    kind.set_layout(h5py.h5d.CONTIGUOUS)
    kind.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    group, _, leaf = f"/{name}".rpartition("/")
    number = h5py.h5t.STD_U8LE if content.dtype == np.uint8 else h5py.h5t.IEEE_F64LE
    space = h5py.h5s.create_simple(content.shape)
    dataset = h5py.h5d.create(file.require_group(group or "/").id, leaf.encode(), number, space, kind)
    dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, content)
