"""Gradient descent and SGD on networks of few and of many parameters (Sagun, "GD is the same as SGD")."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import steps_to
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

RULES = ("gd", "sgd")


def gd_vs_sgd_mnist(lab: Lab, *, runs: Mapping[str, Mapping[str, str]], fitted: float) -> Measured:
    """Compare the test errors of networks that gradient descent and SGD have trained, over their size N.

    The errors are those of the first row of metrics whose training loss is below `fitted`; where there is
    none, of the last one.

    Args:
        lab: has the runs.
        runs: size -> ``gd`` and ``sgd``: the names of the runs, the sizes ascending.
        fitted: training loss below which a network is taken.
    """
    numbers, errors, losses, accuracy = [], [], [], []
    for pair in runs.values():
        metrics = [lab.metrics(pair[rule]) for rule in RULES]
        curves = [each["train_loss"] for each in metrics]
        rows = [int(min(steps_to(each, fitted), len(each) - 1)) for each in curves]
        errors.append(
            [100 * (1 - each["test_accuracy"][row]) for each, row in zip(metrics, rows, strict=True)]
        )
        losses.append([each["train_loss"][-1] for each in metrics])
        accuracy.append([each["train_accuracy"][-1] for each in metrics])
        numbers.append(sum(each.numel() for each in lab.network(pair["gd"], "init").parameters()))
    gap = np.abs(np.diff(errors, axis=1)[:, 0])
    return {
        "gap": gap[-1],
        "least_train_accuracy": 100 * min(accuracy[-1]),
        "loss_of_the_smallest": losses[0][0] - losses[0][1],
        "gap_growth": gap[-1] - gap[0],
        "numbers": numbers,
        "gaps": gap,
        "error": dict(zip(RULES, np.transpose(errors), strict=True)),
        "loss": dict(zip(RULES, np.transpose(losses), strict=True)),
    }


def draw_gd_vs_sgd_mnist(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw test errors and final training losses over the number of parameters."""
    numbers = seeds[0]["numbers"]

    def curves(quantity: str) -> list[Series]:
        return [Series(names[rule], numbers, across(seeds, quantity)[rule]) for rule in RULES]

    panels = [
        Panel("Test error", "parameters N", "error (%)", curves("error"), log="x"),
        Panel("Training", "parameters N", "final loss (nats)", curves("loss"), log="xy"),
    ]
    return {"gd_and_sgd": draw_panels(panels)}
