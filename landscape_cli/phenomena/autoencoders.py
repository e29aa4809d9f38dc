"""A deep autoencoder by its initial weights and momentum (Sutskever, Martens, Dahl, Hinton 2013)."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.data.streams import stream
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

INCOMING = 15  # weights into a unit that are not 0, of fewer inputs all
SHRUNK = 0.25  # of weights before tanh,
BIAS = 0.5  # and the biases there
SLOW = 250  # steps in which momentum comes half as near to 1 again
LAST = 0.9  # momentum of the last steps, at most


class Method(NamedTuple):
    """How the weights start and move.

    Attributes:
        scale: of the initial weights, in units of the paper's.
        momentum: mu_max.
        nesterov: the gradient is taken at theta + mu v, else at theta.
    """

    scale: float
    momentum: float
    nesterov: bool


def init_and_momentum_sutskever(
    lab: Lab,
    *,
    run: str,
    widths: list[int],
    methods: Mapping[str, Sequence[float | bool]],
    ordered: Sequence[str],
    bad: Sequence[str],
    batch: int,
    rate: float,
    steps: int,
    end: int,
    every: int,
) -> Measured:
    """Measure the losses of autoencoders of one layout under several methods, from the same random numbers.

    The loss is the squared error of a sample, summed over its pixels, mean over all training samples.

    Args:
        lab: a run with the data; its network is not used.
        run: its name.
        widths: units of each layer, inputs and outputs among them.
        methods: name -> scale of the initial weights, mu_max, whether Nesterov's.
        ordered: the methods of the paper's initial weights, the best one first.
        bad: the best one's from other weights.
        batch: samples a step.
        rate: the learning rate.
        steps: of each.
        end: of these, with a momentum of at most 0.9.
        every: steps between recorded losses.
    """
    inputs = lab.data(run).train.inputs.flatten(1).cpu()
    losses = {
        name: train(inputs, widths, Method(*given), batch, rate, steps, end, every, lab.seed)  # type: ignore[arg-type]
        for name, given in methods.items()
    }
    last = {name: each[-1] if math.isfinite(each[-1]) else math.inf for name, each in losses.items()}
    best, middle, worst = (last[name] for name in ordered)
    return {
        "nag_over_cm": best / middle,
        "cm_over_sgd": middle / worst,
        "nag_bad_over_good": {name: last[name] / best for name in bad},
        "last_loss": last,
        "step": np.arange(0, steps + 1, every),
        "loss": losses,
    }


def train(
    inputs: Tensor,
    widths: Sequence[int],
    method: Method,
    batch: int,
    rate: float,
    steps: int,
    end: int,
    every: int,
    seed: int,
) -> Array:
    """Return the losses over all inputs at steps 0, `every`, 2 `every`, …

    v <- mu v - rate grad f(theta + mu v), or at theta, theta <- theta + v; mu is `momentum_at`.
    """
    order = stream(seed, "batches")
    weights = sparse(widths, method.scale, seed)
    velocity = [torch.zeros_like(weight) for weight in weights]
    losses = [float(loss(weights, inputs))]
    for step in range(steps):
        mu = momentum_at(step, method.momentum)
        if step >= steps - end:
            mu = min(mu, LAST)
        rows = torch.from_numpy(order.randint(len(inputs), size=batch))
        ahead = mu if method.nesterov else 0.0
        at = [
            (weight + ahead * moving).requires_grad_()
            for weight, moving in zip(weights, velocity, strict=True)
        ]
        slopes = torch.autograd.grad(loss(at, inputs[rows]), at)
        for weight, moving, slope in zip(weights, velocity, slopes, strict=True):
            moving.mul_(mu).sub_(slope, alpha=rate)
            weight.add_(moving)
        if (step + 1) % every == 0:
            losses.append(float(loss(weights, inputs)))
    return np.array(losses)


def momentum_at(step: int, most: float) -> float:
    """Return min(1 - 2^(-1 - log2(floor(t / 250) + 1)), mu_max) of step t = 0, 1, …: 1/2, 3/4, 5/6, …"""
    return min(1 - 2 ** (-1 - math.log2(step // SLOW + 1)), most)


def sparse(widths: Sequence[int], scale: float, seed: int) -> list[Tensor]:
    """Return W_1, b_1, W_2, …: a unit has 15 incoming weights from N(0, (scale / 4)^2), a bias of 0.5."""
    random, parts = stream(seed, "weights"), []
    for before, after in pairwise(widths):
        weight = np.zeros((after, before))
        for unit in range(after):
            count = min(INCOMING, before)
            chosen = random.permutation(before)[:count]
            weight[unit, chosen] = SHRUNK * scale * random.standard_normal(count)
        parts += [torch.from_numpy(weight).float(), torch.full((after,), BIAS)]
    return parts


def loss(weights: Sequence[Tensor], inputs: Tensor) -> Tensor:
    """Return the squared error of the outputs from the inputs, tanh in all layers but the last."""
    outputs = inputs
    for number in range(0, len(weights), 2):
        outputs = outputs @ weights[number].T + weights[number + 1]
        if number < len(weights) - 2:
            outputs = outputs.tanh()
    return (outputs - inputs).square().sum(dim=1).mean()


def draw_init_and_momentum_sutskever(
    seeds: Sequence[Measured], *, panels: Mapping[str, list[str]], limits: Sequence[float]
) -> dict[str, Figure]:
    """Draw the losses over the steps.

    Args:
        seeds: what was measured.
        panels: title -> the methods that it shows.
        limits: of the losses.
    """
    found, step = across(seeds, "loss"), seeds[0]["step"]
    look = list(dict.fromkeys(name for shown in panels.values() for name in shown))
    content = [
        Panel(
            title,
            "step",
            "squared error of all training samples",
            [Series(name, step, found[name], look=look.index(name)) for name in shown],
            log="y",
            limits=(limits[0], limits[1]),
        )
        for title, shown in panels.items()
    ]
    return {"losses": draw_panels(content)}
