"""Training networks of 22 and 30 ReLU layers from two variances (He et al. 2015, figures 2 and 3)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.measures import steps_to
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.signals.layers import gradients, layers_of


def he_vs_xavier_22_30_layers(
    lab: Lab, *, medium: Mapping[str, str], deep: Mapping[str, str], target: float
) -> Measured:
    """Measure how soon networks train, and the gradients with which they start.

    What the paper calls Xavier's is N(0, 1 / n_in), ``init=lecun`` here, not the mean of both fans.

    Args:
        lab: has the runs.
        medium: ``he`` and ``xavier``: the runs of 22 layers.
        deep: those of 30.
        target: training loss to reach, in nats.
    """
    columns = {run: lab.metrics(run) for run in lab.runs}
    steps = {run: _steps(each, target) for run, each in columns.items()}
    longest = max(len(each["step"]) for each in columns.values())  # the others have diverged
    sooner = steps[medium["he"]]
    by_layer = {run: _by_layer(lab, run) for run in lab.runs}
    return {
        "steps": {name: steps[run] for name, run in medium.items()},
        "he_minus_xavier": math.inf if math.isinf(sooner) else sooner - steps[medium["xavier"]],
        "last_loss": {
            name: float(np.nan_to_num(columns[run]["train_loss"][-1], nan=math.inf, posinf=math.inf))
            for name, run in deep.items()
        },
        "gradient_ratio": {run: each[0] / each[-1] for run, each in by_layer.items()},
        "gradient": by_layer,
        "step": max((each["step"] for each in columns.values()), key=len),
        "loss": {
            run: np.append(each["train_loss"], [math.nan] * (longest - len(each["step"])))
            for run, each in columns.items()
        },
    }


def _steps(columns: Mapping[str, Array], target: float) -> float:
    """Return the first recorded step at which the training loss was no more than a target, or infinity."""
    row = steps_to(columns["train_loss"], target)
    return float(columns["step"][int(row)]) if math.isfinite(row) else math.inf


def _by_layer(lab: Lab, run: str) -> Array:
    """Return the norms of the gradients by the initial weights of each layer."""
    model, train = lab.network(run, "init"), lab.data(run).train
    found = gradients(model, layers_of(model), train, lab.loss(run), len(train))
    return np.array([each["norm"] for each in found.values()])


def draw_he_vs_xavier_22_30_layers(
    seeds: Sequence[Measured], *, panels: Mapping[str, list[str]], names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the training losses of each depth, and the gradients of the initial weights.

    Args:
        seeds: what was measured.
        panels: title -> the runs that it shows.
        names: run -> its label.
    """
    loss, found = across(seeds, "loss"), across(seeds, "gradient")
    look = list(names)
    shown = [
        Panel(
            title,
            "step",
            "training loss (nats)",
            [Series(names[run], seeds[0]["step"], loss[run], look=look.index(run)) for run in runs],
        )
        for title, runs in panels.items()
    ]
    initial = [
        Series(names[run], np.arange(1, each.shape[1] + 1), each, look=look.index(run))
        for run, each in found.items()
    ]
    gradients = Panel("Initial weights", "layer", "norm of the gradient by its weights", initial, log="y")
    return {"depth": draw_panels([*shown, gradients])}
