"""A stored surface for other programs. Never imports torch."""

import csv
import io
import math
from collections.abc import Callable

import numpy as np

from landscape_cli.store.surface import Surface


def as_csv(surface: Surface) -> str:
    """Return a table with a row a point: x, on a plane y, whether it was evaluated, and every value.

    Numbers read back to the same float64. What is not evaluated is an empty cell; a loss that is not finite
    is ``inf``. Rows run along x, and then along y, as the arrays [y, x] do.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    axes = {"x": surface.x} if surface.y is None else {"x": surface.x, "y": surface.y}
    writer.writerow([*axes, "evaluated", *surface.values])
    for index in np.ndindex(surface.evaluated.shape):
        places = [repr(float(axis[place])) for axis, place in zip(axes.values(), index[::-1], strict=True)]
        values = [float(array[index]) for array in surface.values.values()]
        cells = ["" if math.isnan(value) else repr(value) for value in values]
        writer.writerow([*places, int(surface.evaluated[index]), *cells])
    return text.getvalue()


FORMATS: dict[str, Callable[[Surface], str]] = {"csv": as_csv}
