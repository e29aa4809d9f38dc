"""Descents for other programs."""

import csv
import io
from collections.abc import Callable
from typing import Any

import numpy as np

from landscape_cli.errors import LandscapeError
from landscape_cli.store.descent import FIELDS, Descent


def as_csv(descent: Descent) -> str:
    """Return a table with a row an optimizer, start and kept step: place, loss and gradient norm.

    Numbers read back to the same float64. The place of a descent that left for infinity is empty, its loss
    ``inf``.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    dimension = descent.minima.shape[1]
    writer.writerow(["optimizer", "start", "step", *(f"x{axis}" for axis in range(dimension)), *FIELDS[2:]])
    for name, path in descent.paths.items():
        for start in range(len(path.points)):
            for place, step in enumerate(path.steps.tolist()):
                where = ["" if np.isnan(x) else repr(x) for x in path.points[start, place].tolist()]
                values = [repr(float(values[start, place])) for values in (path.loss, path.gradient_norm)]
                writer.writerow([name, start, int(step), *where, *values])
    return text.getvalue()


def as_npz(descent: Descent) -> bytes:
    """Return all arrays for `numpy.load`: ``adam/points`` (n, k, d), ``adam/loss``, …, plane and minima."""
    arrays: dict[str, Any] = {
        f"{name}/{field}": getattr(path, field) for name, path in descent.paths.items() for field in FIELDS
    }
    plane = {"x": descent.x, "y": descent.y, "function": descent.values}
    arrays |= {name: array for name, array in plane.items() if array is not None}
    content = io.BytesIO()
    np.savez(content, **arrays, minima=descent.minima)
    return content.getvalue()


FORMATS: dict[str, Callable[[Descent], str | bytes]] = {"csv": as_csv, "npz": as_npz}


def exported(descent: Descent, format: str) -> str | bytes:
    """Return the content of the file.

    Raises:
        LandscapeError: the format has no place for paths on a function.
    """
    if format not in FORMATS:
        raise LandscapeError(
            f"format={format} is for surfaces, and {descent.path} holds descents; choose"
            f" {' or '.join(FORMATS)}"
        )
    return FORMATS[format](descent)
