"""Two-layer networks: no bad minima with enough quadratic units, many where a ReLU student has a teacher.

Soltanolkotabi, Javanmard, Lee 2019; Du, Lee 2018; Safran, Shamir 2018; Yun, Sra, Jadbabaie 2019.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.arrival import arrive
from landscape_cli.analytic.certified import Ends, spurious_minima
from landscape_cli.analytic.networks import linear_minimum, quadratic_network, relu_network
from landscape_cli.analytic.relu_teacher import relu_teacher
from landscape_cli.analytic.rules import in_ball
from landscape_cli.analytic.stationary import classify
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

PERCENT = (-4.0, 104.0)
GLOBAL = 1e-6  # a minimum with a population loss below this is the teacher itself


def quadratic_activation_net(
    lab: Lab,
    *,
    dimension: int,
    samples: int,
    widths: list[int],
    starts: int,
    steps: int,
    lr: float,
    fitted: float,
) -> Measured:
    """Fit random labels with sum_j a_j (w_j^T x)^2, half of the a_j 1 and half -1.

    Gradient descent has a momentum of 0.9; without it takes ten times as many steps.

    Args:
        lab: has the random numbers.
        dimension: d, of the normal inputs, of mean square length 1.
        samples: their number.
        widths: even numbers k of units.
        starts: for each width; w_j of mean square length 1.
        steps: of descent.
        lr: step size.
        fitted: the loss below which the labels are.
    """
    inputs = _normal(lab, "inputs", samples, dimension) / dimension**0.5
    labels = _normal(lab, "labels", samples)
    loss, options = {}, {"lr": lr, "momentum": 0.9}
    for width in widths:
        function = quadratic_network(inputs, labels, torch.tensor([1.0, -1.0] * (width // 2)).double())
        start = _normal(lab, f"starts, {width}", starts, function.dimension) / dimension**0.5
        loss[str(width)] = arrive(function, start, "heavy_ball", options, steps, looks=2).loss[:, -1]
    at_zero = classify(function, torch.zeros_like(start[:1])).eigenvalues[0, 0]  # the same for all widths
    return {
        "widths": widths,
        "reached": {width: (values < fitted).mean() for width, values in loss.items()},
        "eigenvalue_at_0": float(at_zero),
        "loss": loss,
    }


def draw_quadratic_activation_net(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the share of starts that fit the labels over the number of units."""
    shares = np.stack([*across(seeds, "reached").values()], axis=1)
    curve = Series("", seeds[0]["widths"], 100 * shares)
    panel = Panel("", "units k", "starts that fit the labels [%]", [curve], limits=PERCENT)
    return {"fitted": draw_panels([panel])}


def bad_local_minima_nonlinear(
    lab: Lab,
    *,
    sizes: list[int],
    runs: list[int],
    compared: list[int],
    rounds: int,
    steps: int,
    samples: int,
    width: int,
    perturbations: int,
    radius: float,
    training_steps: int,
) -> Measured:
    """Count spurious minima that ReLU students of an orthonormal teacher end in, and make one on given data.

    A run is spurious where `spurious_minima` certifies a minimum of a population loss above 1e-6, and
    undecided where the loss is and it has no certificate. The claims go against them: of students with one
    more unit the undecided count as spurious, of others they do not.

    Args:
        lab: has the random numbers.
        sizes: numbers of the teacher's units, and of inputs; students have as many units, or one more.
        runs: of each, from normal weights of variance 1 / inputs.
        compared: two of the sizes, whose shares of spurious runs are.
        rounds: of descent, after each of which runs that have arrived are set aside.
        steps: of a round.
        samples: of the data on which Yun et al.'s minimum is made: two normal inputs, normal labels.
        width: of the ReLU network there.
        perturbations: of that minimum.
        radius: of the ball they are drawn from.
        training_steps: of Adam, from random weights, for comparison.
    """
    found = {
        name: {
            str(size): _students(lab, size, size + more, count, rounds, steps)
            for size, count in zip(sizes, runs, strict=True)
        }
        for name, more in (("as_many", 0), ("one_more", 1))
    }
    small, large = compared
    share = {name: _means(each, "spurious") for name, each in found.items()}
    undecided = {name: _means(each, "undecided") for name, each in found.items()}
    most = {size: part + undecided["one_more"][size] for size, part in share["one_more"].items()}
    return {
        "sizes": sizes,
        "spurious": share,
        "growth": share["as_many"][str(large)] - share["as_many"][str(small)],
        "one_more_minus_half": {size: most[size] - share["as_many"][size] / 2 for size in most},
        "undecided": undecided,
        "loss_of_spurious": {
            size: ends.loss[ends.spurious].numpy() for size, ends in found["as_many"].items()
        },
        **_linear_minimum(lab, samples, width, perturbations, radius, training_steps),
    }


def draw_bad_local_minima_nonlinear(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw how often spurious minima are met, and their losses."""

    def percent(path: str) -> Array:
        return 100 * np.stack([*across(seeds, path).values()], axis=1)

    shares = {
        "as many units as the teacher": percent("spurious/as_many"),
        "one more, undecided runs counted": percent("spurious/one_more") + percent("undecided/one_more"),
    }
    curves = [Series(label, seeds[0]["sizes"], each) for label, each in shares.items()]
    losses = [seed["loss_of_spurious"] for seed in seeds]
    joined = {size: np.concatenate([each[size] for each in losses]) for size in losses[0]}
    places = np.concatenate([np.full(len(each), float(size)) for size, each in joined.items()])
    return {
        "probability": draw_panels(
            [
                Panel(
                    "",
                    "units of the teacher",
                    "runs that end in a spurious minimum [%]",
                    curves,
                    limits=PERCENT,
                )
            ]
        ),
        "losses": draw_panels(
            [
                Panel(
                    "",
                    "units of the teacher",
                    "population loss at spurious minima",
                    points={"a run": (places, np.concatenate([*joined.values()]))},
                )
            ]
        ),
    }


def _students(lab: Lab, size: int, width: int, runs: int, rounds: int, steps: int) -> Ends:
    function = relu_teacher(torch.eye(size, dtype=torch.float64), width)
    start = _normal(lab, f"students, {size}, {width}", runs, function.dimension) / size**0.5
    return spurious_minima(function, start, rounds, steps, GLOBAL)


def _means(ends: Mapping[str, Ends], name: str) -> dict[str, float]:
    return {size: float(getattr(each, name).double().mean()) for size, each in ends.items()}


def _linear_minimum(
    lab: Lab, samples: int, width: int, perturbations: int, radius: float, training_steps: int
) -> Measured:
    inputs, labels = _normal(lab, "inputs", samples, 2), _normal(lab, "labels", samples)
    function, point = relu_network(inputs, labels, width), linear_minimum(inputs, labels, width)[None]
    random = torch.Generator().manual_seed(lab.seed)
    moved = point + radius * in_ball(point.expand(perturbations, -1), random)
    start = _normal(lab, "weights", 1, function.dimension)
    trained = arrive(function, start, "adam", {"lr": 0.01}, training_steps).loss[0, -1]
    loss = float(function.value(point))
    return {
        "gradient_at_the_linear_minimum": float(function.gradient(point).norm()),
        "least_rise_around_it": float(function.value(moved).min()) - loss,
        "trained_over_linear": trained / loss,
    }


def _normal(lab: Lab, purpose: str, *shape: int) -> Tensor:
    return torch.from_numpy(lab.random(purpose).standard_normal(shape))
