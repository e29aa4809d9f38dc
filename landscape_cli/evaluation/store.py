"""The HDF5 file of a surface, a line or an interpolation.

The file is made whole, with room for every value, before the first point: NaN stands for "not evaluated".
Values are then written in place, eight bytes each, into the datasets' fixed extents, without the HDF5
library. So a kill at any moment leaves a readable file, and readers need not wait for the writer. Last of a
point comes its mark in ``evaluated``: what is not marked is NaN, or interpolated between the points that are.
"""

import io
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np

from landscape_cli.config import CIRCUMSTANCES, first_difference, from_yaml, to_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.path import Trajectory
from landscape_cli.files import naming, replacing

FORMAT = "landscape-surface"
VERSION = 2
SECONDS_BETWEEN_SYNCS = 5  # a kill loses nothing; this is for power cuts
REFINEMENT = ("tolerance",)  # asks for more points of the same surface
PATHS = ("run", "from_run", "to_run", "direction.to", "dataset")  # checkpoints and fingerprint identify these
Array = np.ndarray[Any, np.dtype[np.float64]]
Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Surface:
    """Values over a line or a plane: NaN where not evaluated, +inf where the loss is not finite."""

    path: Path
    x: Array  # (nx,)
    y: Array | None  # (ny,); None: a line
    values: dict[str, Array]  # "train/loss", … -> (ny, nx), or (nx,) for a line
    evaluated: Mask  # of the same shape; False: not yet, or interpolated
    interpolation_error: (
        Array  # of the same shape: estimated |error| of log-loss where interpolated, else NaN
    )
    config: dict[str, Any]  # of the command that computed it
    run_config: dict[str, Any]  # of training: what the runs of all marked solutions share
    attributes: dict[str, Any]
    marks: list[tuple[str, float, float]]  # label, x, y of known solutions
    trajectory: Trajectory | None = None  # whose plane it is

    def __repr__(self) -> str:
        shape = " x ".join(map(str, reversed(self.evaluated.shape)))
        done = f"{int(self.evaluated.sum()):,} of {self.evaluated.size:,} points evaluated"
        return f"<{self.kind} {self.path}: {shape}, {done}, {', '.join(self.values)}>"

    @property
    def kind(self) -> str:
        """``surface`` or ``interpolation``."""
        return "interpolation" if "alpha" in self.config else "surface"


@contextmanager
def _opened(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading; what the body cannot make sense of is the file's fault."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except (OSError, KeyError, ValueError, RuntimeError) as error:  # the last for damage inside of a file
        raise LandscapeError(
            f"{path} cannot be read as HDF5 ({error}); delete it to compute it again"
        ) from error


def read(path: Path) -> Surface:
    """Return the content of a surface file, finished or not.

    Raises:
        LandscapeError: there is no such file, it is no HDF5 file, or not one of this software's surfaces.
    """
    if not path.is_file():
        raise LandscapeError(
            f"no file {path}; `landscape surface` and `landscape interpolate` print the one they wrote"
        )
    with _opened(path) as file:
        attributes = dict(file.attrs)
        if attributes.get("format") != FORMAT:
            raise LandscapeError(
                f"{path} is not a surface of landscape: its format is {attributes.get('format')!r},"
                f" expected {FORMAT!r}; choose another file"
            )
        if attributes["version"] != VERSION:
            raise LandscapeError(
                f"{path} is of version {attributes['version']}, this landscape reads {VERSION};"
                " install the landscape that wrote it, or compute it again into another file"
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
            evaluated=_evaluated(np.asarray(file["evaluated"]), values),
            interpolation_error=np.asarray(file["interpolation_error"]),
            config=from_yaml(attributes["config"]),
            run_config=from_yaml(attributes["run_config"]),
            attributes=attributes,
            marks=[(label, float(x), float(y)) for label, x, y in json.loads(attributes["marks"])],
            trajectory=Trajectory.read(file),
        )


def _evaluated(marks: np.ndarray[Any, Any], values: Mapping[str, Array]) -> Mask:
    """Return where the values are evaluated: marked, and none of them NaN."""
    known: Mask = marks.astype(bool)
    for array in values.values():
        known &= ~np.isnan(array)
    return known


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


def check_same(
    path: Path,
    config: Mapping[str, Any],
    checkpoints: list[dict[str, str]],
    refinement: tuple[str, ...] = REFINEMENT,
) -> None:
    """Refuse to go on with a file that was begun with another configuration or other checkpoints.

    Runs are compared by the SHA-256 of their checkpoints, not by how their paths were written; keys of
    `refinement` may differ.

    Raises:
        LandscapeError: naming the first difference.
    """
    surface = read(path)
    difference = first_difference(surface.config, config, ignore=(*CIRCUMSTANCES, *PATHS, *refinement))
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
    """The one writer of a file: holds the values and puts each in its place on the disk as it comes.

    Attributes:
        values: dataset -> the values as they are in the file.
        evaluated: which points are.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self._descriptor = descriptor
        self._synced = time.monotonic()
        self._offsets: dict[str, int] = {}
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}

        def note(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and not name.startswith("directions/"):
                self._offsets[name] = item.id.get_offset()
                self._arrays[name] = np.asarray(item)

        with _opened(path) as file:
            file.visititems(note)
        self.values: dict[str, Array] = {
            name: array for name, array in self._arrays.items() if name.startswith(("train/", "test/"))
        }
        self.evaluated: Mask = _evaluated(self._arrays["evaluated"], self.values)

    def write_point(self, index: tuple[int, ...], values: Mapping[str, float]) -> None:
        """Store the values of a point, what is not finite as +inf, and then that it is evaluated."""
        for name, value in values.items():
            self._put(name, index, value if np.isfinite(value) else np.inf)
        self._put("evaluated", index, 1)
        self.evaluated[index] = True
        if time.monotonic() - self._synced > SECONDS_BETWEEN_SYNCS:
            os.fsync(self._descriptor)
            self._synced = time.monotonic()

    def write_array(self, name: str, content: Array) -> None:
        """Store a whole dataset."""
        self._arrays[name][...] = content
        little = np.ascontiguousarray(content, dtype="<f8").tobytes()
        self._write(little, self._offsets[name])

    def losses(self) -> list[Array]:
        """Return the losses of each split, as they are in the file."""
        return [values for name, values in self.values.items() if name.endswith("/loss")]

    def write_row(self, name: str, row: int, content: Array) -> None:
        """Store a row of a dataset."""
        array = self._arrays[name]
        array[row] = content
        little = np.ascontiguousarray(array[row], dtype="<f8").tobytes()
        os.pwrite(self._descriptor, little, self._offsets[name] + row * len(little))

    def array(self, name: str) -> Array:
        """Return a dataset as it is in the file."""
        return self._arrays[name]

    def _put(self, name: str, index: tuple[int, ...], value: float) -> None:
        array = self._arrays[name]
        array[index] = value
        place = int(np.ravel_multi_index(index, array.shape)) * array.itemsize
        number = array[index].astype(array.dtype.newbyteorder("<")).tobytes()
        self._write(number, self._offsets[name] + place)

    def _write(self, content: bytes, place: int) -> None:
        while content:  # at the end of a quota a part is written before the error
            written = os.pwrite(self._descriptor, content, place)
            content, place = content[written:], place + written


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Open a file, made by `create`, for its values; flushed to the disk at the end."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        with naming(path):
            yield Writer(path, descriptor)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
