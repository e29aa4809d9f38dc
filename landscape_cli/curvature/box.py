"""Keskar's sharpness: how far the loss rises in a small box around the weights, relative to the loss.

Keskar et al. 2017, "On large-batch training for deep learning" (arXiv:1609.04836), section 2.2.2.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize

from landscape_cli.arrays import Array

ITERATIONS = 10  # of L-BFGS-B: the paper's
COLUMNS = 100  # of a random subspace: the paper's

Function = Callable[[Array], tuple[float, Array]]
"""A point (n,) -> the loss there and its gradient (n,); raises FloatingPointError where one is not finite."""


class Keskar(NamedTuple):
    """Keskar's sharpness.

    Attributes:
        phi: in percent of 1 + loss: a lower bound, for the maximum is sought.
        apart: by how much the two searches differ in it.
    """

    phi: float
    apart: float


def keskar(
    function: Function,
    point: Array,
    epsilon: float,
    random: np.random.RandomState,
    columns: Array | None = None,
) -> Keskar:
    """Return phi = 100 (max f(x + A z) - f(x)) / (1 + f(x)) over |z_i| <= epsilon (|(A^+ x)_i| + 1).

    The maximum is sought as in the paper, by 10 iterations of L-BFGS-B on -f (SciPy's), whose own criteria to
    stop are off: near a minimum the gradient is as small as these. One search starts at z = 0, another in a
    random corner of the box, so that phi is found where the gradient at x is zero, too; the highest place
    that they visit counts.

    Args:
        function: f; where it is not finite within the box, phi is infinite.
        point: x, (n,).
        epsilon: of the box, such as 1e-3.
        random: for the corner.
        columns: A, (n, k), for a subspace; None: the whole space, A = 1.
    """
    middle = point
    if columns is not None:
        middle = np.asarray(np.linalg.solve(columns.T @ columns, columns.T @ point))  # A^+ x
    limit = epsilon * (np.abs(middle) + 1)
    corner = limit * random.choice([-1.0, 1.0], len(limit))
    try:
        loss, _ = function(point)
        found = [_highest(function, point, limit, columns, start) for start in (0 * limit, corner)]
    except FloatingPointError:
        return Keskar(np.inf, np.inf)
    phis = [100 * max(0.0, height - loss) / (1 + loss) for height in found]
    return Keskar(max(phis), max(phis) - min(phis))


def _highest(function: Function, point: Array, limit: Array, columns: Array | None, start: Array) -> float:
    """Return the largest value at the places x + A z that a search within the box visits."""
    visited: list[float] = []

    def falling(z: Array) -> tuple[float, Array]:
        value, gradient = function(point + (z if columns is None else columns @ z))
        visited.append(value)
        return -value, -(gradient if columns is None else columns.T @ gradient)

    minimize(
        falling,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(-limit, limit, strict=True)),
        options={"maxiter": ITERATIONS, "gtol": 0, "ftol": 0},
    )
    return max(visited)


def random_columns(size: int, random: np.random.RandomState, count: int = COLUMNS) -> Array:
    """Return A, (size, count): normal columns, each of norm 1, of which a random subspace is spanned.

    With columns of another norm the same box in z would be one of another size in the weights.
    """
    columns = random.standard_normal((size, count))
    return np.asarray(columns / np.linalg.norm(columns, axis=0))
