"""Momentum in the forms in which it is written, and what it is good for (Polyak 1964; Nesterov 1983)."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.quadratics import ravine, two_wells
from landscape_cli.arrays import Array
from landscape_cli.measures import steps_to
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.uncompiled import without_compiler

Gradient = Callable[[Array], Array]

DROP = 0.1  # factor by which a step size changes


def momentum_nesterov(
    lab: Lab,
    *,
    condition: float,
    momentum: float,
    steps: int,
    change: int,
    target: float,
    wells: dict[str, float],
    distances: tuple[float, float],
    starts: int,
    lr: float,
    well_steps: int,
) -> Measured:
    """Compare torch's momentum and Nesterov with the formulas of lectures, and with gradient descent.

    On a ravine, lambda from 1 to the condition number, all have the step size 1 / lambda_max. Beside them are
    two slides as they are written: momentum with the gradient at the point that the step leads to; and
    Bourrely's W' = (1 - alpha) W - alpha epsilon f, which shrinks W where momentum shrinks its last change,
    with 1 - alpha = beta and the same step size alpha epsilon, on the ravine with its minimum put to (1, 1).

    Args:
        lab: of no run.
        condition: of the ravine.
        momentum: beta.
        steps: on the ravine.
        change: step at which the step size falls to a part of it, for forms under a schedule.
        target: loss on the ravine to which steps are counted.
        wells: options of `two_wells`. From starts with y = 0, where y stays, it is a function of x alone.
        distances: least and largest of starts from the narrow minimizer, on the side away from the other.
        starts: how many.
        lr: step size on the wells.
        well_steps: there.
    """
    function, rate = ravine(condition), 1 / condition
    random, curvature = lab.random("starts"), np.array([1.0, condition])
    first = random.choice([-1.0, 1.0], 2) * random.uniform(0.5, 1.5, 2)

    def slope(w: Array) -> Array:
        return curvature * w

    def by_torch(rule: str, **given: float) -> Array:
        start = torch.from_numpy(first[None])
        points: Array = descend(function, start, rule, {"lr": rate, **given}, steps, lab.seed).points[0]
        return points

    paths = {
        "gradient descent": by_torch("gd"),
        "momentum": by_torch("heavy_ball", momentum=momentum),
        "Nesterov": by_torch("nesterov", momentum=momentum),
        "a slide's momentum, gradient ahead": gradient_ahead(curvature, first, rate, momentum, steps),
    }
    losses = {name: (curvature * path**2).sum(axis=-1) / 2 for name, path in paths.items()}
    count = {name: steps_to(loss, target) for name, loss in losses.items()}
    same, changed = np.full(steps, rate), np.where(np.arange(steps) < change, rate, DROP * rate)
    lecture = lecture_form(slope, first, same, momentum)
    apart = torch_form(slope, first, changed, momentum) - lecture_form(slope, first, changed, momentum)
    bourrely = {
        "W shrunk, as written": shrunk(lambda w: slope(w - 1), first, 1 - momentum, rate, steps),
        "last change shrunk, momentum": lecture_form(lambda w: slope(w - 1), first, same, momentum),
    }
    off = {name: np.linalg.norm(path - 1, axis=-1) / np.sqrt(2) for name, path in bourrely.items()}
    double = two_wells(**wells)
    begin = double.minima[0][0] - random.uniform(*distances, starts)
    on_axis = torch.from_numpy(np.stack([begin, np.zeros(starts)], axis=-1))
    given = {"gradient descent": ("gd", {}), "momentum": ("heavy_ball", {"momentum": momentum})}
    rolled = {
        name: descend(double, on_axis, rule, {"lr": lr, **more}, well_steps, lab.seed).points[..., 0]
        for name, (rule, more) in given.items()
    }
    return {
        "off_lecture": np.abs(paths["momentum"] - lecture).max(),
        "off_look_ahead": np.abs(
            paths["Nesterov"] - look_ahead_form(slope, first, rate, momentum, steps)
        ).max(),
        "apart_where_it_changes": np.abs(apart).max() / np.abs(first).max(),
        "apart_gradient_ahead": np.abs(paths["a slide's momentum, gradient ahead"] - lecture).max()
        / np.abs(first).max(),
        "momentum_over_gd": count["momentum"] / min(count["gradient descent"], steps),
        "off_minimum": {name: each[-1] for name, each in off.items()},
        "crossed": {name: (x[:, -1] > 0).mean() for name, x in rolled.items()},
        "losses": losses,
        "target": target,
        "off": off,
        "rolled": {name: x[0] for name, x in rolled.items()},
        "narrow": double.minima[0][0],
    }


def draw_momentum_nesterov(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw losses on the ravine, both readings of Bourrely's rule, and a start that rolls past a minimum."""
    first = seeds[0]
    panels = [
        Panel(
            "On a ravine",
            "step",
            "loss, dotted: the target",
            [Series(name, np.arange(each.shape[-1]), each) for name, each in across(seeds, "losses").items()],
            log="y",
            limits=(1e-8, 1e3),
            level=float(first["target"]),
        ),
        Panel(
            "Bourrely's rule",
            "step",
            "distance / norm of the minimum",
            [
                Series(name, np.arange(each.shape[-1]), each, look=4 + number)
                for number, (name, each) in enumerate(across(seeds, "off").items())
            ],
            log="y",
            limits=(1e-6, 1e1),
        ),
        Panel(
            "One start beside two wells",
            "step",
            "x, dotted: the narrow minimum",
            [
                Series(name, np.arange(each.shape[-1]), each, look=look)
                for look, (name, each) in enumerate(first["rolled"].items())
            ],
            level=float(first["narrow"]),
        ),
    ]
    return {"momentum": draw_panels(panels)}


def lecture_form(slope: Gradient, start: Array, rates: Array, momentum: float) -> Array:
    """Return points, (steps + 1, d), of V_s = beta V_(s-1) - lr_s grad L(w_(s-1)), w_s = w_(s-1) + V_s.

    It is Huang's slide, but for the place of the gradient.
    """
    points, velocity = [start], np.zeros_like(start)
    for rate in rates:
        velocity = momentum * velocity - rate * slope(points[-1])
        points.append(points[-1] + velocity)
    return np.array(points)


def torch_form(slope: Gradient, start: Array, rates: Array, momentum: float) -> Array:
    """Return the points, (steps + 1, d), of torch's SGD under a schedule: v <- beta v + g, w <- w - lr v."""
    point = torch.from_numpy(start.copy())
    kind: Any = without_compiler(torch.optim.SGD)
    optimizer = kind([point], lr=0.0, momentum=momentum)
    points = [start]
    for rate in rates:
        optimizer.param_groups[0]["lr"] = float(rate)
        point.grad = torch.from_numpy(slope(point.numpy()))
        optimizer.step()
        points.append(point.numpy().copy())
    return np.array(points)


def look_ahead_form(slope: Gradient, start: Array, rate: float, momentum: float, steps: int) -> Array:
    """Return the points w + beta V, (steps + 1, d), of V' = beta V - lr grad L(w + beta V), w' = w + V'.

    These are the points at which torch's form keeps its weights (Sutskever et al. 2013).
    """
    point, velocity, ahead = start, np.zeros_like(start), [start]
    for _ in range(steps):
        velocity = momentum * velocity - rate * slope(ahead[-1])
        point = point + velocity
        ahead.append(point + momentum * velocity)
    return np.array(ahead)


def gradient_ahead(curvature: Array, start: Array, rate: float, momentum: float, steps: int) -> Array:
    """Return the points of V_s = beta V_(s-1) - lr grad L(w_s), w_s = w_(s-1) + V_s, on a quadratic.

    The gradient is at the point that the step leads to, so this is solved for w_s: an implicit method.
    """
    points, velocity = [start], np.zeros_like(start)
    for _ in range(steps):
        points.append((points[-1] + momentum * velocity) / (1 + rate * curvature))
        velocity = points[-1] - points[-2]
    return np.array(points)


def shrunk(slope: Gradient, start: Array, alpha: float, rate: float, steps: int) -> Array:
    """Return the points, (steps + 1, d), of W' = (1 - alpha) W - lr f(W)."""
    points = [start]
    for _ in range(steps):
        points.append((1 - alpha) * points[-1] - rate * slope(points[-1]))
    return np.array(points)
