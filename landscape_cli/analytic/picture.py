"""A function of two coordinates over the rectangle that its picture shows."""

from typing import Any

import numpy as np
import torch

from landscape_cli.analytic.function import Function
from landscape_cli.arrays import Array

COUNT = 201  # points along each axis
MARGIN = 0.05  # of the paths' extent
FARTHEST = 1.0  # widths of the box that a path may lead the picture beyond it


def over_plane(function: Function, points: Array, x: Any, y: Any) -> tuple[Array, Array, Array]:
    """Return coordinates (nx,), (ny,) and the function's values there, (ny, nx), float64.

    Args:
        function: of two coordinates.
        points: (n, 2), where its descents went; NaN where they left.
        x: first, last and count along x; None: the function's box, and what else holds the paths.
        y: likewise.
    """
    if x is None:
        x, y = (_range(function.box[axis], points[:, axis]) for axis in (0, 1))
    across, down = (np.linspace(first, last, int(count)) for first, last, count in (x, y))
    where = torch.from_numpy(np.stack(np.meshgrid(across, down), axis=-1))
    return across, down, function.value(where).numpy()


def _range(box: tuple[float, float], places: Array) -> list[float]:
    """Return the box along an axis, stretched to hold what lies around it."""
    low, high = box
    width = high - low
    near = places[(places >= low - FARTHEST * width) & (places <= high + FARTHEST * width)]
    for place in (near.min(), near.max()) if len(near) else ():
        low = min(low, place - MARGIN * width) if place < low else low
        high = max(high, place + MARGIN * width) if place > high else high
    return [float(low), float(high), COUNT]
