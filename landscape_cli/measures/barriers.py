"""How the loss rises on the straight line between two points: above its chord, and from step to step."""

import numpy as np

from landscape_cli.arrays import Array


def barrier(alpha: Array, loss: Array) -> tuple[float, float]:
    """Return max over [0, 1] of L(alpha) - ((1 - alpha) L(0) + alpha L(1)), and the alpha where it is.

    Zero where the loss lies nowhere above the chord: the ends are on the grid. It is the barrier of
    Entezari et al. 2022 (arXiv:2110.06296).

    Args:
        alpha: coordinates, of shape (n,), with 0 and 1 among them.
        loss: of shape (n,).

    Raises:
        ValueError: 0 or 1 is not on the grid, or a loss at an end is not finite.
    """
    ends = [np.flatnonzero(np.isclose(alpha, end, atol=1e-9)) for end in (0.0, 1.0)]
    if any(len(end) == 0 for end in ends):
        raise ValueError("alpha 0 and 1 are not both on the grid; alpha=-0.5:1.5:41 has them")
    start, end = (float(loss[index[0]]) for index in ends)
    if not (np.isfinite(start) and np.isfinite(end)):
        raise ValueError("the loss at an end is not finite")
    between = (alpha >= -1e-9) & (alpha <= 1 + 1e-9)
    rise = loss[between] - ((1 - alpha[between]) * start + alpha[between] * end)
    highest = int(np.argmax(rise))
    return float(rise[highest]), float(alpha[between][highest])


def increases(alpha: Array, loss: Array, steps: int) -> int:
    """Return how many of `steps` equal steps from alpha = 0 to 1 raise the loss.

    Args:
        alpha: of shape (n,), with k / steps among them for k = 0 … steps.
        loss: of shape (n,).
        steps: how many.

    Raises:
        ValueError: one of these points is not on the grid.
    """
    places = np.arange(steps + 1) / steps
    nearest = np.abs(alpha[:, None] - places).argmin(axis=0)
    if not np.allclose(alpha[nearest], places, atol=1e-9):
        raise ValueError(f"the grid does not hold all of 0, 1/{steps}, …, 1; [-0.5,1.5,{2 * steps + 1}] does")
    return int((np.diff(loss[nearest]) > 0).sum())
