"""Newton's method on batches: their Hessians are singular, and damping makes up for it (Huang, CS7150)."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from matplotlib.figure import Figure

from landscape_cli.analytic.rules import RULES
from landscape_cli.analytic.softmax_regression import point_of, softmax_regression
from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

RANK = 1e-10  # eigenvalues below this part of the largest count as zero


def stochastic_newton(
    lab: Lab, *, run: str, batch: int, steps: int, dampings: Sequence[float], rates: Sequence[float]
) -> Measured:
    """Compare w - (H + damping I)^-1 g and w - lr g, gradient and Hessian being those of a batch.

    The loss is that of softmax regression. Undamped steps take the pseudo-inverse. Damping and learning rate
    are those of the lowest final loss of all training samples; every method sees the same batches.

    Args:
        lab: has a linear network, from whose weights the descents start.
        run: its name.
        batch: samples, drawn without replacement for each step.
        steps: how many.
        dampings: to choose from.
        rates: of stochastic gradient descent, to choose from.
    """
    split, start = lab.data(run).train, point_of(*lab.network(run).parameters())
    classes = lab.data(run).classes
    whole = softmax_regression(split.inputs, split.targets, classes)
    random = lab.random("batches")
    drawn = [torch.from_numpy(random.permutation(len(split))[:batch]) for _ in range(steps)]
    parts = [softmax_regression(split.inputs[rows], split.targets[rows], classes) for rows in drawn]

    def losses(rule: str, **options: float) -> Array:
        point, found = start, [float(whole.value(start))]
        for part in parts:
            point = RULES[rule](part, point, torch.Generator(), **options)().clone()
            found.append(float(whole.value(point)))
        return np.array(found)

    damped = {damping: losses("newton", lr=1.0, damping=damping) for damping in dampings}
    descent = {rate: losses("gd", lr=rate) for rate in rates}
    damping, rate = (min(tried, key=lambda one: _last(tried[one])) for tried in (damped, descent))
    curves = {
        "stochastic gradient descent": descent[rate],
        "stochastic Newton, damped": damped[damping],
        "stochastic Newton, undamped": losses("newton", lr=1.0),
    }
    sgd, best, undamped = (_last(curve) for curve in curves.values())
    spectra = {
        name: np.linalg.eigvalsh(function.hessian(start)[0].numpy())[::-1]
        for name, function in (("of a batch", parts[0]), ("of all samples", whole))
    }
    ranks = {name: int((values > RANK * values[0]).sum()) for name, values in spectra.items()}
    return {
        "rank_over_bound": ranks["of a batch"] / (batch * (classes - 1)),
        "rank_over_that_of_all": ranks["of a batch"] / ranks["of all samples"],
        "undamped_over_damped": undamped / best,
        "damped_over_sgd": best / sgd,
        "chosen_damping": damping,
        "chosen_rate": rate,
        "ranks": ranks,
        "loss": curves,
        "spectrum": spectra,
    }


def _last(losses: Array) -> float:
    """Return the last loss; inf where it is no number."""
    return float(losses[-1]) if math.isfinite(losses[-1]) else math.inf


def draw_stochastic_newton(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the training loss over steps, and the spectra of the Hessians of a batch and of all samples."""
    curves = [
        Series(name, np.arange(values.shape[1], dtype=float), values)
        for name, values in across(seeds, "loss").items()
    ]
    finite = [losses for name, losses in across(seeds, "loss").items() if "undamped" not in name]
    limits = (0.8 * float(np.min(finite)), 5 * float(np.max(finite)))  # the undamped one leaves the picture
    spectra = [
        Series(
            f"Hessian {name}",
            np.arange(1.0, values.shape[1] + 1),
            np.where(values > 1e-14, values, np.nan),
            look=look,
        )
        for look, (name, values) in enumerate(across(seeds, "spectrum").items(), start=4)
    ]
    return {
        "losses": draw_panels(
            [
                Panel("Training loss", "step", "cross-entropy (nats)", curves, log="y", limits=limits),
                Panel("Spectrum at the start", "number", "eigenvalue", spectra, log="y"),
            ]
        )
    }
