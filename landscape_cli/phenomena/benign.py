"""Noisy gradient descent where all minima are global and all saddles strict, and where minima are bad."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.analytic.arrival import arrive
from landscape_cli.analytic.factorizations import matrix_factorization, tensor_factorization
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.low_rank import matrix_completion, matrix_sensing
from landscape_cli.analytic.networks import linear_chain, quadratic_network
from landscape_cli.analytic.relu_teacher import relu_teacher
from landscape_cli.plots.options import Look
from landscape_cli.plots.series import Panel, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

SIZE = "7x3"  # inches of the picture: seven names stand side by side


def all_minima_global_and_strict_implies_poly(
    lab: Lab, *, starts: int, steps: int, settling: int, noise: float, reached: float
) -> Measured:
    """Run noisy gradient descent from random starts on each problem, then gradient descent without noise.

    Args:
        lab: has the random numbers.
        starts: of each problem.
        steps: with noise.
        settling: steps without: the noise would hold the loss above its least value.
        noise: variance of what each step adds to each coordinate.
        reached: how far above the least value a run may end.
    """
    shares, losses = {}, {}
    for name, (function, scale) in _problems(lab).items():
        start = scale * _normal(lab, f"starts, {name}", starts, function.dimension)
        options = {"lr": function.lr, "noise": noise}
        noisy = arrive(function, start, "noisy_gd", options, steps, lab.seed, looks=2)
        ends = arrive(function, noisy.points, "gd", {"lr": function.lr}, settling, looks=2).points
        assert function.lowest is not None
        losses[name] = (function.value(ends) - function.lowest).numpy()
        shares[name] = (losses[name] < reached).mean()
    return {"reached": shares, "above_the_least": losses}


def _problems(lab: Lab) -> dict[str, tuple[Function, float]]:
    """Return name -> function and standard deviation of the starts' coordinates."""
    truth = {size: _normal(lab, f"truth, {size}", size, 2) for size in (10, 50)}
    truth = {size: factor / torch.linalg.matrix_norm(factor, 2) for size, factor in truth.items()}
    sensors = _normal(lab, "sensors", 100, 10, 10)
    upper = torch.from_numpy(np.triu(lab.random("observed").random_sample((50, 50)) < 0.4))
    bound = 1.5 * float(torch.linalg.vector_norm(truth[50], dim=-1).max())
    completion = matrix_completion(truth[50], upper | upper.T, bound=bound, weight=100.0)
    inputs, labels = _normal(lab, "inputs", 20, 10) / 10**0.5, _normal(lab, "labels", 20)
    quadratic = quadratic_network(inputs, labels, torch.tensor([1.0, -1.0] * 10, dtype=torch.float64))
    return {
        "matrix factorization": (matrix_factorization([5.0, 3.0, 1.0], 2), 1.0),
        "matrix sensing": (matrix_sensing(truth[10], sensors), 10**-0.5),
        "matrix completion": (completion, 50**-0.5),
        "tensor factorization": (tensor_factorization(5), 5**-0.5),
        "quadratic units": (replace(quadratic, lr=0.2), 10**-0.5),
        "linear layers": (linear_chain(3), 1.0),
        "ReLU student": (relu_teacher(torch.eye(8, dtype=torch.float64), 8), 8**-0.5),
    }


def draw_all_minima_global_and_strict_implies_poly(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the share of runs that reach the least value, problem by problem.

    Args:
        seeds: what each seed gave.
        names: what problems are called below the axis.
    """
    shares = across(seeds, "reached")
    points = {
        f"seed {seed['seed']}": (range(len(shares)), [100 * each[number] for each in shares.values()])
        for number, seed in enumerate(seeds)
    }
    ticks = [names[name].replace(" ", "\n") for name in shares]
    panel = Panel("", "", "runs that reach the least value [%]", points=points, ticks=ticks, level=95.0)
    return {"reached": draw_panels([panel], look=Look(size=SIZE))}


def _normal(lab: Lab, purpose: str, *shape: int) -> Tensor:
    return torch.from_numpy(lab.random(purpose).standard_normal(shape))
