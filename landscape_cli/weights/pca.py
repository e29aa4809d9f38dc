"""The plane that a path through weight space lies in best: principal components about its last point.

Li et al. (2018), section 7: M = [theta_0 - theta_n; ...; theta_{n-1} - theta_n], and its first two
principal components. Of the two readings of that this is the one without centring: the right singular vectors
of M itself. Their plane goes through theta_n, where the surface is drawn, and of all planes through theta_n
it has the least sum of squared distances to the points; the ratios tell how much of sum ||theta_i -
theta_n||^2 lies in the plane of the picture. A PCA that first moves the origin to the mean of the rows, as
Li et al.'s code does by way of scikit-learn, finds the best plane through that mean. The picture is of the
parallel plane through theta_n, of whose distance to the path the centred ratios then say nothing;
`centred_ratio` gives them for comparison with published numbers.

A path has few points of many weights, so all is done through the Gram matrix M M^T, of shape (n, n), and the
points are loaded one after the other. They are rows of float32, and every sum over weights is in float64.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.weights.arithmetic import Vector

Load = Callable[[int], Tensor]
"""Number of a point of the path -> its weights, of shape (p,); the same at every call."""

HELD = 2**30  # bytes of points in memory at once; a longer path is loaded several times
CHUNK = 2**16  # weights of all held points turned into float64 at once
TIE = 1e-6  # relative difference below which two coordinates count as equally far out
RANK = 1e-10  # ratio below which a second component is rounding


def flat(point: Mapping[str, Tensor], names: Iterable[str]) -> Tensor:
    """Return the weights of these names, one after the other, of shape (p,)."""
    return torch.cat([point[name].detach().flatten() for name in names])


def unflat(row: Tensor, like: Mapping[str, Tensor], names: Iterable[str]) -> Vector:
    """Return what `flat` made a row of: tensors of the shapes of `like`, zero where `names` lacks one."""
    taken = list(names)
    parts = dict(zip(taken, row.split([like[name].numel() for name in taken]), strict=True))
    return {
        name: parts[name].reshape(tensor.shape) if name in parts else torch.zeros(tensor.shape)
        for name, tensor in like.items()
    }


def gram(load: Load, count: int, origin: Tensor, held: int = HELD) -> Array:
    """Return the inner products of theta_i - origin with each other, of shape (count, count).

    Args:
        load: the points.
        count: of the points.
        origin: theta_n, of shape (p,).
        held: bytes of points in memory at once.

    Raises:
        LandscapeError: weights of a point, or the origin's, are not finite.
    """
    rows = max(1, held // (origin.numel() * origin.element_size()))
    products = np.zeros((count, count))
    for start in range(0, count, rows):
        stop = min(start + rows, count)
        block = torch.stack([load(number) for number in range(start, stop)])
        products[start:stop, start:stop] = _products(block, block, origin)
        for other in range(stop, count):
            column = _products(block, load(other)[None], origin)
            products[start:stop, other], products[other, start:stop] = column[:, 0], column[:, 0]
    if not np.isfinite(products).all():
        lost = np.flatnonzero(~np.isfinite(np.diag(products)))
        raise LandscapeError(
            f"the weights of {len(lost)} of {count + 1} checkpoints, or their differences, are not finite;"
            " training diverged: choose earlier epochs="
        )
    return products


def _products(one: Tensor, other: Tensor, origin: Tensor) -> Array:
    """Return the inner products of the rows of two blocks, about the origin."""
    total = torch.zeros(len(one), len(other), dtype=torch.float64)
    for start in range(0, len(origin), CHUNK):
        part = slice(start, start + CHUNK)
        centre = origin[part].double()
        left = one[:, part].double() - centre
        right = left if other is one else other[:, part].double() - centre
        total += left @ right.T
    return total.numpy()


def components(products: Array) -> tuple[Array, Array]:
    """Return the share of each component and the coefficients of the first two unit directions.

    Direction k is sum_i coefficients[k, i] (theta_i - theta_n). Of its two signs it has the one under which
    the farthest point along it lies to the left (k = 0) or at the top (k = 1), so that a path in the plane
    runs to the origin from the left; of points that are equally far the first decides.

    Args:
        products: M M^T, of shape (n, n).

    Returns:
        The ratios, of shape (n,), descending, their sum 1: each component's share of sum ||theta_i -
        theta_n||^2. The coefficients, of shape (2, n).

    Raises:
        LandscapeError: the points lie on a line through the last one, or are all the same.
    """
    values, vectors = np.linalg.eigh(products)
    values, vectors = np.clip(values[::-1], 0.0, None), vectors[:, ::-1]
    if values[0] == 0:
        raise LandscapeError("the checkpoints have the same weights and span no plane; choose other epochs=")
    ratios = values / values.sum()
    if len(ratios) < 2 or ratios[1] < RANK:
        raise LandscapeError("the checkpoints lie on a line and span no plane; choose other epochs=")
    coefficients = []
    for k, side in ((0, -1.0), (1, 1.0)):
        along = vectors[:, k]  # the coordinates of the points, but for their scale
        farthest = np.flatnonzero(np.abs(along) >= (1 - TIE) * np.abs(along).max())[0]
        coefficients.append(side * np.sign(along[farthest]) * along / np.sqrt(values[k]))
    return ratios, np.stack(coefficients)


def centred_ratio(products: Array) -> Array:
    """Return the explained variance ratios about the mean of all n + 1 points, of shape (n + 1,), descending.

    These are scikit-learn's of the rows theta_i - theta_n, i = 0, ..., n, as in Li et al.'s code.

    Args:
        products: M M^T, of shape (n, n).
    """
    padded = np.pad(products, (0, 1))  # the last row of all is theta_n - theta_n
    centred = padded - padded.mean(axis=0) - padded.mean(axis=1)[:, None] + padded.mean()
    values = np.clip(np.linalg.eigvalsh(centred)[::-1], 0.0, None)
    return np.asarray(values / values.sum())


def directions(load: Load, coefficients: Array, origin: Tensor) -> Tensor:
    """Return the directions of the coefficients, of shape (2, p), float32, in one pass over the points."""
    total = torch.zeros(len(coefficients), origin.numel(), dtype=torch.float64)
    weights = torch.from_numpy(coefficients)
    for number in range(coefficients.shape[1]):
        total += torch.outer(weights[:, number], load(number).double() - origin.double())
    return total.float()


def project(load: Load, count: int, origin: Tensor, plane: Tensor) -> tuple[Array, Array]:
    """Return where in a plane the points lie, and how far from it.

    The coordinates minimize ||theta_i - origin - x d_x - y d_y||, which is right for directions of any length
    and angle; their unit is that of the directions' own steps.

    Args:
        load: the points.
        count: of the points.
        origin: of the plane, of shape (p,).
        plane: d_x and d_y, of shape (2, p).

    Returns:
        Coordinates, of shape (count, 2); distances, of shape (count,).
    """
    axes = plane.double()
    inverse = torch.linalg.inv(axes @ axes.T)
    places, distances = np.zeros((count, 2)), np.zeros(count)
    for number in range(count):
        step = load(number).double() - origin.double()
        place = inverse @ (axes @ step)
        places[number] = place.numpy()
        distances[number] = float(torch.linalg.vector_norm(step - place @ axes))
    return places, distances
