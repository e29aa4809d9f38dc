"""The learning rate over time and batch size: schedules, warm-up, linear scaling (Goyal et al. 2017)."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.training.schedules import build

LOSS = "training cross-entropy (nats)"
BEYOND = 1e9  # a loss that no picture reaches


def lr_schedules(lab: Lab, *, constant: str, decaying: Sequence[str], abrupt: str, warmed: str) -> Measured:
    """Measure schedules against their formulas, what decay does to SGD's noise, and warm-up to a steep start.

    Args:
        lab: has the runs.
        constant: the run at a constant learning rate.
        decaying: those that differ from it by their schedule.
        abrupt: a run at a large learning rate from its first step on.
        warmed: the same with a warm-up.
    """
    metrics = {run: lab.metrics(run) for run in lab.runs}
    losses = {run: columns["train_loss"] for run, columns in metrics.items()}
    starts = {run: np.where(np.isfinite(losses[run]), losses[run], np.inf) for run in (abrupt, warmed)}
    times, off, values, jump, factors = {}, {}, {}, {}, {}
    for run in [constant, *decaying]:
        config, steps = lab.runs[run].config, int(metrics[run]["step"][-1])
        epochs, schedule = len(losses[run]) - 1, config["schedule"]
        per_epoch = steps // epochs
        factor = build(schedule, epochs, per_epoch)
        expected = [
            by_formula(schedule, step, epochs, per_epoch)
            for step in range(per_epoch - 1, steps, per_epoch)  # the last of each epoch, which is recorded
        ]
        lr = config["optimizer"]["lr"]
        off[run] = np.abs(metrics[run]["lr"][1:] / (lr * np.array(expected)) - 1).max()
        warm = round(schedule["warmup"] * per_epoch)
        marks = [0, warm, steps]
        values[run] = max(abs(factor(step) - by_formula(schedule, step, epochs, per_epoch)) for step in marks)
        if warm:
            jump[run] = abs(factor(warm) - factor(warm - 1))
        times[run] = np.arange(steps + 1) / per_epoch
        factors[run] = np.array([factor(step) for step in range(steps + 1)])
    return {
        "recorded_off": off,
        "values_off": values,
        "jump": jump,
        "decaying_over_constant": {run: losses[run][-1] / losses[constant][-1] for run in decaying},
        "highest_over_initial": {run: loss.max() / loss[0] for run, loss in starts.items()},
        "warmed_over_abrupt": starts[warmed][-1] / starts[abrupt][-1],
        "train_loss": {run: _whole(loss, lab.runs[run].config["epochs"]) for run, loss in losses.items()},
        "time": times,
        "factor": factors,
    }


def _whole(losses: Array, epochs: int) -> Array:
    """Return a loss for each epoch, (epochs + 1,), NaN where training had diverged."""
    found = np.full(epochs + 1, np.nan)
    found[: len(losses)] = np.where(np.isfinite(losses), losses, np.nan)
    return found


def by_formula(schedule: Mapping[str, Any], step: int, epochs: int, per_epoch: int) -> float:
    """Return what multiplies the learning rate eta_0 at a step counted from 0, by the formulas of papers.

    With t = step / per_epoch: in the warm-up of T_w epochs (step + 1) / (T_w per_epoch); then for ``step``
    gamma^floor(t / every), for ``cosine``, with T the number of epochs,
    f + (1 - f) (1 + cos(pi (t - T_w) / (T - T_w))) / 2, and 1 for ``constant``.
    """
    warmup, t = schedule["warmup"], step / per_epoch
    if t < warmup:
        return float((step + 1) / (warmup * per_epoch))
    if schedule["name"] == "step":
        return float(schedule["gamma"] ** math.floor(t / schedule["every"]))
    if schedule["name"] == "cosine":
        share = (1 + math.cos(math.pi * (t - warmup) / (epochs - warmup))) / 2
        return float(schedule["final"] + (1 - schedule["final"]) * share)
    return 1.0


def draw_lr_schedules(
    seeds: Sequence[Measured], *, decays: Sequence[str], starts: Sequence[str]
) -> dict[str, Figure]:
    """Draw learning rates over time, training losses under them, and those with and without a warm-up."""
    losses = across(seeds, "train_loss")
    looks = {run: look for look, run in enumerate([*decays, *starts])}

    def curve(run: str) -> Series:
        return Series(
            run, np.arange(losses[run].shape[1], dtype=float), leaving(losses[run]), look=looks[run]
        )

    shown = np.concatenate([np.ravel(losses[run]) for run in starts])
    rates = [Series(run, seeds[0]["time"][run], seeds[0]["factor"][run], look=looks[run]) for run in decays]
    panels = [
        Panel("Schedules", "epoch", "learning rate, over the given one", rates),
        Panel("Noisy SGD", "epoch", LOSS, [curve(run) for run in decays], log="y"),
        Panel(
            "A large learning rate (out of sight: diverged)",
            "epoch",
            LOSS,
            [curve(run) for run in starts],
            log="y",
            limits=(0.5 * float(np.nanmin(shown)), 3 * float(np.nanmax(shown))),
        ),
    ]
    return {"schedules": draw_panels(panels)}


def leaving(losses: Array) -> Array:
    """Return losses (seeds, epochs + 1) of which one that has diverged is beyond all pictures, then none."""
    found = losses.copy()
    for row in found:
        lost = np.flatnonzero(np.isnan(row))
        row[lost[:1]] = BEYOND
    return found


def linear_lr_scaling(
    lab: Lab,
    *,
    base: str,
    scaled: Sequence[str],
    unscaled: Mapping[str, str],
    warmed: Mapping[str, str],
) -> Measured:
    """Compare a training at the batch size n with some at k n and the learning rate times k.

    How far a training loss L_k is from L_1 is the largest |L_k / L_1 - 1| of all epochs but the initial one,
    at which the weights are the same.

    Args:
        lab: has the runs.
        base: the run of k = 1.
        scaled: those of larger k.
        unscaled: name in `scaled` -> the run of the same batch size at the learning rate of `base`.
        warmed: name in `scaled` -> the run of the same learning rate, reached by a gradual warm-up.
    """
    losses = {run: lab.metrics(run)["train_loss"] for run in lab.runs}
    final = {run: loss[-1] for run, loss in losses.items()}

    def apart(run: str) -> float:
        return float(np.abs(losses[run] / losses[base] - 1)[1:].max())

    return {
        "apart": {run: apart(run) for run in scaled},
        "unscaled_over_scaled": {run: final[other] / final[run] for run, other in unscaled.items()},
        "warmed_over_abrupt": {run: final[other] / final[run] for run, other in warmed.items()},
        "train_loss": losses,
    }


def draw_linear_lr_scaling(
    seeds: Sequence[Measured], *, panels: Mapping[str, Sequence[str]]
) -> dict[str, Figure]:
    """Draw the training losses of the runs of each panel; those of one k look alike in all of them."""
    losses = across(seeds, "train_loss")
    sizes = list(dict.fromkeys(_size(run) for run in losses))

    def curve(run: str) -> Series:
        epochs = np.arange(losses[run].shape[1], dtype=float)
        return Series(_size(run), epochs, losses[run], look=sizes.index(_size(run)))

    shown = np.concatenate([np.ravel(losses[run]) for runs in panels.values() for run in runs])
    limits = (0.9 * float(shown.min()), 1.1 * float(shown.max()))
    drawn = [
        Panel(title, "epoch", LOSS, [curve(run) for run in runs], log="y", limits=limits)
        for title, runs in panels.items()
    ]
    return {"losses": draw_panels(drawn)}


def _size(run: str) -> str:
    """Return the k of a run's name, such as ``k=4`` of ``k=4, warm-up``."""
    return run.partition(",")[0]
