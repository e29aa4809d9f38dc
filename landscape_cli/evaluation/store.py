"""The HDF5 file of a surface, a line or an interpolation.

The file is made whole, with room for every value, before the first point: NaN stands for "not evaluated".
Values are then written in place, eight bytes each, into the datasets' fixed extents, without the HDF5
library. So a kill at any moment leaves a readable file, and readers need not wait for the writer.
"""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from landscape_cli.config import CIRCUMSTANCES, first_difference, from_yaml, to_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing

FORMAT = "landscape-surface"
VERSION = 1
SECONDS_BETWEEN_SYNCS = 5  # a kill loses nothing; this is for power cuts
PATHS = ("run", "from_run", "to_run", "direction.to", "dataset")  # checkpoints and fingerprint identify these
Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Surface:
    """Values over a line or a plane: NaN where not evaluated, +inf where the loss is not finite."""

    path: Path
    x: Array  # (nx,)
    y: Array | None  # (ny,); None: a line
    values: dict[str, Array]  # "train/loss", … -> (ny, nx), or (nx,) for a line
    config: dict[str, Any]  # of the command that computed it
    run_config: dict[str, Any]  # of training: what the runs of all marked solutions share
    attributes: dict[str, Any]
    marks: list[tuple[str, float, float]]  # label, x, y of known solutions

    @property
    def kind(self) -> str:
        """``surface`` or ``interpolation``."""
        return "interpolation" if "alpha" in self.config else "surface"


def read(path: Path) -> Surface:
    """Return the content of a surface file, finished or not.

    Raises:
        LandscapeError: there is no such file, it is no HDF5 file, or not one of this software's surfaces.
    """
    if not path.is_file():
        raise LandscapeError(
            f"no file {path}; `landscape surface` and `landscape interpolate` print the one they wrote"
        )
    try:
        with h5py.File(path, "r", locking=False) as file:
            attributes = dict(file.attrs)
            if attributes.get("format") != FORMAT:
                raise LandscapeError(
                    f"{path} is not a surface of landscape: its format is {attributes.get('format')!r},"
                    f" expected {FORMAT!r}"
                )
            if attributes["version"] != VERSION:
                raise LandscapeError(
                    f"{path} is of version {attributes['version']}, this one reads {VERSION}"
                )
            values = {
                f"{split}/{name}": np.asarray(dataset)
                for split in ("train", "test")
                for name, dataset in file.get(split, {}).items()
            }
            return Surface(
                path=path,
                x=np.asarray(file["x"]),
                y=np.asarray(file["y"]) if "y" in file else None,
                values=values,
                config=from_yaml(attributes["config"]),
                run_config=from_yaml(attributes["run_config"]),
                attributes=attributes,
                marks=[(label, float(x), float(y)) for label, x, y in json.loads(attributes["marks"])],
            )
    except (OSError, KeyError, ValueError) as error:
        raise LandscapeError(
            f"{path} cannot be read as HDF5 ({error}); delete it to compute it again"
        ) from error


def create(
    path: Path,
    *,
    x: Array,
    y: Array | None,
    names: list[str],
    directions: Mapping[str, Mapping[str, np.ndarray[Any, np.dtype[np.float32]]]],
    config: Mapping[str, Any],
    run_config: Mapping[str, Any],
    marks: list[tuple[str, float, float]],
    attributes: Mapping[str, str],
) -> None:
    """Make the file, every value NaN.

    Args:
        path: where.
        x: coordinates, of shape (nx,).
        y: coordinates, of shape (ny,); None for a line.
        names: the datasets of values, such as ``train/loss``.
        directions: "x" and "y" -> parameter name -> the direction as used.
        config: the command's resolved configuration.
        run_config: the training configuration, as far as the runs of all marked solutions share it.
        marks: known solutions: label, x, y.
        attributes: further attributes: command, checkpoint, provenance, origin_check, …
    """
    shape = (len(x),) if y is None else (len(y), len(x))
    with replacing(path) as temporary, h5py.File(temporary, "w") as file:
        file["x"] = x
        if y is not None:
            file["y"] = y
        for name in names:
            # contiguous and allocated now: its place in the file never moves, and a full disk shows at once
            kind = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            kind.set_layout(h5py.h5d.CONTIGUOUS)
            kind.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            group, _, leaf = name.partition("/")
            space = h5py.h5s.create_simple(shape)
            dataset = h5py.h5d.create(
                file.require_group(group).id, leaf.encode(), h5py.h5t.IEEE_F64LE, space, kind
            )
            dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.full(shape, np.nan))
        for axis, direction in directions.items():
            for parameter, values in direction.items():
                file[f"directions/{axis}/{parameter}"] = values
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


def check_same(path: Path, config: Mapping[str, Any], checkpoints: list[dict[str, str]]) -> None:
    """Refuse to go on with a file that was begun with another configuration or other checkpoints.

    Runs are compared by the SHA-256 of their checkpoints, not by how their paths were written.

    Raises:
        LandscapeError: naming the first difference.
    """
    surface = read(path)
    difference = first_difference(surface.config, config, ignore=(*CIRCUMSTANCES, *PATHS))
    begun_with = json.loads(surface.attributes["checkpoint"])
    for before, now in zip_longest(
        begun_with, checkpoints, fillvalue={"sha256": "", "path": "no checkpoint"}
    ):
        if difference is None and before["sha256"] != now["sha256"]:
            difference = f"{now['path']} is not, or no longer, the {before['path']} of then"
    if difference:
        raise LandscapeError(
            f"{path} was begun with another configuration ({difference}); choose another out= or delete it"
        )


class Writer:
    """The one writer of a file: holds the values and puts each in its place on the disk as it comes."""

    def __init__(self, path: Path, descriptor: int) -> None:
        self._descriptor = descriptor
        self._synced = time.monotonic()
        self._offsets: dict[str, int] = {}
        self.values: dict[str, Array] = {}
        with h5py.File(path, "r", locking=False) as file:
            for split in ("train", "test"):
                for name, dataset in file.get(split, {}).items():
                    self._offsets[f"{split}/{name}"] = dataset.id.get_offset()
                    self.values[f"{split}/{name}"] = np.asarray(dataset)

    def write(self, name: str, index: tuple[int, ...], value: float) -> None:
        """Store one value; a value that is not finite is stored as +inf."""
        stored = np.float64(value if np.isfinite(value) else np.inf)
        self.values[name][index] = stored
        place = int(np.ravel_multi_index(index, self.values[name].shape))
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            os.fsync(self._descriptor)
            self._synced = time.monotonic()
        os.pwrite(self._descriptor, stored.astype("<f8").tobytes(), self._offsets[name] + 8 * place)

    def missing(self) -> list[tuple[int, ...]]:
        """Return the indices, in the order of the file, at which some value is not evaluated."""
        unknown = np.any([np.isnan(array) for array in self.values.values()], axis=0)
        return [tuple(int(i) for i in index) for index in np.argwhere(unknown)]


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Open a file, made by `create`, for its values; flushed to the disk at the end."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        yield Writer(path, descriptor)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
