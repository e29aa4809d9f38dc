"""What the noise of batches leaves of the loss at a constant step size (Bottou et al. 2018, section 4)."""

from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.descent import descend
from landscape_cli.analytic.quadratics import ravine
from landscape_cli.arrays import Array
from landscape_cli.measures import z_score
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

PARTS = 1000  # of the finite sum


def sgd_vs_gd_noise_floor(
    lab: Lab,
    *,
    condition: float,
    dimension: int,
    spread: float,
    rates: list[float],
    batches: list[int],
    chains: int,
    steps: int,
    draws: int,
) -> Measured:
    """Measure where SGD's loss stops falling on a finite sum whose mean is a quadratic, beside GD.

    Part i of the sum is f(x) + a_i x, f = 1/2 sum_i lambda_i x_i^2. A batch of B parts, drawn with
    replacement, gives a gradient of the variance s_j^2 / B in coordinate j, and SGD's stationary excess is
    sum_j lr s_j^2 / (2 B (2 - lr lambda_j)), for small steps lr sum_j s_j^2 / (4 B). A batch's gradient is
    read off a step: (x - x') / lr.

    Args:
        lab: of no run.
        condition: lambda_max; lambda_min is 1.
        dimension: of the quadratic.
        spread: standard deviation of a_i in each coordinate.
        rates: step sizes of SGD with batches of one, each half of the one before.
        batches: of SGD with the largest of these, each twice the one before; the first is 1.
        chains: descents whose losses are averaged.
        steps: of each; the mean over the second half is the floor.
        draws: batches of each size whose gradients are compared with that of all parts.
    """
    function = ravine(condition, dimension)
    start = torch.from_numpy(lab.random("start").standard_normal((1, dimension)))

    def options(rate: float, batch: int) -> dict[str, float]:
        return {"lr": rate, "parts": PARTS, "batch": batch, "spread": spread}

    def excess(rate: float, batch: int) -> Array:
        path = descend(function, start.expand(chains, -1), "sgd", options(rate, batch), steps, lab.seed)
        return np.asarray(path.loss.mean(axis=0))

    curves = {f"{rate:g}": excess(rate, 1) for rate in rates}
    by_batch = [curves[f"{rates[0]:g}"], *(excess(rates[0], batch) for batch in batches[1:])]
    floors = np.array([curve[steps // 2 :].mean() for curve in curves.values()])
    shares = np.array([curve[steps // 2 :].mean() for curve in by_batch])
    exact = descend(function, start, "gd", {"lr": rates[0]}, steps, lab.seed)
    full = function.gradient(start)[0]
    variances, along = [], np.zeros(draws)
    for batch in batches:
        path = descend(function, start.expand(draws, -1), "sgd", options(rates[0], batch), 1, lab.seed)
        gradients = (path.points[:, 0] - path.points[:, 1]) / rates[0]
        variances.append(((gradients - full.numpy()) ** 2).sum(axis=1).mean())
        if batch == 1:
            along = gradients @ (full / full.norm()).numpy()
    return {
        "off_half": {f"{rate:g}": _off(floors[n + 1], floors[n]) for n, rate in enumerate(rates[:-1])},
        "off_double": {str(batch): _off(shares[n + 1], shares[n]) for n, batch in enumerate(batches[:-1])},
        "excess_of_gd": exact.loss[0, -1],
        "z_gradient": abs(z_score(along, float(full.norm()))),
        "exponent_off_one": abs(np.polyfit(np.log(batches), np.log(variances), 1)[0] + 1),
        "steps": exact.steps,
        "gradient_descent": exact.loss[0],
        "curves": curves,
        "scale": np.array([*rates, *(rates[0] / batch for batch in batches[1:])]),
        "floors": np.concatenate([floors, shares[1:]]),
        "rates": rates,
        "batches": batches,
        "variances": variances,
        "total_variance": spread**2 * dimension,
    }


def draw_sgd_vs_gd_noise_floor(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw losses over steps, the floors, and the variance of gradients, each beside what theory says."""
    first, total = seeds[0], float(seeds[0]["total_variance"])
    count, floors, scale = len(first["rates"]), across(seeds, "floors"), first["scale"]
    ordered, variances = np.sort(scale), across(seeds, "variances")
    panels = [
        Panel(
            "Constant step sizes",
            "step",
            "excess loss",
            [
                Series("gradient descent", first["steps"], across(seeds, "gradient_descent"), look=6),
                *(
                    Series(f"SGD, step size {name}", first["steps"], each, look=look)
                    for look, (name, each) in enumerate(across(seeds, "curves").items())
                ),
            ],
            log="y",
            limits=(floors.min() / 10, 2 * first["gradient_descent"][0]),
        ),
        Panel(
            "Floor; theory of small steps",
            "step size / batch size",
            "excess loss, second half",
            [Series("in theory", ordered, ordered * total / 4, look=6)],
            points={
                "batches of one": (
                    np.broadcast_to(scale[:count], floors[:, :count].shape),
                    floors[:, :count],
                ),
                "larger batches": (
                    np.broadcast_to(scale[count:], floors[:, count:].shape),
                    floors[:, count:],
                ),
            },
            log="xy",
        ),
        Panel(
            "Gradients of batches",
            "batch size",
            "variance, all coordinates",
            [Series("in theory", first["batches"], total / first["batches"], look=6)],
            points={"measured": (np.broadcast_to(first["batches"], variances.shape), variances)},
            log="xy",
        ),
    ]
    return {"floor": draw_panels(panels)}


def _off(half: float, whole: float) -> float:
    """Return how far a floor is from half another, as a part of that half."""
    return float(abs(2 * half / whole - 1))
