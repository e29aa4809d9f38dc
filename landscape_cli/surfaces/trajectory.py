"""The path of a training on the plane of its first two principal components (Li et al. 2018, section 7)."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.progress import note
from landscape_cli.store import Trajectory
from landscape_cli.store.trajectory import RECORDED
from landscape_cli.surfaces.grid import grid
from landscape_cli.weights import pca
from landscape_cli.weights.arithmetic import Vector
from landscape_cli.weights.directions import random

COUNT = 31  # points along an axis
MARGIN = 0.15  # of the path's larger extent, around it


def trajectory(
    weights: Callable[[int], Mapping[str, Tensor]],
    params: Vector,
    names: Collection[str],
    epochs: Sequence[int],
    recorded: Mapping[str, Any],
    *,
    ignore: str,
    seed: int,
) -> tuple[dict[str, Vector], Trajectory]:
    """Return the directions of the plane that a path lies in best, and where its points lie.

    Li et al.'s code takes all parameters unless told ``--ignore biasbn``; so does this.

    Args:
        weights: number of a point -> the weights there, by parameter name; read again when they are needed.
        params: those of the last point, the origin.
        names: of those that move.
        epochs: of the points, increasing.
        recorded: the losses, and accuracies or None, of `RECORDED` at the points, as training recorded them.
        ignore: ``biasbn``: parameters with one dimension do not move; or ``none``.
        seed: of the two Gaussian directions that the plane is compared with.

    Raises:
        LandscapeError: nothing moves.
    """
    moving = {name: params[name] for name in names if ignore == "none" or params[name].ndim > 1}
    if not moving:
        raise LandscapeError(
            "nothing would move: with ignore=biasbn parameters of one dimension stay; say ignore=none"
        )

    def load(number: int) -> Tensor:
        return pca.flat(weights(number), moving)

    n, origin = len(epochs) - 1, pca.flat(params, moving)
    products = pca.gram(load, n, origin)
    ratios, coefficients = pca.components(products)
    axes = pca.directions(load, coefficients, origin)
    plane = {axis: pca.unflat(row, params, moving) for axis, row in zip("xy", axes, strict=True)}
    places, distances = pca.project(
        lambda number: pca.flat(weights(number), params),
        n + 1,
        pca.flat(params, params),
        _stacked(plane, params),
    )
    gaussian = {axis: random(moving, norm="none", ignore="none", seed=seed, axis=axis) for axis in "xy"}
    _, off = pca.project(load, n, origin, _stacked(gaussian, moving))
    by_chance = float(1 - np.sum(off**2) / np.trace(products))
    note(
        f"{n + 1} checkpoints: of their squared distance to the last one"
        f" the plane holds {ratios[:2].sum():.2%}, that of two random directions {by_chance:.2%}"
    )
    return plane, Trajectory(
        epoch=np.array(epochs),
        x=places[:, 0],
        y=places[:, 1],
        distance=distances,
        **{name: recorded[name] for name in RECORDED},
        random_plane_ratio=by_chance,
        explained_variance_ratio=ratios,
        centred_explained_variance_ratio=pca.centred_ratio(products),
    )


def around(path: Trajectory) -> tuple[Array, Array]:
    """Return coordinates x and y, zero among them, that hold the path, and a margin."""
    margin = MARGIN * max(np.ptp(path.x), np.ptp(path.y))
    return _around(path.x, margin), _around(path.y, margin)


def _stacked(plane: Mapping[str, Vector], names: Mapping[str, Tensor]) -> Tensor:
    """Return both directions as rows, of shape (2, p)."""
    return torch.stack([pca.flat(plane[axis], names) for axis in "xy"])


def _around(values: Array, margin: float) -> Array:
    """Return coordinates, zero among them, that hold these values and zero, and a margin.

    Their step has two digits, so rounding on another machine gives the same ones.
    """
    low, high = min(values.min(), 0.0) - margin, max(values.max(), 0.0) + margin
    step = (high - low) / (COUNT - 2)  # one is left over for the shift that makes zero one of them
    digit = 10.0 ** (math.floor(math.log10(step)) - 1)
    step = math.ceil(step / digit - 1e-6) * digit
    below = math.ceil(-low / step)
    return grid(-below * step, (COUNT - 1 - below) * step, COUNT)
