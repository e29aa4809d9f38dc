"""The largest step sizes that converge (Bishop 2006, chapter 7), on quadratics and on a network's loss."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor
from torch.func import grad, grad_and_value

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.quadratics import quadratic, ravine
from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import objective_at
from landscape_cli.curvature.extremes import extremes
from landscape_cli.curvature.minimum import stationary_point
from landscape_cli.curvature.random_slices import unit_vectors
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

RULES = {"gradient descent": "gd", "heavy ball": "heavy_ball", "Nesterov": "nesterov"}
UNDER, OVER = 0.99, 1.01  # parts of a bound
PARTS = (0.25, 0.5, 0.75, 0.99)  # of gradient descent's, at which its slowest rate is measured
NEIGHBOURS = (0.95, 1.05)  # parts of the best step size
LARGEST, COUNT = 4.0, 80  # of the products step size · curvature at which rates are drawn; how many
STEPS = 100  # over which they are: none overflows, even at the largest product
SHOWN = 60  # steps of least squares that are drawn
CLOSE = 1e-6  # relative tolerance of the network's largest eigenvalue


def lr_bound_2_over_lambdamax(
    lab: Lab,
    *,
    condition: float,
    dimension: int,
    momentum: float,
    steps: int,
    rate_steps: int,
    samples: int,
    shift: float,
    stays: float,
    leaves: float,
    network_steps: int,
) -> Measured:
    """Descend just below and above each rule's largest step size, on quadratics and on a network's loss.

    Least squares ||Xw - y||^2 has the Hessian 2 X^T X. A slide has X^T X, whose bound is twice as large and
    is tried, too. The network's objective is what its run minimized, weight decay included. At its minimum,
    found from the run's last weights, no step size moves it: it starts a little beside that, in a direction
    drawn at random.

    Args:
        lab: a run of a network with a smooth activation, small enough for a dense Hessian.
        condition: lambda_max of the quadratic, whose lambda_min is 1.
        dimension: of the quadratic, and of least squares.
        momentum: of the heavy ball and of Nesterov's rule.
        steps: of each descent on quadratics.
        rate_steps: of those of which the rate is measured.
        samples: rows of X.
        shift: how far beside its minimum the network starts, in norms of its weights.
        stays: part of 2 / lambda_max, the step size with which the network is to stay beside its minimum.
        leaves: likewise, with which it is to leave.
        network_steps: of gradient descent on the network's training objective.
    """
    (run,) = lab.runs
    function, bound = ravine(condition, dimension), bounds(momentum)
    random = lab.random("start")  # every coordinate has a part in it
    start = torch.from_numpy(
        random.choice([-1.0, 1.0], (1, dimension)) * random.uniform(0.5, 1.5, (1, dimension))
    )

    def path(rule: str, rate: float, count: int) -> Array:
        given = options(rule, rate, momentum)
        loss: Array = descend(function, start, RULES[rule], given, count, lab.seed).loss[0]
        return loss

    def grown(part: float) -> dict[str, float]:
        ends = {rule: path(rule, part * bound[rule] / condition, steps)[[0, -1]] for rule in RULES}
        return {rule: decades(*each) for rule, each in ends.items()}

    def rate(step: float) -> float:
        before, after = path("gradient descent", step, rate_steps)[-2:]
        return float(np.sqrt(after / before))

    best = 2 / (condition + 1)
    fastest = rate(best)
    features = lab.random("features").standard_normal((samples, dimension))
    top = np.linalg.eigvalsh(features.T @ features)[-1]
    squares = {
        "2XᵀX": least_squares(features, start.numpy()[0], UNDER * 2 / (2 * top), steps),
        "XᵀX, as a slide has it": least_squares(features, start.numpy()[0], UNDER * 2 / top, steps),
    }
    decay = float(lab.runs[run].config["optimizer"]["weight_decay"])
    loss, last = objective_at(lab.network(run), lab.data(run).train, lab.loss(run), decay)
    point = stationary_point(loss, last)
    least, sharpness = float(loss(point)), largest_eigenvalue(loss, point, lab.seed)
    (direction,) = unit_vectors(1, len(point), lab.seed)
    beside = point + shift * point.norm() * torch.from_numpy(direction).to(point)
    losses = {part: losses_of(loss, beside, part * 2 / sharpness, network_steps) for part in (stays, leaves)}
    products = (np.arange(COUNT) + 0.5) / COUNT * LARGEST
    return {
        "under": grown(UNDER),
        "over": grown(OVER),
        "rate_off": abs(fastest - (condition - 1) / (condition + 1)),
        "faster_than_neighbours": min(rate(part * best) for part in NEIGHBOURS) - fastest,
        "slowest_over_floor": np.array([rate(part * 2 / condition) for part in PARTS]) / (1 - 2 / condition),
        "least_squares": {name: decades(each[0], each[-1]) for name, each in squares.items()},
        "stays": losses[stays].max() / least,
        "leaves": losses[leaves].max() / least,
        "gradient_norm": float(grad(loss)(point).norm()),
        "lambda_max": sharpness,
        "products": products,
        "rates": {rule: rates(products, rule, momentum, STEPS) for rule in RULES},
        "bounds": bound,
        "squares": {name: each[: SHOWN + 1] / each[0] for name, each in squares.items()},
        "losses": {f"{part:g}": each for part, each in losses.items()},
    }


def draw_lr_bound_2_over_lambdamax(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw rates over step size times curvature, least squares below either bound, and the network's loss."""
    first = seeds[0]
    panels = [
        Panel(
            "Each coordinate of a quadratic",
            "step size · curvature",
            "factor per step",
            [Series(rule, first["products"], each) for rule, each in across(seeds, "rates").items()],
            limits=(0.0, 1.4),
            level=1.0,
            marks={f"{bound:.3g}": bound for bound in first["bounds"].values()},
        ),
        Panel(
            "Least squares at 0.99 of 2 / λ",
            "step",
            "|Xw - y|², of the first",
            [
                Series(f"λ of {name}", np.arange(each.shape[-1]), each, look=look)
                for look, (name, each) in zip((3, 4), across(seeds, "squares").items(), strict=True)
            ],
            log="y",
            limits=(1e-6, 1e6),
        ),
        Panel(
            "A network beside its minimum",
            "step",
            "training objective (nats)",
            [
                Series(f"network, {part} · 2 / λ", np.arange(each.shape[-1]), each, look=look)
                for look, (part, each) in zip((5, 6), across(seeds, "losses").items(), strict=True)
            ],
            log="y",
        ),
    ]
    return {"bounds": draw_panels(panels)}


def bounds(momentum: float) -> dict[str, float]:
    """Return the step size times lambda_max below which each of torch's rules converges on quadratics."""
    heavy = 2 * (1 + momentum)
    return {"gradient descent": 2.0, "heavy ball": heavy, "Nesterov": heavy / (1 + 2 * momentum)}


def decades(first: float, last: float) -> float:
    """Return log10(last / first), by how many powers of ten a loss grew, within the range of floats."""
    ends = np.finfo(float)
    return float(np.log10(np.clip(last, ends.tiny, ends.max)) - np.log10(first))


def options(rule: str, rate: float, momentum: float) -> dict[str, float]:
    """Return the options of a rule."""
    return {"lr": rate} if rule == "gradient descent" else {"lr": rate, "momentum": momentum}


def rates(products: Array, rule: str, momentum: float, steps: int) -> Array:
    """Return the factor per step by which |x| changes on 1/2 lambda x^2, for each lr times lambda.

    It is the mean over the second half of so many steps, of two steps in a row, as factors may be
    complex. A rule moves each coordinate of a quadratic alone.
    """
    function: Function = quadratic(torch.from_numpy(products))
    start = torch.ones(1, len(products), dtype=torch.float64)
    (points,) = descend(function, start, RULES[rule], options(rule, 1.0, momentum), steps, 0).points
    half, pairs = steps // 2, np.hypot(points[1:], points[:-1])
    return np.asarray((pairs[-1] / pairs[half - 1]) ** (1 / (steps - half)))


def least_squares(features: Array, solution: Array, rate: float, steps: int) -> Array:
    """Return ||X(w - w*)||^2 under gradient descent from w = 0, (steps + 1,); inf where it left."""
    off, found = -solution, []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(steps + 1):
            residual = features @ off
            found.append(float(residual @ residual))
            off = off - rate * 2 * features.T @ residual
    return np.nan_to_num(found, nan=np.inf, posinf=np.inf)


def largest_eigenvalue(loss: Callable[[Tensor], Tensor], point: Tensor, seed: int) -> float:
    """Return that of the Hessian of a function at a point, (p,) float64."""
    slope = grad(loss)

    def product(vector: Array) -> Array:
        fixed = torch.from_numpy(vector).to(point)
        return np.asarray(grad(lambda at: slope(at) @ fixed)(point).cpu())

    return extremes(product, len(point), CLOSE, np.random.default_rng(seed)).largest


def losses_of(loss: Callable[[Tensor], Tensor], point: Tensor, rate: float, steps: int) -> Array:
    """Return a function's values under gradient descent from a point, (steps + 1,)."""
    both, found = grad_and_value(loss), []
    for _ in range(steps + 1):
        gradient, value = both(point)
        found.append(float(value))
        point = point - rate * gradient
    return np.array(found)
