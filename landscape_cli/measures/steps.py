"""How long a descent takes."""

import math

import numpy as np

from landscape_cli.arrays import Array


def steps_to(losses: Array, wanted: float) -> float:
    """Return the first step at which the loss is no more than `wanted`; infinite where it never is.

    Args:
        losses: of each step, from 0 on, (steps + 1,); NaN is above all.
        wanted: the loss.
    """
    reached = np.flatnonzero(losses <= wanted)
    return float(reached[0]) if len(reached) else math.inf


def first_at_least(values: Array, wanted: float) -> float:
    """Return the first place of a value of at least `wanted`; infinite where there is none.

    Args:
        values: such as accuracies, (n,); NaN is below all.
        wanted: the value.
    """
    return steps_to(-values, -wanted)
