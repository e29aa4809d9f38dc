"""Which minimum training ends in, by where it starts: other random numbers, or pretrained weights."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import barrier
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.arithmetic import norm, params_of, subtract


def different_inits_different_minima(
    lab: Lab, *, pair: Sequence[str], starts: Sequence[float], rate: float, steps: int
) -> Measured:
    """Measure two trainings from other initial weights, and descents into a double well.

    The double well is (x^2 - 1)^2 / 4, with minima at -1 and 1.

    Args:
        lab: has the runs.
        pair: of runs that differ in the seed.
        starts: x_0 of the descents, none of them 0.
        rate: learning rate of these.
        steps: of these.
    """
    one, other = (params_of(lab.network(run)) for run in pair)
    first, second = (lab.metrics(run)["train_loss"][-1] for run in pair)
    line = lab.interpolate(*pair)
    paths = np.empty((steps + 1, len(starts)))
    paths[0] = starts
    for step in range(steps):
        x = paths[step]
        paths[step + 1] = x - rate * x * (x**2 - 1)
    return {
        "loss_off": abs(second - first) / first,
        "distance": norm(subtract(other, one)) / norm(one),
        "barrier": barrier(line.x, line.values["train/loss"])[0],
        "off_own_side": np.abs(paths[-1] - np.sign(starts)),
        "x": line.x,
        "loss": line.values["train/loss"],
        "path": paths.T,
    }


def draw_different_inits_different_minima(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the line between the networks, and the descents."""
    paths = seeds[0]["path"]
    panels = [
        Panel(
            "From one trained network to the other",
            "alpha",
            "training loss (nats)",
            [Series("", seeds[0]["x"], across(seeds, "loss"))],
            log="y",
            marks={"one": 0.0, "the other": 1.0},
        ),
        Panel(
            "Descents into a double well",
            "step",
            "x",
            [Series("", np.arange(len(path)), path, look=0 if path[0] < 0 else 1) for path in paths],
        ),
    ]
    return {"minima": draw_panels(panels)}
