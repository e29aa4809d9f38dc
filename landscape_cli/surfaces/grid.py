"""The loss at the points of a grid, into a file that is never lost."""

import sys
import time
from collections.abc import Callable, Iterable

import numpy as np

from landscape_cli.arrays import Array, Index, Mask
from landscape_cli.progress import bar, duration
from landscape_cli.workers.processes import Alone, Leader, Values

LONG = 600  # seconds to go from which a cheaper way is pointed out
FIRST = 3  # points from which the time of all is told


def grid(first: float, last: float, count: float) -> Array:
    """Return `count` coordinates from first to last, float64; zero up to rounding is zero."""
    values = np.linspace(first, last, int(count))
    values[np.abs(values) < 1e-12 * (last - first)] = 0.0
    return values


def sweep(
    group: Alone | Leader,
    evaluate: Callable[[Index], Values],
    receive: Callable[[Index, Values], None],
    rounds: Iterable[list[Index]],
    evaluated: Mask,
    description: str,
    advice: str = "",
) -> None:
    """Evaluate round after round of points; each is received as soon as it is there.

    Args:
        group: who computes.
        evaluate: index -> values.
        receive: keeps the values of a point, and marks it in `evaluated`.
        rounds: the points; which ones a round has may depend on what was received before.
        evaluated: of the grid's shape.
        description: what the progress bar says.
        advice: what to add where it takes long.
    """
    started, done = time.monotonic(), 0

    def noted(index: Index, values: Values) -> None:
        nonlocal done
        receive(index, values)
        done += 1
        progress.update()
        left = (evaluated.size - progress.n) * (time.monotonic() - started) / done
        if done == FIRST and left > LONG:
            progress.write(f"{description}: about {duration(left)} to go{advice}", file=sys.stderr)

    with bar(evaluated.size, description, "points", initial=int(evaluated.sum())) as progress:
        for wanted in rounds:
            group.evaluate(wanted, evaluate, noted)
