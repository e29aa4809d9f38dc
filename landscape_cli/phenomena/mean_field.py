"""Two-layer networks of output scale 1/N: their losses over time become those of one flow as N grows.

Mei, Montanari, Nguyen 2018 (arXiv:1804.06561); Rotskoff, Vanden-Eijnden 2018; Sirignano, Spiliopoulos 2018;
Chizat, Bach 2018.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

DIMENSION = 2  # of an input
LOOKS = 50  # at the loss, evenly spaced in time


def mean_field_limit(
    lab: Lab,
    *,
    teacher: int,
    samples: int,
    widths: Sequence[int],
    networks: int,
    step: float,
    time: float,
    pairs: int,
    sgd_step: float,
    batch: int,
    reaching: Sequence[int],
    inits: int,
    long_step: float,
    long: float,
    reached: float,
) -> Measured:
    """Measure how losses over time depend on the width N, on initial weights and on batches.

    The loss is the mean over the samples of (f - y)^2 / 2, of targets of mean square 1. A step of the step
    size e has the learning rate N e and takes the time e. SGD draws its batches with replacement.

    Args:
        lab: of no run.
        teacher: its units.
        samples: in all, standard normal in the plane.
        widths: N, ascending.
        networks: of each width, from different initial weights.
        step: e of gradient descent.
        time: how long.
        pairs: networks of each width that SGD trains besides.
        sgd_step: its e at the first width; it falls like 1/N. Besides, e is the same at all widths.
        batch: its samples a step.
        reaching: widths that are trained for longer: the teacher's, and 50 times that.
        inits: networks of these.
        long_step: e of their gradient descent.
        long: how long.
        reached: the loss below which they have arrived.
    """
    inputs, targets = task(lab, teacher, samples)
    steps = round(time / step)
    at = np.linspace(0, time, LOOKS + 1)
    curves: dict[str, Array] = {}
    falling: list[float] = []
    fixed: list[float] = []
    for number, width in enumerate(widths):
        first = initial(lab, width, networks)
        curves[str(width)] = losses(first, inputs, targets, step, steps)
        some = first[:pairs]
        for found, own in ((falling, sgd_step * widths[0] / width), (fixed, sgd_step)):
            random = torch.Generator().manual_seed(int(lab.random(f"batches {number}").randint(2**31)))
            count = round(time / own / LOOKS) * LOOKS
            noisy = losses(some, inputs, targets, time / count, count, batch, random)
            found.append(float(np.sqrt(np.square(noisy - curves[str(width)][:pairs]).mean())))
    spread = [float(np.sqrt(each.var(axis=0, ddof=1).mean())) for each in curves.values()]
    ends = {
        str(width): losses(initial(lab, width, inits), inputs, targets, long_step, round(long / long_step))
        for width in reaching
    }
    few, many = (each[:, -1] for each in ends.values())
    return {
        "spread_exponent_off": abs(exponent(widths, spread) + 0.5),
        "gd_minus_sgd_exponent": exponent(widths, falling),
        "fixed_step_exponent": exponent(widths, fixed),
        "wide_worst_loss": many.max(),
        "narrow_failing": (few >= reached).mean(),
        "widths": widths,
        "spread": spread,
        "falling": falling,
        "fixed": fixed,
        "time": at,
        "curves": {name: each.mean(axis=0) for name, each in curves.items()},
        "long_time": np.linspace(0, long, LOOKS + 1),
        "long_losses": {name: np.quantile(each, [0.1, 0.5, 0.9], axis=0) for name, each in ends.items()},
    }


def task(lab: Lab, teacher: int, samples: int) -> tuple[Tensor, Tensor]:
    """Return inputs (n, 2) and targets (n,), a random teacher's, of mean square 1.

    The teacher is sum_j b_j relu(v_j x), v_j uniform on the circle and b_j of either sign by turns.
    """
    random = lab.random("teacher")
    angles = random.uniform(0, 2 * np.pi, teacher)
    units = np.stack([np.cos(angles), np.sin(angles)])
    inputs = random.standard_normal((samples, DIMENSION))
    targets = np.maximum(inputs @ units, 0) @ (-1.0) ** np.arange(teacher)
    targets /= np.sqrt(np.square(targets).mean())
    return torch.from_numpy(inputs).float(), torch.from_numpy(targets).float()


def initial(lab: Lab, width: int, count: int) -> Tensor:
    """Return (count, N, 3) of standard normal weights theta_i = (a_i, w_i): of every sign and direction."""
    return torch.from_numpy(
        lab.random(f"weights {width}").standard_normal((count, width, 1 + DIMENSION))
    ).float()


def outputs(weights: Tensor, inputs: Tensor) -> Tensor:
    """Return f(x) = 1/N sum_i a_i relu(w_i x), (networks, n), of weights (networks, N, 3)."""
    hidden = (weights[..., 1:] @ inputs.T).relu()
    return (weights[..., None, :, 0] @ hidden)[..., 0, :] / weights.shape[-2]


def losses(
    start: Tensor,
    inputs: Tensor,
    targets: Tensor,
    step: float,
    steps: int,
    batch: int | None = None,
    random: torch.Generator | None = None,
) -> Array:
    """Return the losses on all samples at `LOOKS` + 1 evenly spaced times, (networks, LOOKS + 1).

    Args:
        start: weights (networks, N, 3).
        inputs: (n, 2).
        targets: (n,).
        step: e; that of a weight is N e times the gradient of the loss.
        steps: a multiple of `LOOKS`.
        batch: samples a step, each network's own; None: all.
        random: draws these.
    """
    width, weights, found = start.shape[1], start.clone(), []
    for number in range(steps + 1):
        if number % (steps // LOOKS) == 0:
            found.append((outputs(weights, inputs) - targets).square().mean(dim=1) / 2)
        if number == steps:
            break
        x, y = inputs, targets
        if batch is not None:
            rows = torch.randint(len(inputs), (len(start), batch), generator=random)
            x, y = inputs[rows], targets[rows]
        scaled = weights[..., 1:] @ x.mT
        hidden = scaled.relu()
        off = ((weights[..., None, :, 0] @ hidden)[..., 0, :] / width - y) / y.shape[-1]
        along = (scaled > 0) * off[:, None, :]  # N times the gradient, but for a_i
        weights[..., 1:], weights[..., 0] = (
            weights[..., 1:] - step * weights[..., :1] * (along @ x),
            weights[..., 0] - step * (hidden @ off[..., None])[..., 0],
        )
    return torch.stack(found, dim=1).double().numpy()


def exponent(widths: Sequence[int], values: Sequence[float]) -> float:
    """Return k of the power law N^k that fits best on logarithmic scales."""
    return float(np.polyfit(np.log(widths), np.log(values), 1)[0])


def draw_mean_field_limit(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw the first seed's losses over time, the spreads over the width, and the longer trainings."""
    first = seeds[0]
    widths = np.asarray(first["widths"], dtype=float)
    curves = [
        Series(f"N = {name}", first["time"], each, look=look)
        for look, (name, each) in enumerate(first["curves"].items())
    ]
    spreads = [
        Series(name, widths, across(seeds, quantity), look=look)
        for look, (quantity, name) in enumerate(names.items(), start=4)
    ]
    return {
        "mean_field": draw_panels(
            [
                Panel("Gradient descent, one teacher", "time", "loss", curves, log="y"),
                Panel("Distances of losses", "units N", "root mean square", spreads, log="xy"),
            ]
        ),
        "reaching": draw_panels(
            [
                Panel(
                    "Loss after a longer time",
                    "time",
                    "loss",
                    [
                        Series(
                            f"N = {width}, {text}",
                            first["long_time"],
                            across(seeds, "long_losses")[width][:, place],
                            look=look,
                        )
                        for row, width in enumerate(first["long_losses"])
                        for place, text, look in ((1, "median", row), (2, "worst tenth", row + 4))
                    ],
                    log="y",
                )
            ]
        ),
    }
