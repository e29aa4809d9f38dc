"""The file of descents: paths of optimizers on a function, and the function over its plane."""

import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.config import from_yaml, to_yaml
from landscape_cli.errors import LandscapeError
from landscape_cli.files import replacing
from landscape_cli.store.datasets import coordinates, numbers, parsed, subgroup, text
from landscape_cli.store.surface import check_version, opened
from landscape_cli.terminal import printable

FORMAT = "landscape-descent"
VERSION = 1
LONGEST = 200  # characters of a formula or of a name
FIELDS = ("steps", "points", "loss", "gradient_norm")


@dataclass(frozen=True)
class OptimizerPath:
    """Where one optimizer went from n starts in d dimensions.

    Attributes:
        steps: (k,), after how many steps it is told where the points are; the first is 0.
        points: (n, k, d); NaN from the step on at which one had left for infinity.
        loss: (n, k), the function's values; inf there.
        gradient_norm: (n, k), likewise.
    """

    steps: Array
    points: Array
    loss: Array
    gradient_norm: Array


@dataclass(frozen=True)
class Descent:
    """Paths of optimizers on a function.

    Attributes:
        path: the file.
        paths: name of each optimizer -> its paths.
        x: (nx,), of the function's picture; None where it has another number of coordinates than two.
        y: (ny,), likewise.
        values: (ny, nx), the function there, likewise.
        minima: (m, d), the minimizers that are known.
        lowest: the function's least value; None: not known.
        grid: (ny, nx) where the starts are those of a grid, row by row, else None.
        formula: of the function, in words.
        config: of the command that computed it.
        attributes: of the file.
    """

    path: Path
    paths: Mapping[str, OptimizerPath]
    x: Array | None
    y: Array | None
    values: Array | None
    minima: Array
    lowest: float | None
    grid: tuple[int, int] | None
    formula: str
    config: dict[str, Any]
    attributes: dict[str, Any]

    def __repr__(self) -> str:
        starts, _, dimension = next(iter(self.paths.values())).points.shape
        return f"<descent {self.path}: {starts:,} starts in {dimension} dimensions, {', '.join(self.paths)}>"

    @property
    def name(self) -> str:
        """The function's name."""
        return printable(str((self.config.get("function") or {}).get("name", self.path.stem)))[:LONGEST]


def is_descent(path: Path) -> bool:
    """Return whether a file is one of descents."""
    if not path.is_file():
        return False
    with opened(path) as file:
        return bool(file.attrs.get("format") == FORMAT)


def write_descent(
    path: Path,
    *,
    paths: Mapping[str, Any],
    plane: tuple[Array, Array, Array] | None,
    minima: Array,
    config: Mapping[str, Any],
    attributes: Mapping[str, str],
) -> None:
    """Write the file, whole or not at all.

    Args:
        path: where.
        paths: name -> an object with the fields of `OptimizerPath`.
        plane: x, y and the function's values there, or None.
        minima: (m, d).
        config: the command's resolved configuration.
        attributes: command, provenance, formula, lowest, grid: texts.
    """
    content = io.BytesIO()  # on a full disk HDF5's own writer ends the process
    with h5py.File(content, "w") as file:
        for name, each in paths.items():
            for field in FIELDS:
                file[f"paths/{name}/{field}"] = getattr(each, field)
        if plane is not None:
            file["x"], file["y"], file["function"] = plane
        file["minima"] = minima
        file.attrs.update(
            {
                "format": FORMAT,
                "version": VERSION,
                "config": to_yaml(config),
                "optimizers": json.dumps(list(paths)),
                **attributes,
            }
        )
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def read_descent(path: Path) -> Descent:
    """Return the content of a file of descents.

    Raises:
        LandscapeError: there is no such file, or it is none of descents.
    """
    if not path.is_file():
        raise LandscapeError(f"no file {path}; `landscape descend` prints the one it wrote")
    with opened(path) as file:
        attributes = dict(file.attrs)
        if attributes.get("format") != FORMAT:
            raise LandscapeError(
                f"{path} is no file of descents: its format is {attributes.get('format')!r},"
                f" expected {FORMAT!r}"
            )
        check_version(path, attributes, VERSION)
        optimizers = parsed(attributes, "optimizers")
        if not isinstance(optimizers, list) or not all(isinstance(name, str) for name in optimizers):
            raise ValueError("its attribute optimizers must be names")
        paths = {printable(name)[:LONGEST]: _path(subgroup(file, "paths"), name) for name in optimizers}
        if not paths:
            raise ValueError("it has no paths")
        shapes = {each.points.shape[::2] for each in paths.values()}
        if len(shapes) > 1:
            raise ValueError("its optimizers have different numbers of starts or coordinates")
        ((starts, dimension),) = shapes
        x = y = values = None
        if "function" in file:
            x, y = coordinates(file, "x"), coordinates(file, "y")
            values = numbers(file, "function", (len(y), len(x)))
        lowest = parsed(attributes, "lowest")
        return Descent(
            path=path,
            paths=paths,
            x=x,
            y=y,
            values=values,
            minima=numbers(file, "minima", (None, dimension)),
            lowest=None if lowest is None else float(lowest),
            grid=_grid(parsed(attributes, "grid"), starts),
            formula=printable(text(attributes, "formula"))[:LONGEST],
            config=from_yaml(text(attributes, "config")),
            attributes=attributes,
        )


def _path(group: h5py.Group, name: str) -> OptimizerPath:
    own = subgroup(group, name)
    steps = numbers(own, "steps", (None,))
    points = numbers(own, "points", (None, len(steps), None))
    if 0 in points.shape or (np.diff(steps) <= 0).any() or steps[0] != 0:
        raise ValueError(f"the steps of {name} must increase from 0, of at least one start")
    loss, slope = (numbers(own, field, points.shape[:2]) for field in ("loss", "gradient_norm"))
    return OptimizerPath(steps, points, loss, slope)


def _grid(found: Iterable[Any] | None, starts: int) -> tuple[int, int] | None:
    if found is None:
        return None
    rows, columns = (int(number) for number in found)
    if rows < 2 or columns < 2 or rows * columns != starts:
        raise ValueError(f"its attribute grid must be two numbers whose product is {starts}")
    return rows, columns
