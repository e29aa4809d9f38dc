"""Planes for every measure: random ones, and bowls."""

import numpy as np

from landscape_cli.arrays import Array

SEEDS = range(40)
Plane = tuple[Array, Array, Array]


def random_plane(seed: int, infinite: float = 0.1) -> Plane:
    """A plane of more columns than rows, of unequal steps, with plateaus where the seed is odd."""
    rng = np.random.default_rng(seed)
    x = np.linspace(-1, 1, 2 * rng.integers(4, 9) + 1)
    y = np.linspace(-0.3, 0.3, 2 * rng.integers(1, 4) + 1)
    loss = rng.integers(0, 6, (len(y), len(x))) / 6 if seed % 2 else rng.random((len(y), len(x)))
    loss[rng.random(loss.shape) < infinite] = np.inf
    loss[len(y) // 2, len(x) // 2] = rng.random() / 2
    return x, y, loss


def bowl(a: float, b: float, nx: int = 241, ny: int = 201, extent: tuple[float, float] = (1.2, 0.8)) -> Plane:
    x, y = np.linspace(-extent[0], extent[0], nx), np.linspace(-extent[1], extent[1], ny)
    return x, y, a * x[None] ** 2 + b * y[:, None] ** 2


def centre_twin(x: Array, y: Array) -> tuple[int, int]:
    squares = {(i, j): b * b + a * a for i, b in enumerate(y.tolist()) for j, a in enumerate(x.tolist())}
    return min(squares, key=lambda place: squares[place])
