"""How the condition number of a quadratic sets the pace of gradient descent (Bishop 2006; Polyak 1964)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured


def condition_number(lab: Lab, *, conditions: list[float], dimension: int, excess: float) -> Measured:
    """Count steps to a part of the initial excess loss of 1/2 sum_i lambda_i x_i^2, lambda from 1 to kappa.

    Gradient descent has the rate 2 / (L + mu), momentum 4 / (sqrt L + sqrt mu)^2 and
    beta = ((sqrt kappa - 1) / (sqrt kappa + 1))^2.
    """
    start, steps = lab.random("start").standard_normal(dimension), {}
    for name in ("gradient descent", "momentum"):
        steps[name] = np.zeros(len(conditions))
        for number, kappa in enumerate(conditions):
            curvature, x, velocity = np.geomspace(1, kappa, dimension), start, np.zeros(dimension)
            root, target = np.sqrt(kappa), excess * (curvature * x**2).sum()
            beta = 0.0 if name == "gradient descent" else ((root - 1) / (root + 1)) ** 2
            rate = 2 / (kappa + 1) if name == "gradient descent" else 4 / (root + 1) ** 2
            while (curvature * x**2).sum() > target:
                velocity = beta * velocity - rate * curvature * x
                x, steps[name][number] = x + velocity, steps[name][number] + 1
    slopes = {name: np.polyfit(np.log(conditions), np.log(count), 1)[0] for name, count in steps.items()}
    return {
        "off_one": abs(slopes["gradient descent"] - 1),
        "off_a_half": abs(slopes["momentum"] - 0.5),
        "conditions": conditions,
        "steps": steps,
    }


def draw_condition_number(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw steps over condition numbers."""
    curves = [
        Series(name, seeds[0]["conditions"], [seed["steps"][name] for seed in seeds])
        for name in seeds[0]["steps"]
    ]
    return {"steps": draw_panels([Panel("", "condition number", "steps", curves, log="xy")])}
