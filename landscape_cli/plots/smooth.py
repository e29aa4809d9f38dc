"""Heights between the points of a coarse grid, for contours that are smooth curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array, Mask
from landscape_cli.store import Surface

STEPS = 150
"""Least number of steps along each axis of what contours are drawn from."""


def finer(x: Array, y: Array, heights: Any) -> tuple[Array, Array, Any]:
    """Return coordinates with at least `STEPS` steps along each axis, and the heights there.

    They are cubic along both axes, monotone between neighbouring points (Fritsch and Butland 1984): within a
    cell of the grid no height lies beyond those of its corners, so there are no minima that were not
    evaluated. At the points themselves the heights are the given ones. Cells with a masked corner are masked.

    Args:
        x: (nx,), increasing.
        y: (ny,), increasing.
        heights: (ny, nx), masked where there is none.
    """
    from scipy.interpolate import PchipInterpolator  # a third of a second, for contours alone

    (fine_x, x_factor), (fine_y, y_factor) = (_divided(each) for each in (x, y))
    mask = np.ma.getmaskarray(heights)
    along_x = PchipInterpolator(x, _filled(x, y, np.ma.getdata(heights), mask), axis=1)(fine_x)
    fine = np.asarray(PchipInterpolator(y, along_x, axis=0)(fine_y))
    fine[::y_factor, ::x_factor] = np.ma.getdata(heights)  # to the last bit
    return fine_x, fine_y, np.ma.masked_array(fine, mask=_cells(mask, x_factor, y_factor))


def smooth_note(surfaces: Sequence[Surface]) -> str:
    """Return between which points contours are interpolated; empty if no plane of them is."""
    sizes = {(len(each.x), len(each.y)) for each in surfaces if each.y is not None}
    if all(min(size) > STEPS for size in sizes):
        return ""
    points = "\N{MULTIPLICATION SIGN}".join(map(str, sizes.pop())) if len(sizes) == 1 else "the"
    whole = all(surface.evaluated.all() for surface in surfaces)
    return f"contours interpolated between {points}{' evaluated' if whole else ''} points"


def _divided(centers: Array) -> tuple[Array, int]:
    """Return coordinates with each step divided by the number that is returned with them."""
    factor = max(-(-STEPS // (len(centers) - 1)), 1)
    places = np.arange(factor * (len(centers) - 1) + 1) / factor
    return np.interp(places, np.arange(len(centers)), centers), factor


def _filled(x: Array, y: Array, heights: Array, mask: Mask) -> Array:
    """Return heights with those that are masked interpolated along rows, and whole rows along columns."""
    filled, known = heights.copy(), ~mask.all(axis=1)
    for row in np.flatnonzero(mask.any(axis=1) & known):
        there = ~mask[row]
        filled[row] = np.interp(x, x[there], heights[row, there])
    for column in range(len(x) if not known.all() else 0):
        filled[:, column] = np.interp(y, y[known], filled[known, column])
    return filled


def _cells(mask: Mask, x_factor: int, y_factor: int) -> Mask:
    """Return which points of the finer grid lie in a cell, or on an edge, with a masked corner."""
    ny, nx = mask.shape
    rows, columns = np.arange(y_factor * (ny - 1) + 1), np.arange(x_factor * (nx - 1) + 1)
    below, above = rows // y_factor, -(-rows // y_factor)
    left, right = columns // x_factor, -(-columns // x_factor)
    corners = [mask[np.ix_(each, other)] for each in (below, above) for other in (left, right)]
    return np.asarray(np.any(corners, axis=0))
