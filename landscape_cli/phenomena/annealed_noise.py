"""Noise on the gradient that falls lets deep networks train from weights that are too small.

Neelakantan et al. 2015 (arXiv:1511.06807).
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across


def gradient_noise_annealing(lab: Lab, *, noisy: str, plain: str, classes: int, below: float) -> Measured:
    """Compare trainings from weights that are too small, with and without noise on the gradient.

    Args:
        lab: has the runs.
        noisy: the name of that with noise.
        plain: of that without.
        classes: C; where the network does not depend on its input the loss is ln C.
        below: by how much a loss is to be below that.
    """
    curves = {name: lab.metrics(name)["train_loss"] for name in (noisy, plain)}
    goal = np.log(classes) - below
    reached = np.flatnonzero(curves[noisy] < goal)
    return {
        "noisy_minus_goal": curves[noisy][-1] - goal,
        "plain_minus_goal": curves[plain][-1] - goal,
        "epochs_until": float(reached[0]) if len(reached) else np.nan,
        "accuracy": {name: lab.metrics(name)["test_accuracy"][-1] for name in (noisy, plain)},
        "loss": curves,
        "weight_norm": {name: lab.metrics(name)["weight_norm"] for name in (noisy, plain)},
    }


def draw_gradient_noise_annealing(
    seeds: Sequence[Measured], *, names: Mapping[str, str], goal: float
) -> dict[str, Figure]:
    """Draw the training losses, with the level that is to be reached, and the norms of the weights."""

    def curves(quantity: str) -> list[Series]:
        return [
            Series(text, np.arange(each.shape[1]), each, look=look)
            for look, (name, text) in enumerate(names.items())
            for each in [across(seeds, quantity)[name]]
        ]

    panels = [
        Panel(
            "Training loss", "epoch", "cross-entropy (nats)", curves("loss"), level=goal, limits=(0.0, 2.5)
        ),
        Panel("Weights", "epoch", "norm", curves("weight_norm"), log="y"),
    ]
    return {"annealing": draw_panels(panels)}
