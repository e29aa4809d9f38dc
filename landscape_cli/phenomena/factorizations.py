"""Factorizations of matrices and tensors: minima are global, all else that is stationary strict saddles.

Ge et al. 2015; Bhojanapalli, Neyshabur, Srebro 2016; Ge, Lee, Ma 2016; Chi, Lu, Chen 2019.
"""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic import factorizations, low_rank
from landscape_cli.analytic.arrival import Arrival, arrive
from landscape_cli.analytic.critical import seek
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.stationary import KINDS, classify
from landscape_cli.analytic.tensors import on_spheres, tensor_components, worst_component
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

ZERO_GRADIENT = 1e-9
GLOBAL = 1e-6  # a stationary value so near the least one is it
SMALLEST = 1e-17  # shown in place of an excess of 0


def matrix_factorization(
    lab: Lab, *, eigenvalues: list[float], rank: int, starts: int, steps: int, sought: int
) -> Measured:
    """Descend on ||X X^T - M||^2 / 4, of ranks 1 and `rank`, and ||U V^T - M||^2 / 2, M diagonal.

    Stationary points are sought from other starts by descending on the gradient's length. At rank 1 they are
    known: at sqrt(lambda_j) e_j the smallest eigenvalue of the Hessian is lambda_j - lambda_1.

    Args:
        lab: has the random numbers.
        eigenvalues: of M, decreasing.
        rank: of the two others.
        starts: of gradient descent, standard normal.
        steps: of it.
        sought: starts of the search, standard normal.
    """
    target = torch.diag(torch.tensor(eigenvalues, dtype=torch.float64))
    functions = {
        "symmetric, rank 1": factorizations.matrix_factorization(eigenvalues),
        f"symmetric, rank {rank}": factorizations.matrix_factorization(eigenvalues, rank),
        f"asymmetric, rank {rank}": low_rank.asymmetric_factorization(target, rank),
    }
    excess, heights, lowest = {}, {}, {}
    for name, function in functions.items():
        least = float(function.lowest or 0.0)
        arrival = _descended(lab, name, function, starts, steps)
        excess[name] = arrival.loss - least
        points = seek(function, _normal(lab, f"{name}, sought", sought, function.dimension), steps=100)
        found = classify(function, points, gradient=ZERO_GRADIENT)
        stationary = found.kind != KINDS.index("not stationary")
        above = function.value(points)[stationary] - least
        heights[name], lowest[name] = above.numpy(), found.eigenvalues[stationary, 0].numpy()
    first, at = functions["symmetric, rank 1"], torch.diag(target.diagonal().sqrt())
    formula = target.diagonal() - target[0, 0]
    smallest = torch.linalg.eigvalsh(first.hessian(at))[1:, 0]
    others = {name: lowest[name][heights[name] > GLOBAL] for name in functions}
    return {
        "largest_excess": {name: values[:, -1].max() for name, values in excess.items()},
        "largest_smallest_eigenvalue": {name: max(each, default=np.nan) for name, each in others.items()},
        "number_of_saddles": {name: len(each) for name, each in others.items()},
        "off_the_formula": (smallest - formula[1:]).abs().numpy(),
        "steps": arrival.steps,
        "excess": {name: np.median(values, axis=0) for name, values in excess.items()},
        "heights": heights,
        "eigenvalues": lowest,
    }


def draw_matrix_factorization(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the descents, and value and least curvature of the stationary points that were found."""
    excess = across(seeds, "excess")
    curves = [
        Series(name, seeds[0]["steps"], np.maximum(values, SMALLEST)) for name, values in excess.items()
    ]
    points = {name: _joined(seeds, name) for name in excess}
    return {
        "descent": draw_panels(
            [Panel("", "steps", "loss above the least value, median", curves, log="y")],
        ),
        "saddles": draw_panels(
            [Panel("", "loss above the least value", "smallest eigenvalue", points=points, level=0.0)],
        ),
    }


def _joined(seeds: Sequence[Measured], name: str) -> tuple[Array, Array]:
    one, other = (np.concatenate([seed[key][name] for seed in seeds]) for key in ("heights", "eigenvalues"))
    return one, other


def matrix_sensing(
    lab: Lab,
    *,
    dimension: int,
    rank: int,
    measurements: list[float],
    starts: int,
    steps: int,
    recovered: float,
) -> Measured:
    """Recover a random X = Z Z^T from m Gaussian measurements by gradient descent from random starts.

    Args:
        lab: has the random numbers.
        dimension: d.
        rank: r.
        measurements: m / (d r), several.
        starts: of gradient descent, for each m.
        steps: of it.
        recovered: the error ||U U^T - X|| / ||X|| below which X is.
    """
    errors = {}
    for each in measurements:
        truth = _truth(lab, f"truth, {each:g}", dimension, rank)
        sensors = _normal(lab, f"sensors, {each:g}", round(each * dimension * rank), dimension, dimension)
        function = low_rank.matrix_sensing(truth, sensors)
        errors[f"{each:g}"] = _errors(lab, f"starts, {each:g}", function, truth, starts, steps)
    return {
        "measurements": measurements,
        "recovered": {name: (error < recovered).mean() for name, error in errors.items()},
        "error": errors,
    }


def draw_matrix_sensing(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the share of starts that recover the matrix, over the number of measurements."""
    shares = np.stack([*across(seeds, "recovered").values()], axis=1)
    curve = Series("", seeds[0]["measurements"], 100 * shares)
    panel = Panel("", "measurements m / (d r)", "starts that recover X [%]", [curve], level=95.0)
    return {"recovery": draw_panels([panel])}


def matrix_completion(
    lab: Lab,
    *,
    dimension: int,
    rank: int,
    observed: list[float],
    bound: float,
    weight: float,
    starts: int,
    steps: int,
) -> Measured:
    """Recover a random X = Z Z^T from a part of its entries by gradient descent from random starts.

    Args:
        lab: has the random numbers.
        dimension: d.
        rank: r.
        observed: probabilities with which an entry on or above the diagonal is known, several.
        bound: of the rows' lengths, in those of the longest row of Z.
        weight: of what is beyond it.
        starts: of gradient descent, for each probability.
        steps: of it.
    """
    errors = {}
    for share in observed:
        truth = _truth(lab, f"truth, {share:g}", dimension, rank)
        drawn = lab.random(f"observed, {share:g}").random_sample((dimension, dimension)) < share
        upper = torch.from_numpy(np.triu(drawn))
        longest = float(torch.linalg.vector_norm(truth, dim=-1).max())
        function = low_rank.matrix_completion(truth, upper | upper.T, bound=bound * longest, weight=weight)
        errors[f"{share:g}"] = _errors(lab, f"starts, {share:g}", function, truth, starts, steps)
    return {
        "observed": observed,
        "largest_error": {name: error.max() for name, error in errors.items()},
        "smallest_error": {name: error.min() for name, error in errors.items()},
        "error": errors,
    }


def draw_matrix_completion(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the worst and the best start's error over the share of observed entries."""
    curves = [
        Series(label, seeds[0]["observed"], np.stack([*across(seeds, name).values()], axis=1))
        for label, name in (("worst start", "largest_error"), ("best start", "smallest_error"))
    ]
    panel = Panel("", "share p of observed entries", "relative error", curves, log="y", level=1e-2)
    return {"recovery": draw_panels([panel])}


def tensor_factorization(
    lab: Lab, *, dimension: int, starts: int, steps: int, lr: float, noise: float
) -> Measured:
    """Find all components of an orthogonal tensor by noisy gradient descent that is projected to the spheres.

    The loss is sum_{i != j} T(u_i, u_i, u_j, u_j) of as many unit vectors u_i as there are components.

    Args:
        lab: has the random numbers.
        dimension: d, of the space and in number of components.
        starts: random unit vectors.
        steps: of descent.
        lr: step size.
        noise: standard deviation of what is added to each coordinate of the gradient.
    """
    random = lab.random("components").standard_normal((dimension, dimension))
    components = torch.linalg.qr(torch.from_numpy(random))[0]
    function = tensor_components(components)
    drawn, size = lab.random("noise"), dimension**2
    points = on_spheres(_normal(lab, "starts", starts, size), dimension)
    loss, worst = [function.value(points)], [worst_component(points, components)]
    for _ in range(steps):
        gradient = function.gradient(points) + noise * torch.from_numpy(drawn.standard_normal((starts, size)))
        points = on_spheres(points - lr * gradient, dimension)
        loss.append(function.value(points))
        worst.append(worst_component(points, components))
    return {
        "worst_component": float(worst[-1].max()),
        "loss": torch.stack(loss).median(dim=1).values.numpy(),
        "worst": torch.stack(worst).amax(dim=1).numpy(),
    }


def draw_tensor_factorization(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw loss and worst component over steps."""
    shown = {
        "loss": ("Loss", "loss, median over starts", None),
        "worst": ("The component farthest from all vectors", "1 - |cosine|, worst start", 1e-2),
    }
    panels = [
        Panel(
            title,
            "steps",
            y,
            [Series("", range(len(seeds[0][name])), across(seeds, name))],
            log="y",
            level=level,
        )
        for name, (title, y, level) in shown.items()
    ]
    return {"components": draw_panels(panels)}


def _normal(lab: Lab, purpose: str, *shape: int) -> Tensor:
    return torch.from_numpy(lab.random(purpose).standard_normal(shape))


def _truth(lab: Lab, purpose: str, dimension: int, rank: int) -> Tensor:
    """Return a Gaussian Z, scaled to the largest eigenvalue 1 of Z Z^T."""
    factor = _normal(lab, purpose, dimension, rank)
    largest: Tensor = torch.linalg.matrix_norm(factor, 2)
    return factor / largest


def _descended(lab: Lab, purpose: str, function: Function, starts: int, steps: int) -> Arrival:
    """Return gradient descent from normal starts, at the function's own step size."""
    start = _normal(lab, purpose, starts, function.dimension)
    return arrive(function, start, "gd", {"lr": function.lr}, steps)


def _errors(lab: Lab, purpose: str, function: Function, truth: Tensor, starts: int, steps: int) -> Array:
    """Return the recovery error of each start, (starts,); those have rows of the length that Z's have."""
    start = _normal(lab, purpose, starts, function.dimension) / len(truth) ** 0.5
    arrival = arrive(function, start, "gd", {"lr": function.lr}, steps, looks=2)
    return low_rank.recovery_error(arrival.points, truth).numpy()
