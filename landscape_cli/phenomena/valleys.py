"""How wide the valley around a run's weights is, from filter-normalized lines and planes."""

from collections.abc import Sequence

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures import loss_at, loss_at_centre, ratio, valley_radius
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
    return loss_at(surface.x, loss, 0.0) if surface.y is None else loss_at_centre(surface.x, surface.y, loss)


def radius(drawn: Sequence[Surface], rise: float) -> float:
    """Return the mean distance, in steps of the direction, at which the loss has risen by `rise`.

    Infinite where a line does not rise that far within its grid.
    """
    return valley_radius([(line.x, line.values[LOSS]) for line in drawn], rise)


def ratios(one: Array, other: Array) -> list[float]:
    """Return one / other, seed by seed; NaN where both are zero or both are infinite."""
    return [ratio(value, by) for value, by in zip(one, other, strict=True)]


def losses(drawn: Sequence[Surface]) -> Array:
    """Return the losses of lines on one grid, (lines, nx)."""
    return np.stack([line.values[LOSS] for line in drawn])
