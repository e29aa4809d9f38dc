"""How far the loss rises in a ball around the weights: the sharpness that SAM and ASAM lower.

Foret et al. 2021 (arXiv:2010.01412); adaptive: Kwon et al. 2021 (arXiv:2102.11600).
"""

from typing import NamedTuple

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.curvature.box import Function

ETA = 0.01  # lets weights of zero be perturbed: that of the optimizer's ASAM


class Rise(NamedTuple):
    """How far the loss rises.

    Attributes:
        highest: the largest loss found in the ball, minus that in its middle: a lower bound of the maximum.
        apart: the largest minus the smallest of the losses to which the starts led: near 0 where they agree.
        first_order: loss minus that in the middle where the gradient points to, on the border of the ball.
    """

    highest: float
    apart: float
    first_order: float


def rise_in_ball(
    function: Function,
    point: Array,
    radius: float,
    scales: Array | float = 1.0,
    *,
    starts: int,
    steps: int,
    random: np.random.RandomState,
) -> Rise:
    """Return how far the loss rises within ||d / s|| <= radius, by projected gradient ascent.

    The ascent is in u = d / s, each step as long as the radius: u <- P(u + radius g / ||g||), where g is the
    gradient by u and P the projection onto the ball. Ascents start where SAM (s = 1) and ASAM (s = |w| +
    0.01) evaluate the gradient, at radius g / ||g||, and at random places on the border.

    Args:
        function: the loss; where it is not finite within the ball, all is infinite.
        point: the middle, (n,).
        radius: in units of u.
        scales: s, (n,) or one number.
        starts: how many, the first one is that of SAM.
        steps: of each ascent.
        random: for the other starts.
    """
    try:
        loss, gradient = function(point)
        places = [np.asarray(scales * gradient)]
        places += [random.standard_normal(len(point)) for _ in range(starts - 1)]
        heights = []
        for place in places:
            length = np.linalg.norm(place)
            start = place * (radius / length) if length else place
            heights.append(
                [height - loss for height in _ascent(function, point, radius, scales, start, steps)]
            )
    except FloatingPointError:
        return Rise(np.inf, np.inf, np.inf)
    ends = [max(0.0, *visited) for visited in heights]
    return Rise(max(ends), max(ends) - min(ends), heights[0][0])


def _ascent(
    function: Function, point: Array, radius: float, scales: Array | float, start: Array, steps: int
) -> list[float]:
    """Return the losses at the start and after each step."""
    place, heights = start, []
    for _ in range(steps + 1):
        height, gradient = function(point + scales * place)
        heights.append(height)
        slope = scales * gradient
        length = np.linalg.norm(slope)
        if length == 0:
            break
        place = place + radius / length * slope
        place *= min(1.0, radius / float(np.linalg.norm(place)))
    return heights
