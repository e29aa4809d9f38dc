"""Optimizers that scale each coordinate's step: Adagrad, RMSprop and Adam, by hand and as torch has them."""

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import ravine
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity
from landscape_cli.store.descent import OptimizerPath
from landscape_cli.uncompiled import without_compiler

TORCHS = {"adagrad": torch.optim.Adagrad, "rmsprop": torch.optim.RMSprop, "adam": torch.optim.Adam}

SQUARES = {"adagrad": "sum", "rmsprop": "square_avg", "adam": "exp_avg_sq"}
"""Optimizer -> what torch calls its G."""
SHOWN = 1e-12  # the least loss in the picture
EARLY = 10  # steps that the slope of the effective learning rate leaves out


def adagrad_rmsprop_adam(
    lab: Lab,
    *,
    defaults: Mapping[str, Mapping[str, Any]],
    updates: int,
    condition: float,
    dimension: int,
    steps: int,
    rates: Mapping[str, Sequence[float]],
) -> Measured:
    """Measure the three optimizers against their formulas, and against gradient descent in a ravine.

    Args:
        lab: draws the starts.
        defaults: optimizer -> the options that the lecture quotes from torch, with which the formulas run.
        updates: for how many steps formulas and torch are compared.
        condition: of the ravine, whose axes are the coordinates'.
        dimension: of the ravine.
        steps: in the ravine, and of the effective learning rates.
        rates: optimizer -> learning rates, of which the one of the lowest final loss counts; those of ``gd``
            in units of one over the largest curvature.
    """
    random = lab.random("start")
    # from 1/2 to 3/2 of either sign: no gradient is small against eps
    start = random.uniform(0.5, 1.5, dimension) * random.choice([-1.0, 1.0], dimension)
    near, far = ravine(100.0, dimension), ravine(condition, dimension)
    losses, chosen = {}, {}
    for name, tried in rates.items():
        unit = 1 / condition if name == "gd" else 1.0
        paths = {
            rate: _path(far, start, name, {**defaults.get(name, {}), "lr": rate * unit}, steps).loss[0]
            for rate in tried
        }
        ends = {rate: float(path[-1]) for rate, path in paths.items()}
        chosen[name] = min(ends, key=ends.__getitem__)
        losses[name] = paths[chosen[name]]
    compared = {name: _compared(near, start, name, options, updates) for name, options in defaults.items()}
    effective = _effective_rates(random.standard_normal((steps, dimension)), defaults)
    counted = np.log(np.arange(1, steps + 1))[EARLY:]
    slope = np.polyfit(counted, np.log(effective["adagrad"])[EARLY:], 1)[0]
    return {
        **by_quantity(compared),
        "loss_over_descent": {name: losses[name][-1] / losses["gd"][-1] for name in defaults},
        "off_minus_a_half": abs(slope + 0.5),
        "chosen_rate": chosen,
        "loss": losses,
        "effective_rate": effective,
    }


def _path(
    function: Function, start: Array, name: str, options: Mapping[str, Any], steps: int
) -> OptimizerPath:
    return descend(function, torch.from_numpy(start)[None], name, options, steps, seed=0)


def _compared(
    function: Function, start: Array, name: str, options: Mapping[str, Any], updates: int
) -> Measured:
    """Measure torch's optimizer against its formula; also where a coordinate of the gradient is zero or eps.

    Where all are large against eps, its place does not show: the first starts at eps, its curvature is 1.
    """

    def from_first(value: float) -> Array:
        return np.where(np.arange(len(start)) == 0, value, start)

    near_eps, flat = from_first(options["eps"]), from_first(0.0)
    torchs = _path(function, near_eps, name, options, updates).points[0]
    formula = _by_formula(function, near_eps, name, options, updates)
    step = np.diff(_path(function, start, name, options, 1).points[0], axis=0)[0]
    first = (
        1.0 if name != "rmsprop" else 1 / math.sqrt(1 - options["alpha"])
    )  # RMSprop has no bias correction
    expected = -first * options["lr"] * np.sign(_gradient(function, start))
    known = inspect.signature(TORCHS[name]).parameters
    return {
        "changed_defaults": sum(
            _numbers(known[key].default) != _numbers(value) for key, value in options.items()
        ),
        "off_torch": np.abs(formula - torchs).max() / np.abs(torchs).max(),
        "first_step_off": np.abs(step / expected - 1).max(),
        "undefined_without_eps": np.isnan(
            _by_formula(function, flat, name, {**options, "eps": 0.0}, 1)[1]
        ).sum(),
        "undefined_in_torch": np.isnan(_path(function, flat, name, options, 1).points[0, 1]).sum(),
    }


def _numbers(value: Any) -> tuple[float, ...]:
    return tuple(value) if isinstance(value, Sequence) else (value,)


def _gradient(function: Function, point: Array) -> Array:
    return np.asarray(function.gradient(torch.from_numpy(point)))


def _by_formula(function: Function, start: Array, name: str, options: Mapping[str, Any], steps: int) -> Array:
    """Return the path, (steps + 1, d), by the lecture's formulas with eps added to the root.

    With g the gradient, Adagrad has G = sum g^2; RMSprop G = alpha G + (1 - alpha) g^2; Adam that with beta_2
    and G_1 = beta_1 G_1 + (1 - beta_1) g, both over 1 - beta^t. A step is -lr g / (sqrt G + eps), Adam's
    -lr G_1 / (sqrt G_2 + eps).
    """
    lr, eps, path = options["lr"], options["eps"], [start]
    mean, square = np.zeros(len(start)), np.zeros(len(start))
    for t in range(1, steps + 1):
        g = _gradient(function, path[-1])
        if name == "adagrad":
            square = square + g * g
            upper, lower = g, square
        elif name == "rmsprop":
            square = options["alpha"] * square + (1 - options["alpha"]) * g * g
            upper, lower = g, square
        else:
            first, second = options["betas"]
            mean, square = first * mean + (1 - first) * g, second * square + (1 - second) * g * g
            upper, lower = mean / (1 - first**t), square / (1 - second**t)
        with np.errstate(invalid="ignore"):  # without eps a gradient of zero makes it 0 / 0
            path.append(path[-1] - lr * upper / (np.sqrt(lower) + eps))
    return np.array(path)


def _effective_rates(gradients: Array, defaults: Mapping[str, Mapping[str, Any]]) -> dict[str, Array]:
    """Return what multiplies the gradient at each step, over lr, mean over coordinates: torch's, (steps,).

    Args:
        gradients: what each step gets, (steps, d).
        defaults: optimizer -> options.
    """
    found = {}
    for name, options in defaults.items():
        point = torch.zeros(gradients.shape[1], dtype=torch.float64)
        optimizer = without_compiler(TORCHS[name])([point], **options)
        rates = []
        for t, row in enumerate(gradients, start=1):
            point.grad = torch.from_numpy(row)
            optimizer.step()
            square = optimizer.state[point][SQUARES[name]]
            if name == "adam":
                square = square / (1 - options["betas"][1] ** t)
            rates.append(float((1 / (square.sqrt() + options["eps"])).mean()))
        found[name] = np.array(rates)
    return found


def draw_adagrad_rmsprop_adam(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the losses in the ravine, and the effective learning rates under gradients of one size."""
    labels = {"gd": "gradient descent", **names}
    looks = {name: look for look, name in enumerate(labels)}

    def curves(path: str, begin: int) -> list[Series]:
        found = {name: np.where(each > SHOWN, each, np.nan) for name, each in across(seeds, path).items()}
        return [
            Series(
                labels[name], np.arange(begin, each.shape[1], dtype=float), each[:, begin:], look=looks[name]
            )
            for name, each in found.items()
        ]

    panels = [
        Panel("A ravine along the axes", "step", "loss", curves("loss", 1), log="xy"),
        Panel(
            "Gradients of one size",
            "step",
            "effective over given rate",
            curves("effective_rate", 1),
            log="xy",
        ),
    ]
    return {"ravine": draw_panels(panels)}
