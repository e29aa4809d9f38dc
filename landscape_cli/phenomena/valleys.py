"""How wide the valley around a run's weights is, from filter-normalized lines and planes."""

from collections.abc import Sequence

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures import mean_radius
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.runs import Run
from landscape_cli.store import Surface

LOSS = "train/loss"


def test_error(run: Run) -> float:
    """Return the test error of a run's last epoch, in percent."""
    return 100 * (1 - run.metrics()[-1]["test_accuracy"])


def lines(lab: Lab, run: Run, directions: int, words: Sequence[str]) -> list[Surface]:
    """Return the training loss along filter-normalized random directions (Li et al. 2018, section 4)."""
    fixed = ["y=null", "splits=[train]", *words]
    return [lab.surface(run, *fixed, f"direction.seed={seed}") for seed in range(directions)]


def plane(lab: Lab, run: Run, words: Sequence[str]) -> Surface:
    """Return the training loss on a filter-normalized random plane."""
    return lab.surface(run, "splits=[train]", *words)


def centre(surface: Surface) -> float:
    """Return the loss at the run's weights, on the surface's own samples."""
    loss = surface.values[LOSS]
    column = int(np.abs(surface.x).argmin())
    return float(loss[column] if surface.y is None else loss[int(np.abs(surface.y).argmin()), column])


def radius(drawn: Sequence[Surface], rise: float) -> float:
    """Return the mean distance, in steps of the direction, at which the loss has risen by `rise`.

    Infinite where a line does not rise that far within its grid.
    """
    level = centre(drawn[0]) + rise
    return mean_radius([(line.x, line.values[LOSS]) for line in drawn], level)


def ratios(one: Array, other: Array) -> list[float]:
    """Return one / other, seed by seed; NaN where both are zero or both are infinite."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return [float(value) for value in one / other]


def losses(drawn: Sequence[Surface]) -> Array:
    """Return the losses of lines on one grid, (lines, nx)."""
    return np.stack([line.values[LOSS] for line in drawn])
