"""The one writer of a file.

The file is made whole, with room for every value, before the first point: NaN stands for "not evaluated".
Values are then written in place, eight bytes each, into the datasets' fixed extents, without the HDF5
library. So a kill at any moment leaves a readable file, and readers need not wait for the writer. Last of a
point comes its mark in ``evaluated``: what is not marked is NaN, or interpolated between the points that are.
"""

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array, Mask
from landscape_cli.files import naming
from landscape_cli.store.surface import evaluated_points, opened

SECONDS_BETWEEN_SYNCS = 5  # a kill loses nothing; this is for power cuts


class Writer:
    """The one writer of a file: holds the values and puts each in its place on the disk as it comes.

    Attributes:
        values: dataset -> the values as they are in the file.
        evaluated: which points are.

    Args:
        path: the file.
        descriptor: of it, open.
        refusal: what is raised where something is to be written; None: it may be.
    """

    def __init__(self, path: Path, descriptor: int, refusal: OSError | None = None) -> None:
        self._descriptor, self._refusal = descriptor, refusal
        self._synced = time.monotonic()
        self._offsets: dict[str, int] = {}
        self._arrays: dict[str, np.ndarray[Any, Any]] = {}

        def note(name: str, item: object) -> None:
            if isinstance(item, h5py.Dataset) and not name.startswith("directions/"):
                self._offsets[name] = item.id.get_offset()
                self._arrays[name] = np.asarray(item)

        with opened(path) as file:
            file.visititems(note)
        self.values: dict[str, Array] = {
            name: array for name, array in self._arrays.items() if name.startswith(("train/", "test/"))
        }
        self.evaluated: Mask = evaluated_points(self._arrays["evaluated"], self.values)

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
        """Store a whole dataset, where it is another than before."""
        if np.array_equal(self._arrays[name], content, equal_nan=True):
            return
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
        self._write(little, self._offsets[name] + row * len(little))

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
        if self._refusal is not None:
            raise self._refusal
        while content:  # at the end of a quota a part is written before the error
            written = os.pwrite(self._descriptor, content, place)
            content, place = content[written:], place + written


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Open a file, made by `create`, for its values; flushed to the disk at the end.

    One that may only be read is refused when there is something to write: it may be finished.
    """
    refusal = None
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        refusal, descriptor = error, os.open(path, os.O_RDONLY)
    try:
        with naming(path):
            yield Writer(path, descriptor, refusal)
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
