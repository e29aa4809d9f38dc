"""Optimizers compared: the same network, from the same initial weights, by different rules (Merkulov)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

CURVES = ("train_loss", "test_loss", "train_accuracy", "test_accuracy", "seconds")


def fmnist_optimizer_comparison(lab: Lab, *, plain: str, adaptive: str, again: str) -> Measured:
    """Compare the learning curves of gradient descent with and without momentum, and of Adam.

    How far two curves lie apart is mean_t |a_t - b_t|, the epoch t = 0, where both are the same, left out.
    That is compared with how far plain gradient descent under another seed lies.

    Args:
        lab: has the runs.
        plain: the run of plain gradient descent, with which the others are compared.
        adaptive: the run of Adam.
        again: that of plain gradient descent under another seed.
    """
    metrics = {run: lab.metrics(run) for run in lab.runs}
    losses = {run: columns["train_loss"] for run, columns in metrics.items()}
    compared = [run for run in lab.runs if run != again]

    def apart(run: str) -> float:
        return float(np.abs(losses[run] - losses[plain])[1:].mean())

    initial = [losses[run][0] for run in compared]
    return {
        "spread_of_the_initial_loss": max(initial) - min(initial),
        "largest_final_over_initial": max(losses[run][-1] for run in compared) / initial[0],
        "adaptive_minus_plain": losses[adaptive][-1] - losses[plain][-1],
        "in_seed_noise": {run: apart(run) / apart(again) for run in compared if run not in (plain, adaptive)},
        **{name: {run: metrics[run][name] for run in lab.runs} for name in CURVES},
    }


def draw_fmnist_optimizer_comparison(seeds: Sequence[Measured], *, shown: Sequence[str]) -> dict[str, Figure]:
    """Draw the notebook's panels: loss and accuracy, also over time, which evaluations take a part of."""
    curves = {name: across(seeds, name) for name in CURVES}
    elapsed = {
        run: np.cumsum(np.pad(each[:, 1:], ((0, 0), (1, 0))), axis=1).mean(axis=0)
        for run, each in curves["seconds"].items()
    }

    def panel(title: str, name: str, unit: str, by_time: bool = False) -> Panel:
        scale = 100.0 if name.endswith("accuracy") else 1.0

        def x(values: Array, run: str) -> Array:
            return elapsed[run] if by_time else np.arange(values.shape[1], dtype=float)

        series = [
            Series(run, x(values, run), scale * values) for run in shown for values in [curves[name][run]]
        ]
        log = "" if name.endswith("accuracy") else "y"
        return Panel(title, "time (s)" if by_time else "epoch", unit, series=series, log=log)

    loss, accuracy = "cross-entropy (nats)", "accuracy (%)"
    panels = [
        panel("Training loss", "train_loss", loss),
        panel("Test loss", "test_loss", loss),
        panel("Training loss over time", "train_loss", loss, by_time=True),
        panel("Training accuracy", "train_accuracy", accuracy),
        panel("Test accuracy", "test_accuracy", accuracy),
        panel("Test accuracy over time", "test_accuracy", accuracy, by_time=True),
    ]
    return {"learning_curves": draw_panels(panels)}
