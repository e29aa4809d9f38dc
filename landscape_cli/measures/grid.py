"""The grids that losses are measured on: what is a line, what a plane, where its centre is."""

from typing import Any

import numpy as np

from landscape_cli.arrays import Array

NEIGHBOURS = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if (down, right) != (0, 0)]


def checked_line(x: Array, loss: Array) -> tuple[Array, Array]:
    """Return the coordinates and losses of a line in float64.

    Args:
        x: increasing coordinates, of shape (n,), n >= 2.
        loss: of shape (n,).

    Raises:
        ValueError: the shapes do not fit, x does not increase, or a loss is NaN or -inf.
    """
    x, loss = np.asarray(x, dtype=np.float64), np.asarray(loss, dtype=np.float64)
    if x.ndim != 1 or loss.shape != x.shape or len(x) < 2:
        raise ValueError(
            f"a line has two coordinates or more and as many losses, not shapes {x.shape} and {loss.shape}"
        )
    _check_increasing("x", x)
    _check_losses(loss)
    return x, loss


def checked_plane(x: Array, y: Array, loss: Array) -> tuple[Array, Array, Array]:
    """Return the coordinates and losses of a plane in float64.

    Args:
        x, y: equally spaced, increasing coordinates, of shapes (nx,) and (ny,), both 3 or more.
        loss: of shape (ny, nx).

    Raises:
        ValueError: the shapes do not fit, an axis does not increase in equal steps, or a loss is NaN or -inf.
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    loss = np.asarray(loss, dtype=np.float64)
    if x.ndim != 1 or y.ndim != 1 or loss.shape != (len(y), len(x)) or min(loss.shape) < 3:
        raise ValueError(
            f"a plane has losses of shape (ny, nx), both 3 or more, not {loss.shape} "
            f"for y of shape {y.shape} and x of shape {x.shape}"
        )
    for name, axis in (("x", x), ("y", y)):
        _check_increasing(name, axis)
        if not np.allclose(np.diff(axis), step(axis), rtol=1e-4, atol=0):  # coordinates may be float32
            raise ValueError(f"{name} is not equally spaced")
    _check_losses(loss)
    return x, y, loss


def step(axis: Array) -> float:
    """Return the distance between two points of an equally spaced axis."""
    return float(axis[-1] - axis[0]) / (len(axis) - 1)


def nearest(axis: Array, place: float) -> int:
    """Return the index of the coordinate nearest to a place; of two equally near, the first."""
    return int(np.argmin(np.abs(axis - place)))


def centre(x: Array, y: Array) -> tuple[int, int]:
    """Return row and column of the grid point nearest to (0, 0); of two equally near, the lower.

    Raises:
        ValueError: an axis has 0 not between its ends.
    """
    for name, axis in (("x", x), ("y", y)):
        if not axis[0] <= 0 <= axis[-1]:
            raise ValueError(
                f"the plane has no centre: {name} goes from {axis[0]:g} to {axis[-1]:g}, without 0"
            )
    return nearest(y, 0.0), nearest(x, 0.0)


def around(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Return the eight neighbours of each interior point of (ny, nx): of shape (8, ny - 2, nx - 2)."""
    rows, columns = values.shape
    return np.stack([values[1 + i : rows - 1 + i, 1 + j : columns - 1 + j] for i, j in NEIGHBOURS])


def _check_increasing(name: str, axis: Array) -> None:
    if not (np.isfinite(axis).all() and (np.diff(axis) > 0).all()):
        raise ValueError(f"{name} does not increase from point to point")


def _check_losses(loss: Array) -> None:
    if np.isnan(loss).any():
        raise ValueError(f"{int(np.isnan(loss).sum())} of {loss.size} losses are NaN: not evaluated yet")
    if np.isneginf(loss).any():
        raise ValueError("a loss is -inf")
