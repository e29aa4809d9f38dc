"""Landscapes averaged over a Gaussian kernel have fewer minima, and lead to the lowest one.

Pardalos, Shalloway, Xue 1993, in Sagun, "Different kinds of minima".
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from scipy.special import logsumexp
from torch import Tensor

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.function import Function
from landscape_cli.analytic.smoothing import smoothed
from landscape_cli.analytic.surfaces2d import rastrigin
from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.plane import Plane
from landscape_cli.measures import minima
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.weights.arithmetic import Vector, params_of
from landscape_cli.weights.directions import random as random_direction

CUT = 3.0  # widths beyond which the kernel of the effective energies is cut
NEAR = 1e-2  # distance from the minimizer within which a descent has ended there
LINE = 1001  # points of a line


def gaussian_smoothing_landscape(
    lab: Lab,
    *,
    widths: Sequence[float],
    points: int,
    nodes: int,
    starts: int,
    steps: int,
    temperatures: Sequence[float],
    energy_width: float,
    run: str,
    samples: int,
    planes: int,
    reach: float,
    side: int,
    sigma: float,
    draws: int,
) -> Measured:
    """Smooth Rastrigin's function and slices of a network's loss; follow a minimum as Lambda falls.

    Args:
        lab: has the run.
        widths: Lambda, descending, the last one 0.
        points: a side of the grid on which minima in two dimensions are counted, odd.
        nodes: of the means, along each coordinate.
        starts: of descents, uniform in the function's box.
        steps: of gradient descent at each width; as many as at all of them without smoothing.
        temperatures: of the effective energy, in units of the function's range over its box, ascending.
        energy_width: Lambda there.
        run: the name of the network's run.
        samples: training samples of its loss, the first ones.
        planes: slices through its weights along random directions, filter by filter as long as the weights.
        reach: the slices are from -reach to reach along both.
        side: points of a slice along each.
        sigma: standard deviation of each weight's kernel, that is Lambda over the root of 2.
        draws: of the mean over it, the same ones at all points of a slice.
    """
    counts, tracked, direct = {}, {}, {}
    for dimension in (1, 2):
        function = rastrigin(dimension)
        name = f"{dimension}-d"
        counts[name] = np.array([minima_of(smoothed(function, each, nodes=nodes), points) for each in widths])
        box = np.array(function.box)
        drawn = lab.random(f"starts {name}").uniform(box[:, 0], box[:, 1], (starts, dimension))
        first = torch.from_numpy(drawn)
        tracked[name] = arrived(followed(function, first, widths, nodes, steps))
        direct[name] = arrived(followed(function, first, [0.0] * len(widths), nodes, steps))
    x = np.linspace(-2.5, 2.5, LINE)
    line = torch.from_numpy(x)[:, None]
    curves = {f"{each:g}": smoothed(rastrigin(1), each, nodes=nodes).value(line).numpy() for each in widths}
    energies = effective_energies(rastrigin(1), x, energy_width, temperatures)
    split = Split(*(each[:samples] for each in (lab.data(run).train.inputs, lab.data(run).train.targets)))
    raw, mean = [], []
    axis = np.linspace(-reach, reach, side)
    for plane in range(planes):
        pair = slices(lab, run, split, axis, f"plane {plane}", sigma, draws)
        raw.append(pair[0])
        mean.append(pair[1])
    found = {
        name: np.array([minima(axis, axis, each) for each in every])
        for name, every in (("raw", raw), ("mean", mean))
    }
    return {
        "largest_rise": {name: -np.diff(each).min() for name, each in counts.items()},
        "at_first": {name: each[-1] for name, each in counts.items()},
        "at_the_widest": {name: each[0] for name, each in counts.items()},
        "tracked": tracked,
        "direct": direct,
        **energies,
        **kernel(widths, x, curves),
        "smoothed_minus_raw": (found["mean"] - found["raw"]).max(),
        "minima_of_slices": found,
        "widths": widths,
        "counts": counts,
        "x": x,
        "curves": curves,
        "axis": axis,
        "slice": {"raw": raw[0][side // 2], "mean": mean[0][side // 2]},
    }


def minima_of(function: Function, points: int) -> int:
    """Return the strict local minima on a grid of the function's box; on a line there are `LINE` points."""
    if function.dimension == 1:
        x = torch.linspace(*function.box[0], LINE, dtype=torch.float64)
        value = function.value(x[:, None]).numpy()
        return int(((value[1:-1] < value[:-2]) & (value[1:-1] < value[2:])).sum())
    axis = torch.linspace(*function.box[0], points, dtype=torch.float64)
    rows = [function.value(torch.stack([axis, y.expand(points)], dim=-1)) for y in axis]
    grid = axis.numpy()
    return minima(grid, grid, torch.stack(rows).numpy()) + 1  # and the one in the centre's basin


def followed(function: Function, start: Tensor, widths: Sequence[float], nodes: int, steps: int) -> Array:
    """Return where gradient descent ends that goes on at each width from where it was, (n, d).

    The step size at a width is 1 / (the largest curvature at the first starts).
    """
    now = start
    for width in widths:
        smooth = smoothed(function, width, nodes=nodes)
        curvature = torch.linalg.eigvalsh(smooth.hessian(start)).abs().max()
        path = descend(smooth, now, "gd", {"lr": 1 / float(curvature)}, steps, 0)
        now = torch.from_numpy(path.points[:, -1])
    return now.numpy()


def arrived(ends: Array) -> float:
    """Return the share of points near the origin, the global minimizer."""
    return float((np.linalg.norm(ends, axis=1) < NEAR).mean())


def effective_energies(
    function: Function, x: Array, width: float, temperatures: Sequence[float]
) -> dict[str, object]:
    """Return what becomes of -T log E exp(-f / T) as T falls and grows, in units of the function's range.

    The kernel is cut at `CUT` widths, so that it has a neighbourhood.
    """
    r = np.linspace(-CUT * width, CUT * width, LINE)
    weights = np.exp(-((r / width) ** 2))
    weights /= weights.sum()
    around = function.value(torch.from_numpy(x[:, None, None] + r[None, :, None])).numpy()
    low, mean = around.min(axis=1), around @ weights
    span = float(np.ptp(around[:, LINE // 2]))
    energy = np.stack(
        [-each * span * logsumexp(-around / (each * span), b=weights, axis=1) for each in temperatures]
    )
    off = np.diff(energy, axis=0).min()
    return {
        "cold_off": np.abs(energy[0] - low).max() / span,
        "hot_off": np.abs(energy[-1] - mean).max() / span,
        "out_of_order": max(-off, (low - energy).max(), (energy - mean).max()) / span,
        "temperatures": temperatures,
        "from_the_least": np.abs(energy - low).max(axis=1) / span,
        "from_the_mean": np.abs(energy - mean).max(axis=1) / span,
    }


def kernel(widths: Sequence[float], x: Array, curves: Mapping[str, Array]) -> dict[str, object]:
    """Return mass and variance of exp(-(r / Lambda)^2) / (Lambda sqrt(pi)), and which one the curves show.

    Smoothed with the variance v Rastrigin's function is 10 + x^2 + v - 10 exp(-2 pi^2 v) cos 2 pi x.

    Args:
        widths: Lambda.
        x: (n,).
        curves: of each width, by its number as text, (n,).
    """
    r = np.linspace(-10.0, 10.0, 200_001)
    density = np.exp(-(r**2)) / math.sqrt(math.pi) * (r[1] - r[0])

    def off(share: float) -> float:
        worst = 0.0
        for width in widths:
            v = share * width**2
            shape = 10 + x**2 + v - 10 * math.exp(-2 * math.pi**2 * v) * np.cos(2 * math.pi * x)
            worst = max(worst, float(np.abs(shape - curves[f"{width:g}"]).max()))
        return worst

    return {
        "mass_off": abs(density.sum() - 1),
        "variance_off": abs((density * r**2).sum() - 0.5),
        "half_off": off(0.5),
        "whole_off": off(1.0),
    }


def slices(
    lab: Lab, run: str, split: Split, axis: Array, name: str, sigma: float, draws: int
) -> tuple[Array, Array]:
    """Return the loss over a plane of weights, and its mean over Gaussian shifts, (side, side) each."""
    model = lab.network(run)
    weights, seeds = params_of(model), lab.random(name).randint(2**31, size=2)
    pair = {
        each: random_direction(weights, norm="filter", ignore="biasbn", seed=int(seed), axis="x")
        for each, seed in zip("xy", seeds, strict=True)
    }
    evaluator = Evaluator(model, {"train": [(split.inputs, split.targets)]}, objective(lab.loss(run)))

    def over_the_plane(origin: Vector) -> Array:
        plane = Plane(evaluator, origin, pair)
        return np.array([[plane.evaluate(x, y)["train"].loss for x in axis] for y in axis])

    generator = torch.Generator().manual_seed(int(lab.random(f"{name}, shifts").randint(2**31)))
    total = np.zeros((len(axis), len(axis)))
    for _ in range(draws):
        total += over_the_plane(
            {
                key: each + sigma * torch.randn(each.shape, generator=generator).to(each)
                for key, each in weights.items()
            }
        )
    return over_the_plane(weights), total / draws


def draw_gaussian_smoothing_landscape(
    seeds: Sequence[Measured], *, shown: Sequence[str], names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw smoothed lines, the numbers of minima, the effective energy's limits, and a network's slice."""
    first = seeds[0]
    lines = [
        Series(f"\N{GREEK CAPITAL LETTER LAMDA} = {width}", first["x"], first["curves"][width], look=look)
        for look, width in enumerate(shown)
    ]
    counts = [
        Series(name, first["widths"], each, look=look)
        for look, (name, each) in enumerate(across(seeds, "counts").items(), start=4)
    ]
    limits = [
        Series(names[key], first["temperatures"], across(seeds, key), look=look)
        for look, key in ((2, "from_the_least"), (3, "from_the_mean"))
    ]
    network = [
        Series(names[key], first["axis"], each, look=look)
        for look, (key, each) in zip((6, 1), first["slice"].items(), strict=True)
    ]
    width = "\N{GREEK CAPITAL LETTER LAMDA}"
    return {
        "smoothing": draw_panels(
            [
                Panel("Rastrigin's function", "x", "mean over the kernel", lines),
                Panel("Local minima", f"width {width} of the kernel", "number", counts, log="y"),
            ]
        ),
        "limits": draw_panels(
            [
                Panel(
                    "Effective energy",
                    "temperature / range of f",
                    "largest distance / range of f",
                    limits,
                    log="xy",
                ),
                Panel("A network", "along a random direction", "training loss", network),
            ]
        ),
    }
