"""Newton's method: one step on a quadratic, few on a convex loss, and drawn to saddles (Huang, CS7150)."""

import math
import time
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import saddle
from landscape_cli.analytic.softmax_regression import point_of, softmax_regression
from landscape_cli.analytic.stationary import classify
from landscape_cli.analytic.surfaces2d import himmelblau
from landscape_cli.arrays import Array
from landscape_cli.measures import steps_to
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

NEWTON, DESCENT = "Newton's method", "gradient descent"
STEPS = 12  # of Newton's method, which has long come to stand by then
HALVINGS = 10  # steps of damped Newton, eta = 1/2


def newton(
    lab: Lab,
    *,
    run: str,
    condition: float,
    dimension: int,
    decay: float,
    rates: Sequence[float],
    excess: float,
    most: int,
    starts: int,
    sizes: Sequence[int],
) -> Measured:
    """Measure Newton's method w - H^-1 g on quadratics, on softmax regression and near saddles.

    Args:
        lab: has a linear network, from whose weights the descents of the regression start.
        run: its name.
        condition: of the quadratic.
        dimension: of the quadratic.
        decay: of the regression's weights, decay / 2 |w|^2.
        rates: of gradient descent, in units of one over the bound on the curvature; the fastest counts.
        excess: of the loss over its minimum, at which steps are counted.
        most: steps of gradient descent.
        starts: how many, on the saddle and on Himmelblau's function.
        sizes: of matrices whose inversion is timed.
    """
    samples, start = lab.data(run).train, point_of(*lab.network(run).parameters())
    classes = lab.data(run).classes
    function = softmax_regression(samples.inputs, samples.targets, classes, decay)
    fast = descend(function, start, "newton", {"lr": 1.0}, STEPS, lab.seed).loss[0]
    slow = [
        descend(function, start, "gd", {"lr": rate * function.lr}, most, lab.seed).loss[0] for rate in rates
    ]
    lowest = min(np.nanmin(loss) for loss in [fast, *slow])
    over = {
        NEWTON: fast - lowest,
        DESCENT: min((loss - lowest for loss in slow), key=lambda loss: steps_to(loss, excess)),
    }
    steps = {name: steps_to(loss, excess) for name, loss in over.items()}
    seconds = [_seconds_to_invert(lab, size) for size in sizes]
    return {
        **_on_a_quadratic(lab, condition, dimension),
        "ratio_of_steps": steps[DESCENT] / steps[NEWTON],
        **_near_saddles(lab, starts),
        "off_three": abs(np.polyfit(np.log(sizes), np.log(seconds), 1)[0] - 3),
        "steps": steps,
        "excess": over,
        "sizes": list(sizes),
        "seconds": seconds,
        "model": _models(),
    }


def _on_a_quadratic(lab: Lab, condition: float, dimension: int) -> Measured:
    """Measure steps on 1/2 (w - c)^T H (w - c), H with its eigenvectors drawn at random.

    The minimizers of the models g d + d^T H d / 2 and, as in the lecture, g d + d^T H d are told apart by
    their slopes at d = -H^-1 g, which both are said to have.
    """
    random = lab.random("quadratic")
    vectors, _ = np.linalg.qr(random.standard_normal((dimension, dimension)))
    matrix = torch.from_numpy(vectors * np.geomspace(1, condition, dimension) @ vectors.T)
    centre, start = torch.from_numpy(random.standard_normal((2, dimension)))
    box, lr = ((-3.0, 3.0),) * dimension, 1 / condition
    function = Function(
        lambda points: torch.einsum("...i,ij,...j->...", points - centre, matrix, points - centre) / 2,
        box,
        tuple(start.tolist()),
        lr,
        lambda points: (points - centre) @ matrix,
        lambda points: matrix.expand(*points.shape, dimension),
    )

    def distances(lr: float, steps: int) -> Array:
        path = descend(function, start[None], "newton", {"lr": lr}, steps, lab.seed)
        left: Array = np.linalg.norm(path.points[0] - centre.numpy(), axis=1)
        left /= left[0]
        return left

    gradient = function.gradient(start)
    step = -torch.linalg.solve(matrix, gradient)
    slopes = [float((gradient + factor * matrix @ step).norm() / gradient.norm()) for factor in (1, 2)]
    return {
        "distance_after_a_step": distances(1.0, 1)[1],
        "error_of_halving": np.abs(distances(0.5, HALVINGS) / 0.5 ** np.arange(HALVINGS + 1) - 1).max(),
        "slope_of_the_model": slopes[0],
        "slope_without_the_half": slopes[1],
    }


def _near_saddles(lab: Lab, starts: int) -> Measured:
    """Measure where Newton's method and gradient descent go on (x^2 - y^2) / 2 and Himmelblau's function."""
    random, plain, curved = lab.random("starts"), saddle(), himmelblau()

    def drawn(function: Function) -> Tensor:
        low, high = np.array(function.box).T
        return torch.from_numpy(random.uniform(low, high, size=(starts, 2)))

    def ends(function: Function, start: Tensor, name: str, lr: float, steps: int) -> Array:
        return descend(function, start, name, {"lr": lr}, steps, lab.seed).points[:, -1]

    first, second = drawn(plain), drawn(curved)
    found = {
        NEWTON: ends(curved, second, "newton", 1.0, 100),
        DESCENT: ends(curved, second, "gd", curved.lr, 2000),
    }
    kinds = {name: classify(curved, torch.from_numpy(end)).names for name, end in found.items()}
    others = {name: np.isin(kind, ("strict saddle", "maximum")) for name, kind in kinds.items()}
    return {
        "newton_from_the_saddle": np.linalg.norm(ends(plain, first, "newton", 1.0, 1), axis=1).max(),
        "descent_from_the_saddle": np.linalg.norm(ends(plain, first, "gd", plain.lr, 200), axis=1).min(),
        "newton_to_no_minimum": others[NEWTON].mean(),
        "descent_to_no_minimum": others[DESCENT].mean(),
        "starts": second.numpy(),
        "to_no_minimum": others[NEWTON],
    }


def _seconds_to_invert(lab: Lab, size: int) -> float:
    """Return the processor time of inverting a matrix of that size, the least of three."""
    random = torch.from_numpy(lab.random("inverse").standard_normal((size, size)))
    matrix, taken = random @ random.T + torch.eye(size), []
    for _ in range(3):
        began = time.process_time()
        torch.linalg.inv(matrix)
        taken.append(time.process_time() - began)
    return min(taken)


def _models() -> Measured:
    """Return log(1 + e^w) - 0.3 w around w_s = 1, and its quadratic models there with and without 1/2."""
    w = np.linspace(-3.0, 3.0, 121)
    level, share = math.log1p(math.e) - 0.3, 1 / (1 + math.exp(-1))
    slope, curvature, d = share - 0.3, share * (1 - share), w - 1
    return {
        "w": w,
        "loss": np.log1p(np.exp(w)) - 0.3 * w,
        "with": level + slope * d + curvature * d**2 / 2,
        "without": level + slope * d + curvature * d**2,
    }


def draw_newton(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the quadratic models, the excess losses, and where Newton's method ends."""
    model, first = seeds[0]["model"], seeds[0]
    models = [
        Series("loss", model["w"], model["loss"]),
        Series("model with 1/2", model["w"], model["with"]),
        Series("model without 1/2", model["w"], model["without"]),
    ]
    excess = [
        Series(
            name, np.arange(1.0, values.shape[1]), np.where(values > 1e-12, values, np.nan)[:, 1:], look=look
        )
        for look, (name, values) in enumerate(across(seeds, "excess").items(), start=3)
    ]
    inverse = [Series("", first["sizes"], across(seeds, "seconds"), look=5)]
    starts, others = first["starts"], first["to_no_minimum"].astype(bool)
    ends = {"ends at a minimum": starts[~others].T, "ends at a saddle or maximum": starts[others].T}
    return {
        "descents": draw_panels(
            [
                Panel("Quadratic models at w = 1", "w", "loss", models),
                Panel("Softmax regression", "step", "excess loss (nats)", excess, log="xy"),
                Panel("Inverse of a matrix", "rows M", "processor time (s)", inverse, log="xy"),
            ]
        ),
        "saddles": draw_panels(
            [
                Panel(
                    "Himmelblau's function, Newton's method by start",
                    "x",
                    "y",
                    points={name: (places[0], places[1]) for name, places in ends.items()},
                )
            ]
        ),
    }
