"""How far from the weights the loss has risen by a given amount: the radius of the valley."""

from collections.abc import Callable, Iterable

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures import line_radius
from landscape_cli.measures.estimates import standard_error

NEAR, FAR = 0.01, 8.0  # in units of the directions, where the radius is looked for
RATIO = 1.25  # of one distance to the one before: between them the loss is taken for linear


def radius(
    value: Callable[[Array], float], point: Array, directions: Iterable[Array], rise: float
) -> tuple[float, float]:
    """Return the mean distance at which the loss is L(w) + rise, over directions and both signs.

    Along each line the loss is evaluated outward, at distances in equal ratios, until it has risen so far;
    `line_radius` puts the crossing between the last two. From 0.01 to 8 there are 31 distances.

    Args:
        value: the loss at a point, +inf where it is not finite.
        point: w, (n,).
        directions: two or more, (n,), whose lengths are the unit.
        rise: in units of the loss.

    Returns:
        Mean and standard error over the directions; +inf and NaN where the loss has not risen so far at
        distance 8 on a side: the radius is censored.
    """
    distances = np.geomspace(NEAR, FAR, 1 + round(np.log(FAR / NEAR) / np.log(RATIO)))
    loss, radii = value(point), []
    for direction in directions:
        sides = {}
        for sign in (-1.0, 1.0):
            losses: list[float] = []
            for distance in distances:
                losses.append(value(point + sign * distance * direction))
                if losses[-1] >= loss + rise:
                    break
            sides[sign] = (sign * distances[: len(losses)], losses)
        x = np.concatenate([sides[-1.0][0][::-1], [0.0], sides[1.0][0]])
        height = np.concatenate([sides[-1.0][1][::-1], [loss], sides[1.0][1]])
        radii.append(line_radius(x, height, loss + rise))
    if not np.isfinite(radii).all():
        return np.inf, np.nan
    return float(np.mean(radii)), float(standard_error(radii))
