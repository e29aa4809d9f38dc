"""What the file of a surface, a line or an interpolation holds, and how it is read."""

import errno
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from landscape_cli.arrays import Array, Mask
from landscape_cli.config import from_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.run_config import check_run_config
from landscape_cli.store import goldstein
from landscape_cli.store.datasets import coordinates, dataset, numbers, parsed, subgroup, text
from landscape_cli.store.spectrum import Spectra
from landscape_cli.store.trajectory import Trajectory
from landscape_cli.terminal import printable

FORMAT = "landscape-surface"
VERSION = 2
LONGEST_LABEL = 200  # characters


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
    layers: list[str] | None = None  # whose blocks the Hessian's eigenvalues are of, at x = 0, 1, …
    spectrum: Spectra | None = None  # at the epochs x, and the layers y = 0, 1, …

    def __repr__(self) -> str:
        shape = " x ".join(map(str, reversed(self.evaluated.shape)))
        done = f"{int(self.evaluated.sum()):,} of {self.evaluated.size:,} points evaluated"
        return f"<{self.kind} {self.path}: {shape}, {done}, {', '.join(self.values)}>"

    @property
    def kind(self) -> str:
        """``surface``, ``interpolation`` or ``spectrum``."""
        if self.spectrum is not None:
            return "spectrum"
        return "interpolation" if "alpha" in self.config else "surface"


@contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading; what the body cannot make sense of is the file's fault."""
    if path.suffix == ".csv" and path.is_file():
        raise LandscapeError(f"{path} is a table; the command that made it has put its pictures beside it")
    try:
        with h5py.File(path, "r", locking=False) as file:
            yield file
    except PermissionError as error:
        reason = os.strerror(error.errno or errno.EACCES)
        raise LandscapeError(f"{path} cannot be read ({reason}); let yourself read it") from error
    except (OSError, LookupError, ValueError, TypeError, RuntimeError, RecursionError) as error:
        raise LandscapeError(  # h5py has many ways to tell of damage
            f"{path} cannot be read as HDF5 ({error}); delete it to compute it again"
        ) from error


def read(path: Path) -> Surface:
    """Return the content of a surface file, finished or not, of this software or of Goldstein's.

    Raises:
        LandscapeError: there is no such file, it is no HDF5 file, or neither a surface of this software nor
            one of Goldstein's.
    """
    if not path.is_file():
        raise LandscapeError(
            f"no file {path}; `landscape surface` and `landscape interpolate` print the one they wrote"
        )
    with opened(path) as file:
        attributes = dict(file.attrs)
        if "format" not in attributes and goldstein.recognizes(file):
            return Surface(path=path, **goldstein.content(file))
        if attributes.get("format") != FORMAT:
            raise LandscapeError(
                f"{path} is not a surface of landscape: its format is {attributes.get('format')!r},"
                f" expected {FORMAT!r}; choose another file"
            )
        check_version(path, attributes, VERSION)
        x, y = coordinates(file, "x"), coordinates(file, "y") if "y" in file else None
        shape = (len(x),) if y is None else (len(y), len(x))
        values = {
            f"{split}/{name}": numbers(file, f"{split}/{name}", shape)
            for split in ("train", "test")
            if split in file
            for name in subgroup(file, split)
        }
        if not values:
            raise ValueError("it has no values")
        return Surface(
            path=path,
            x=x,
            y=y,
            values=values,
            evaluated=evaluated_points(numbers(file, "evaluated", shape), values),
            interpolation_error=numbers(file, "interpolation_error", shape),
            config=_command_config(text(attributes, "config")),
            run_config=_run_config(text(attributes, "run_config")),
            attributes=attributes,
            marks=_marks(parsed(attributes, "marks")),
            trajectory=Trajectory.read(file),
            layers=_layers(attributes, len(x)),
            spectrum=Spectra.read(file, attributes, math.prod(shape)),
        )


def check_version(path: Path, attributes: Mapping[str, Any], known: int) -> None:
    """Refuse a file of another version of its format.

    Raises:
        LandscapeError: naming both.
    """
    if attributes.get("version") != known:
        raise LandscapeError(
            f"{path} is of version {attributes.get('version')}, this landscape reads {known};"
            " install the landscape that wrote it, or compute it again into another file"
        )


def _command_config(yaml: str) -> dict[str, Any]:
    config = from_yaml(yaml)
    direction = config.get("direction")
    if not isinstance(direction, dict | None):
        raise ValueError(f"its configuration has direction: {direction!r}, expected a mapping")
    return config


def _run_config(yaml: str) -> dict[str, Any]:
    config = from_yaml(yaml)
    check_run_config(config, part=True)
    return config


def _marks(found: Any) -> list[tuple[str, float, float]]:
    """Return the known solutions that an attribute names."""
    marks = [(label, float(x), float(y)) for label, x, y in found]
    if not all(isinstance(label, str) and np.isfinite([x, y]).all() for label, x, y in marks):
        raise ValueError("its attribute marks must be labels with finite coordinates")
    return [(printable(label)[:LONGEST_LABEL], x, y) for label, x, y in marks]


def _layers(attributes: Mapping[str, Any], count: int) -> list[str] | None:
    """Return the names of the layers that the points are."""
    if "layers" not in attributes:
        return None
    found = parsed(attributes, "layers")
    if not isinstance(found, list) or len(found) != count or not all(isinstance(one, str) for one in found):
        raise ValueError(f"its attribute layers must be {count} names")
    return [printable(name)[:LONGEST_LABEL] for name in found]


def directions(path: Path) -> dict[str, dict[str, NDArray[np.float32]]]:
    """Return the directions of a surface file as they were used: axis -> parameter or buffer name -> array.

    The axes are ``x`` and, of a plane, ``y``; the names are in alphabetical order.

    Raises:
        LandscapeError: it is no HDF5 file.
    """
    with opened(path) as file:
        group = subgroup(file, "directions")
        return {axis: _datasets(subgroup(group, axis)) for axis in group}


def _datasets(group: h5py.Group) -> dict[str, NDArray[np.float32]]:
    """Return the arrays of a group by name; a name with a slash in it lies in groups of its own."""
    names: list[str] = []
    group.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
    return {name: np.asarray(dataset(group, name)) for name in names}


def evaluated_points(marks: np.ndarray[Any, Any], values: Mapping[str, Array]) -> Mask:
    """Return where the values are evaluated: marked, and none of them NaN."""
    known: Mask = marks.astype(bool)
    for array in values.values():
        known &= ~np.isnan(array)
    return known
