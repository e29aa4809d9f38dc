"""How large a batch pays: the gradient noise scale (McCandlish et al. 2018) and steps over the batch size."""

import copy
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn

from landscape_cli.arrays import Array
from landscape_cli.data.load import Split
from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.gradients.full import gradient
from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.gradients.noise_scale import noise_scale_of_samples, noise_scale_of_two_sizes
from landscape_cli.measures import spearman
from landscape_cli.measures.hyperbola import hyperbola
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.training.steps_to import fewest_steps_to

SMALL, BIG = 4, 64  # synthetic batches of two sizes
DIMENSIONS, DRAWS, SCALE = 100, 4096, 100.0


class Sweep(NamedTuple):
    """Fewest steps to a loss, and the step size that took them, at each batch size, (batches,)."""

    steps: Array
    rates: Array


def gradient_noise_scale(
    lab: Lab, *, batches: list[int], rates: list[float], repeats: int, target: float, most: int, draws: int
) -> Measured:
    """Compare the noise scale with the batch size beyond which more samples a step do not pay.

    A step on a batch of B samples does 1 / (1 + B_noise / B) of what one without noise does, so that S steps
    become the sum of 1 + B_noise / B over those without noise (McCandlish et al., section 2.3). Compared is
    the mean along gradient descent to the same loss, at the best step size of the largest batch, of the
    simple noise scale tr S / |G|^2: as in the paper it stands in for B_noise = tr H S / G^T H G, which it is
    where the Hessian is a multiple of 1, and whose denominator may be zero.

    Args:
        lab: has the run ``mlp``, with checkpoints along its training.
        batches: sizes, each twice the one before.
        rates: step sizes, of which each batch size gets its best.
        repeats: trainings at each.
        target: the loss.
        most: steps.
        draws: batches of which the noise scale at a checkpoint is estimated.
    """
    split, loss, size = lab.data("mlp").train, lab.loss("mlp"), np.array(batches)
    start = lab.network("mlp", "init")
    swept = _sweep(lab, start, split, loss, batches, rates, repeats, target, most)
    scales = _along_descent(start, split, loss, target, float(swept.rates[-1]), most)
    scale, fit = float(np.mean(scales)), hyperbola(size, swept.steps)
    doublings, saved = np.log2(swept.steps[:-1] / swept.steps[1:]), 1 - swept.steps[1:] / swept.steps[:-1]
    below, above = size[1:] <= scale / 3, size[:-1] >= 5 * scale
    training = lab.noise("mlp", "measures=noise_scale,hessian_noise_scale", f"draws={draws}")
    measured = training.numbers("noise_scale")
    return {
        "error_on_synthetic": abs(_synthetic(lab) / SCALE - 1),
        "growth": measured[-3:].mean() / measured[0],
        "rise": spearman(training.numbers("epoch"), measured),
        "fall_below": doublings[below].mean() if below.any() else np.nan,
        "saved_above": saved[above].max() if above.any() else np.nan,
        "r_squared": fit.r_squared,
        "critical_over_noise_scale": fit.critical / scale,
        "noise_scale": scale,
        "critical": fit.critical,
        **{"batches": size, "steps": swept.steps, "fitted": fit.fitted, "rates": swept.rates},
        **{name: training.numbers(name) for name in ("epoch", "noise_scale_error", "hessian_noise_scale")},
        "noise_scales": measured,
    }


def critical_batch_and_steps_curve(
    lab: Lab, *, batches: list[int], rates: list[float], repeats: int, target: float, most: int, ends: int
) -> Measured:
    """Measure steps to a loss over the batch size, with the step size tuned at each and without.

    Args:
        lab: has the data of the run ``mlp`` and its initial weights.
        batches: sizes, each twice the one before.
        rates: step sizes, of which each batch size gets its best.
        repeats: trainings at each.
        target: the loss.
        most: steps.
        ends: doublings that count as the small end, and as the large one.
    """
    split, loss, size = lab.data("mlp").train, lab.loss("mlp"), np.array(batches)
    start = lab.network("mlp", "init")
    swept = _sweep(lab, start, split, loss, batches, rates, repeats, target, most)
    kept = _sweep(lab, start, split, loss, batches, [float(swept.rates[0])], repeats, target, most)
    fit = hyperbola(size, swept.steps)
    return {
        "fall_at_first": np.log2(swept.steps[0] / swept.steps[ends]) / ends,
        "saved_at_last": 1 - (swept.steps[-1] / swept.steps[-1 - ends]) ** (1 / ends),
        "r_squared": fit.r_squared,
        "rate_with_batch": spearman(size, swept.rates),
        "untuned_over_tuned": kept.steps[-1] / swept.steps[-1],
        "critical": fit.critical,
        **{"batches": size, "steps": swept.steps, "fitted": fit.fitted, "rates": swept.rates},
        "untuned": kept.steps,
    }


def draw_gradient_noise_scale(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw steps over batch sizes with the fit, and the noise scale along the training."""
    first = seeds[0]
    marks = {"noise scale": float(across(seeds, "noise_scale").mean())}
    epochs = first["epoch"]
    scales = [
        Series("tr Σ / |G|²", epochs, across(seeds, "noise_scales"), look=2),
        Series("tr HΣ / GᵀHG", epochs, across(seeds, "hessian_noise_scale"), look=3),
    ]
    return {
        "scale": draw_panels(
            [
                _steps_panel(seeds, "Steps to the loss", marks),
                Panel("Noise scale in training", "epoch", "samples", scales, log="y"),
            ]
        )
    }


def draw_critical_batch_and_steps_curve(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw steps and the best step size over the batch size."""
    first = seeds[0]
    untuned = Series("step size of the smallest batch", first["batches"], across(seeds, "untuned"))
    steps = _steps_panel(seeds, "Steps to the loss", {"critical": float(across(seeds, "critical").mean())})
    rates = Series("", first["batches"], across(seeds, "rates"), look=0)
    return {
        "curve": draw_panels(
            [
                Panel(
                    steps.title,
                    steps.x,
                    steps.y,
                    [*steps.series, untuned],
                    log="xy",
                    marks=steps.marks,
                ),
                Panel("Best step size", "batch size (samples)", "step size", [rates], log="xy"),
            ]
        )
    }


def _steps_panel(seeds: Sequence[Measured], title: str, marks: dict[str, float]) -> Panel:
    batches = seeds[0]["batches"]
    curves = [
        Series("best step size", batches, across(seeds, "steps")),
        Series("fit S + E / B", batches, across(seeds, "fitted").mean(axis=0)),
    ]
    return Panel(title, "batch size (samples)", "steps", curves, log="xy", marks=marks)


def _sweep(
    lab: Lab,
    start: nn.Module,
    split: Split,
    loss: str,
    batches: list[int],
    rates: list[float],
    repeats: int,
    target: float,
    most: int,
) -> Sweep:
    """Return the fewest steps at each batch size."""
    order = torch.Generator().manual_seed(int(lab.random("order").randint(2**31)))
    found = [
        fewest_steps_to(
            start,
            split,
            loss,
            target,
            batch_size=size,
            rates=rates,
            repeats=repeats,
            order=order,
            most=most,
        )
        for size in batches
    ]
    return Sweep(np.array([each.steps for each in found]), np.array([each.rate for each in found]))


def _along_descent(
    start: nn.Module, split: Split, loss: str, target: float, rate: float, most: int
) -> list[float]:
    """Return the noise scale before each step of gradient descent that leads to the loss."""
    model, scales = copy.deepcopy(start), []
    for _ in range(most):
        if evaluate(model, split, loss).loss <= target:
            break
        scales.append(noise_scale_of_samples(sample_gradients(model, split, loss)))
        slope = gradient(model, split, loss)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.sub_(rate * slope[name])
    return scales


def _synthetic(lab: Lab) -> float:
    """Return the noise scale of Gaussian gradients for which it is 100, from batches of two sizes."""
    random, mean = lab.random("gradients"), np.full(DIMENSIONS, SCALE**-0.5)
    small_squares, big_squares = np.empty(DRAWS), np.empty(DRAWS)
    for draw in range(DRAWS):
        samples = mean + random.standard_normal((BIG, DIMENSIONS))
        small = samples.reshape(BIG // SMALL, SMALL, DIMENSIONS).mean(axis=1)
        small_squares[draw] = np.square(small).sum(axis=1).mean()
        big_squares[draw] = np.square(samples.mean(axis=0)).sum()
    return noise_scale_of_two_sizes(small_squares, big_squares, SMALL, BIG).value
