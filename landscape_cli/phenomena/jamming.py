"""Jamming: from so many weights on, the hinge loss becomes exactly 0 (Geiger, Spigler et al. 2018-2019)."""

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.phenomena.parity import LOSS, SHORT, Parity, fit, networks, parity
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.training.padded import padded
from landscape_cli.training.stacked import losses_of, outputs_of, shared

BELOW, ABOVE = 0.8, 1.3  # of N*: where networks are far from it on either side


class Scan(NamedTuple):
    """What networks of each width gave, (widths, networks) each.

    Attributes:
        short: N_Delta, the training samples whose margin is below 1.
        loss: that of training.
        error: on the test split, in percent.
    """

    short: Array
    loss: Array
    error: Array


def jamming_transition(
    lab: Lab,
    *,
    run: str,
    components: int,
    samples: int,
    widths: list[int],
    count: int,
    recipe: Mapping[str, float],
) -> Measured:
    """Fit labels and random ones by networks of each width, and measure how many samples fall short.

    Args:
        lab: a run with the data; its network is not used.
        run: its name.
        components: principal components that are the inputs.
        samples: P.
        widths: of both hidden layers, ascending.
        count: networks of each width.
        recipe: ``lr``, ``epochs`` and ``finish`` of `fit`.
    """
    data = parity(lab, run, components)
    drawn = torch.from_numpy(lab.random("labels").choice([-1.0, 1.0], samples))
    scans = scanned(lab, data, {"true": data.labels[:samples], "random": drawn}, widths, count, recipe)
    numbers = parameters(widths, components)
    critical = {name: critical_number(numbers, scan.short) for name, scan in scans.items()}
    middle = {name: np.median(scan.short, axis=1) for name, scan in scans.items()}
    other = [scan.loss[scan.short > 0].min(initial=np.inf) for scan in scans.values()]
    error = scans["true"].error.mean(axis=1)
    return {
        "critical": critical,
        "random_over_true": critical["random"] / critical["true"],
        "before": {
            name: last(middle[name][numbers <= BELOW * at] / numbers[numbers <= BELOW * at])
            for name, at in critical.items()
        },
        "after": {name: last(np.sort(middle[name][numbers >= ABOVE * at])) for name, at in critical.items()},
        "smallest_other_loss": min(other),
        "peak_over_critical": numbers[error.argmax()] / critical["true"],
        "short": {name: scan.short / numbers[:, None] for name, scan in scans.items()},
        "fitted": {name: 100 * (scan.short == 0).mean(axis=1) for name, scan in scans.items()},
        "loss": {name: scan.loss for name, scan in scans.items()},
        "error": {name: scan.error.mean(axis=1) for name, scan in scans.items()},
        "per_sample": numbers / samples,
    }


def critical_parameter_count(
    lab: Lab,
    *,
    run: str,
    components: int,
    samples: list[int],
    widths: list[int],
    count: int,
    recipe: Mapping[str, float],
) -> Measured:
    """Measure the number N* of parameters from which on networks fit P samples, over P.

    Args:
        lab: as for `jamming_transition`, as are the others.
        run: its name.
        components: principal components that are the inputs.
        samples: numbers P, ascending.
        widths: of both hidden layers, ascending.
        count: networks of each width.
        recipe: of `fit`.
    """
    data, numbers = parity(lab, run, components), parameters(widths, components)
    short = {
        str(size): scanned(lab, data, {"true": data.labels[:size]}, widths, count, recipe)["true"].short
        for size in samples
    }
    critical = [critical_number(numbers, each) for each in short.values()]
    return {
        "least_growth": min(later / sooner for sooner, later in itertools.pairwise(critical)),
        "per_sample": dict(zip(short, np.array(critical) / samples, strict=True)),
        "critical": critical,
        "samples": samples,
        "numbers": numbers,
        "fitted": {name: 100 * (each == 0).mean(axis=1) for name, each in short.items()},
    }


def ensembling_after_jamming(
    lab: Lab,
    *,
    run: str,
    components: int,
    samples: int,
    widths: list[int],
    count: int,
    recipe: Mapping[str, float],
    intermediate: float,
    large: float,
) -> Measured:
    """Measure networks of each width alone, and the mean of their outputs.

    Args:
        lab: as for `jamming_transition`, as are the others.
        run: its name.
        components: principal components that are the inputs.
        samples: P.
        widths: of both hidden layers, ascending.
        count: networks of each width.
        recipe: of `fit`.
        intermediate: parameters of the networks whose mean is compared, in units of N*,
        large: with one network of so many.

    Raises:
        LandscapeError: networks of no width, or of the last one alone, reach a loss of 0.
    """
    data, numbers = parity(lab, run, components), parameters(widths, components)
    short, fluctuation, single, together = [], [], [], []
    for width in widths:
        models = networks(lab.seed, width, components, count)
        targets = data.labels[:samples]
        found = fitted(models, data, targets.expand(count, -1), recipe)
        inputs, labels = data.test
        outputs = outputs_of(models, inputs)[..., 0]
        mean = outputs.mean(dim=0)
        short.append(found.short)
        fluctuation.append(float((outputs - mean).square().sum(0).mean() / (count - 1)) ** 0.5)
        single.append(found.error.mean())
        together.append(float(100 * (mean * labels <= 0).double().mean()))
    critical = critical_number(numbers, np.array(short))
    beyond = numbers >= critical
    if beyond.sum() < 2:
        raise LandscapeError(f"too few widths reach a training loss of 0; add some above {widths[-1]}")
    one, many, spread = np.array(single), np.array(together), np.array(fluctuation)
    gap = (one - many)[beyond]

    def nearest(multiple: float) -> int:
        return int(np.abs(np.log(numbers / (multiple * critical))).argmin())

    return {
        "largest_excess": -gap.min(),
        "slope": np.polyfit(np.log(numbers[beyond]), np.log(spread[beyond]), 1)[0],
        "gap_ratio": gap[-1] / gap[0],
        "intermediate_minus_large": many[nearest(intermediate)] - one[nearest(large)],
        "intermediate": numbers[nearest(intermediate)] / critical,
        "large": numbers[nearest(large)] / critical,
        "critical": critical,
        "numbers": numbers,
        "single": one,
        "ensemble": many,
        "fluctuation": spread,
        "fitted": 100 * (np.array(short) == 0).mean(axis=1),
    }


def scanned(
    lab: Lab,
    data: Parity,
    labels: Mapping[str, Tensor],
    widths: Sequence[int],
    count: int,
    recipe: Mapping[str, float],
) -> dict[str, Scan]:
    """Fit each of several sets of labels (P,) by `count` networks of each width, all in one batch."""
    components = data.inputs.shape[1]
    narrow = [model for width in widths for model in networks(lab.seed, width, components, count)]
    models = padded(narrow * len(labels), networks(lab.seed, widths[-1], components, 1)[0])
    targets = torch.cat([shared(each, len(narrow)) for each in labels.values()])
    found = fitted(models, data, targets, recipe)
    shape = (len(labels), len(widths), count)
    return {name: Scan(*(each.reshape(shape)[place] for each in found)) for place, name in enumerate(labels)}


def fitted(models: Sequence[nn.Module], data: Parity, labels: Tensor, recipe: Mapping[str, float]) -> Scan:
    """Fit the first P samples by K networks, in place; labels are (K, P). Returns (K,) each."""
    inputs = data.inputs[: labels.shape[1]]
    fit(
        models,
        shared(inputs, len(models)),
        labels,
        lr=recipe["lr"],
        epochs=int(recipe["epochs"]),
        finish=int(recipe["finish"]),
    )
    outputs = outputs_of(models, inputs)
    wrong = outputs_of(models, data.test[0])[..., 0] * data.test[1] <= 0
    return Scan(
        (labels * outputs[..., 0] < 1 - SHORT).sum(dim=1).double().numpy(),
        losses_of(LOSS, outputs, labels).mean(dim=1).numpy(),
        100 * wrong.double().mean(dim=1).numpy(),
    )


def parameters(widths: Sequence[int], components: int) -> Array:
    """Return the parameters N of networks of two hidden layers, biases included."""
    h = np.array(widths, dtype=float)
    return np.asarray((components + 1) * h + (h + 1) * h + h + 1)


def critical_number(numbers: Array, short: Array) -> float:
    """Return N*, the least N at which most networks leave no sample short; NaN: there is none.

    Args:
        numbers: N, (widths,), ascending.
        short: N_Delta, (widths, networks).
    """
    most = (short == 0).mean(axis=1) > 0.5
    return float(numbers[most.argmax()]) if most.any() else np.nan


def last(values: Array) -> float:
    """Return the last one; NaN: there is none."""
    return float(values[-1]) if len(values) else np.nan


def draw_jamming_transition(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw samples that fall short, the networks that leave none, and the test error over N / P."""
    x = seeds[0]["per_sample"]
    short = across(seeds, "short")

    def panel(title: str, y: str, values: Mapping[str, Array]) -> Panel:
        curves = [Series(label, x, values[name]) for name, label in names.items()]
        return Panel(title, "parameters N a sample", y, curves, log="x")

    panels = [
        panel(
            "Order parameter", "samples short of the margin, over N", {k: v.mean(2) for k, v in short.items()}
        ),
        panel("Training loss of 0", "networks (%)", across(seeds, "fitted")),
        panel("Test error", "error (%)", across(seeds, "error")),
    ]
    return {"jamming": draw_panels(panels)}


def draw_critical_parameter_count(seeds: Sequence[Measured], *, label: str) -> dict[str, Figure]:
    """Draw the networks that fit over N, one curve a P, and N* over P."""
    numbers, fits = seeds[0]["numbers"], across(seeds, "fitted")
    curves = [Series(f"{size} samples", numbers, values) for size, values in fits.items()]
    critical = Series(label, seeds[0]["samples"], across(seeds, "critical"), look=len(curves))
    return {
        "critical": draw_panels(
            [
                Panel("Training loss of 0", "parameters N", "networks (%)", curves, log="x"),
                Panel("Where most have it", "samples P", "critical number N*", [critical], log="xy"),
            ]
        )
    }


def draw_ensembling_after_jamming(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the test errors, and the fluctuation of outputs, over the number of parameters."""
    numbers = seeds[0]["numbers"]
    at = {"N*": float(across(seeds, "critical").mean())}
    errors = [Series(names[each], numbers, across(seeds, each)) for each in ("single", "ensemble")]
    spread = Series(names["fluctuation"], numbers, across(seeds, "fluctuation"), look=2)
    return {
        "ensembles": draw_panels(
            [
                Panel("Test error", "parameters N", "error (%)", errors, log="x", marks=at),
                Panel("Fluctuation", "parameters N", "root mean square", [spread], log="xy", marks=at),
            ]
        )
    }
