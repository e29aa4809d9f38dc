"""Which points of a line or plane to evaluate so that all others can be interpolated, and their values.

The grid is halved again and again, and each point belongs to one step of that: step 0 is a coarse lattice,
step 1 the centres of its cells, step 2 the middles of their edges, step 3 the centres of the cells that are
now half as wide, and so on. Every point that is evaluated also tests the interpolation: its *surprise* is the
difference between its log-loss and what the points of the steps before it predicted there. A point is
evaluated where the surprises beside it are above the tolerance, else interpolated.

Everything follows from the values known so far, so an interrupted surface, or one that is refined with
a smaller tolerance, goes on from what it has; points that are known for other reasons are used too. What no
value can tell is not found: a feature between the points of steps 0 and 1, narrower than a tenth of the
width, that leaves all of them alone. And the estimate is of a typical point: on a surface as rough as white
noise, whose surprises are about as large as the tolerance, the largest of all errors can be three times it.

The interpolant is a polyharmonic spline (radial basis function r^5 with a quadratic polynomial) through the
50 nearest points: it takes any set of points, and is as accurate as a bicubic spline on a full lattice.
Source: B. Fornberg and N. Flyer, A Primer on Radial Basis Functions with Applications to the Geosciences,
SIAM 2015.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape_cli.arrays import Array, Index, Mask

# SciPy is imported where it is used: surfaces without a tolerance need not wait a third of a second for it

IntArray = np.ndarray[Any, np.dtype[np.int64]]

# measured on planes of ResNets and on random surfaces, smooth and rough: errors against points evaluated
COARSE_LEVELS = 3  # the lattice of step 0 has at most 2^3 cells an axis
NEIGHBOURS = 50  # points that an interpolated value depends on
REACH = 1.5  # lattice spacings of its step to which a surprise tells something: the cell and those beside it
FADING = 0.5  # what is left of a surprise after one more step; less if smooth, all of it if rough


def wanted(
    x: Array, y: Array | None, losses: list[Array], evaluated: Mask, tolerance: float | None
) -> list[Index]:
    """Return the points to evaluate next, row by row; none when the surface is finished.

    All of them can be evaluated in any order, or at the same time. There are about seven such rounds.

    Args:
        x: coordinates (nx,).
        y: coordinates (ny,); None for a line.
        losses: the loss on each split, (ny, nx) or (nx,); read only where evaluated.
        evaluated: where the losses are known.
        tolerance: the estimated error of the natural logarithm of each loss up to which a point is
            interpolated; None: never.
    """
    if tolerance is None:
        return _indices(~evaluated)
    steps = _halvings(evaluated.shape).steps
    missing = estimated_errors(x, y, losses, evaluated) > tolerance
    return _indices(missing & (steps == steps[missing].min(initial=steps.max())))


def estimated_errors(x: Array, y: Array | None, losses: list[Array], evaluated: Mask) -> Array:
    """Return the estimated |error| of the interpolated log-loss at each point, the largest over the splits.

    It is 0 where evaluated, +inf where nothing is known about it: at the points of steps 0 and 1, next to
    a loss that is +inf or not positive, and where the points known are on one conic, as two rows are.

    Args:
        x: coordinates (nx,).
        y: coordinates (ny,); None for a line.
        losses: the loss on each split, (ny, nx) or (nx,); read only where evaluated.
        evaluated: where the losses are known.
    """
    halvings = _halvings(evaluated.shape)
    logs = np.stack([_logarithm(loss, evaluated) for loss in losses], axis=-1)
    finite: Mask = np.asarray(np.isfinite(logs).all(axis=-1))
    positions = _positions(x, y)
    surprises = _surprises(positions, halvings.steps, logs, finite)
    errors = np.zeros(evaluated.shape)
    for step in range(halvings.steps.max() + 1):
        missing = (halvings.steps == step) & ~evaluated
        if missing.any():
            errors[missing] = _expected(halvings, step, missing, surprises, finite, evaluated & ~finite)
    errors[~evaluated] = np.where(_determined(positions, finite, ~evaluated), errors[~evaluated], np.inf)
    return errors


def interpolated(x: Array, y: Array | None, values: Array, evaluated: Mask, *, positive: bool) -> Array:
    """Return the values with those that are not evaluated interpolated between the finite ones.

    Args:
        x: coordinates (nx,).
        y: coordinates (ny,); None for a line.
        values: (ny, nx) or (nx,); read only where evaluated, and returned there to the bit.
        evaluated: where the values are known.
        positive: interpolate the logarithm, as of a loss; else the values, within their range, as of an
            accuracy.

    Returns:
        A new array; NaN where too few finite values are near: not of a surface that is finished.
    """
    known = _logarithm(values, evaluated) if positive else np.where(evaluated, values, np.nan)
    finite = np.isfinite(known)
    filled = np.where(evaluated, values, np.nan)
    if evaluated.all() or not finite.any():
        return filled
    predicted = _predict(_positions(x, y), known[..., np.newaxis], finite, ~evaluated)[:, 0]
    least, most = known[finite].min(), known[finite].max()
    filled[~evaluated] = np.exp(predicted) if positive else predicted.clip(least, most)
    return filled


@dataclass(frozen=True)
class _Halvings:
    """The grid's points as halvings reach them.

    Attributes:
        places: (*shape, axes), in cells of the first lattice: exact binary fractions, whatever the rounding
            of indices, so that neighbours of a step are at equal distances.
        levels: how often the first lattice has been halved when the point is a lattice point.
        steps: the step of each point.
    """

    places: Array
    levels: IntArray
    steps: IntArray

    def spacing(self, where: Mask) -> float:
        """Return the lattice spacing after a step, given its points."""
        return float(0.5 ** self.levels[where].max())


def _halvings(shape: tuple[int, ...]) -> _Halvings:
    axes = [_halved(size) for size in shape]
    places = np.stack(np.meshgrid(*[place for place, _ in axes], indexing="ij"), axis=-1)
    by_axis = np.stack(np.meshgrid(*[level for _, level in axes], indexing="ij"), axis=-1)
    levels = by_axis.max(axis=-1)
    if len(shape) == 1:
        return _Halvings(places, levels, levels)
    centre = by_axis.min(axis=-1) == levels
    border = np.pad(np.zeros([size - 2 for size in shape], dtype=bool), 1, constant_values=True)
    # the middle of an edge on the border has a centre on one side only: it is tested along with the centres
    steps = np.where(levels > 0, 2 * levels - (centre | border), 0)
    return _Halvings(places, levels, steps)


def _halved(size: int) -> tuple[Array, IntArray]:
    """Return each index's place, in cells of the first lattice, and its level, by halving 0 … size - 1."""
    places, levels = np.zeros(size), np.zeros(size, dtype=np.int64)
    places[-1] = 2.0**COARSE_LEVELS
    intervals = [(0, size - 1)]
    while intervals:
        first, last = intervals.pop()
        middle = (first + last) // 2
        if middle > first:
            places[middle] = (places[first] + places[last]) / 2
            levels[middle] = max(levels[first], levels[last]) + 1
            intervals += [(first, middle), (middle, last)]
    return places, np.maximum(levels - COARSE_LEVELS, 0)


def _positions(x: Array, y: Array | None) -> Array:
    """Return the coordinates (*shape, axes), each axis scaled to the length 1."""
    axes = [(axis - axis[0]) / (axis[-1] - axis[0]) for axis in ([x] if y is None else [y, x])]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _logarithm(values: Array, evaluated: Mask) -> Array:
    """Return log(values), and NaN where it is unknown or not finite."""
    usable = evaluated & np.isfinite(values) & (np.where(evaluated, values, 0.0) > 0)
    return np.log(values, out=np.full(values.shape, np.nan), where=usable)


def _predict(positions: Array, values: Array, known: Mask, targets: Mask) -> Array:
    """Return the interpolated values (targets, splits) from (*shape, splits); NaN where undetermined."""
    from scipy.interpolate import RBFInterpolator

    predicted = np.full((int(targets.sum()), values.shape[-1]), np.nan)
    sure = _determined(positions, known, targets)
    if sure.any():
        count = min(NEIGHBOURS, int(known.sum()))
        spline = RBFInterpolator(positions[known], values[known], count, kernel="quintic", degree=2)
        predicted[sure] = spline(positions[targets][sure])
    return predicted


def _determined(positions: Array, known: Mask, targets: Mask) -> Mask:
    """Return for which targets the nearest known points determine a quadratic: those on one conic do not."""
    from scipy.spatial import KDTree

    places, axes, count = positions[known], positions.shape[-1], min(NEIGHBOURS, int(known.sum()))
    terms = (axes + 1) * (axes + 2) // 2
    if count < terms:
        return np.zeros(int(targets.sum()), dtype=bool)
    _, nearest = KDTree(places).query(positions[targets], k=range(1, count + 1))
    near = places[nearest] - positions[targets][:, np.newaxis]
    near /= np.abs(near).max(axis=(1, 2), keepdims=True)
    products = [near[..., i] * near[..., j] for i in range(axes) for j in range(i, axes)]
    quadratic = np.stack([np.ones(near.shape[:2]), *np.moveaxis(near, -1, 0), *products], axis=-1)
    singular = np.linalg.svd(quadratic, compute_uv=False)
    return np.asarray(singular[:, -1] > 1e-6 * singular[:, 0])


def _surprises(positions: Array, steps: IntArray, logs: Array, finite: Mask) -> Array:
    """Return |log-loss - its prediction by the steps before|, NaN where a point tests nothing.

    It is +inf where those steps do not determine a prediction.
    """
    surprises = np.full(steps.shape, np.nan)
    for step in range(1, steps.max() + 1):
        tested = finite & (steps == step)
        if tested.any():
            predicted = _predict(positions, logs, finite & (steps < step), tested)
            missed = np.abs(predicted - logs[tested]).max(axis=-1)
            surprises[tested] = np.where(np.isnan(missed), np.inf, missed)
    return surprises


def _expected(
    halvings: _Halvings,
    step: int,
    missing: Mask,
    surprises: Array,
    finite: Mask,
    infinite: Mask,
) -> Array:
    """Return the errors to expect at the missing points of a step, from the surprises of the steps before.

    It is the largest surprise within reach, of the last step or, faded, of the one before that; where these
    have no points, because all was well before them, of the last step that has.
    """
    from scipy.ndimage import binary_dilation
    from scipy.spatial import KDTree

    places = halvings.places[missing]
    errors = np.full(len(places), np.nan)
    for age, earlier in enumerate(range(step - 1, 0, -1)):
        tested = (halvings.steps == earlier) & finite
        if not tested.any():
            continue
        reach = REACH * halvings.spacing(tested)
        beside = _largest_within(reach, places, halvings.places[tested], surprises[tested])
        if age < 2:
            errors = np.fmax(errors, beside * FADING**age)
        else:
            errors = np.where(np.isnan(errors), beside, errors)
    errors[np.isnan(errors)] = np.inf
    if infinite.any():
        distance, _ = KDTree(halvings.places[infinite]).query(places, p=np.inf)
        beside_grid = binary_dilation(infinite, np.ones((3,) * infinite.ndim, dtype=bool))[missing]
        errors[beside_grid | (distance <= 2 * halvings.spacing(missing))] = np.inf
    return errors


def _largest_within(reach: float, places: Array, others: Array, values: Array) -> Array:
    """Return the largest value of the others within reach of each place (Chebyshev distance), else NaN."""
    from scipy.spatial import KDTree

    ranks = range(1, min(16, len(others)) + 1)  # a step has fewer points than that within its reach
    tree = KDTree(others)
    _, nearest = tree.query(places, k=ranks, p=np.inf, distance_upper_bound=reach * (1 + 1e-9))
    largest: Array = np.fmax.reduce(np.append(values, np.nan)[nearest], axis=1)
    return largest


def _indices(where: Mask) -> list[Index]:
    return [tuple(map(int, index)) for index in np.argwhere(where)]
