"""The learning rate over time and batch size: schedules, warm-up, linear scaling (Goyal et al. 2017)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

LOSS = "training cross-entropy (nats)"


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

    drawn = [
        Panel(title, "epoch", LOSS, [curve(run) for run in runs], log="y") for title, runs in panels.items()
    ]
    return {"losses": draw_panels(drawn)}


def _size(run: str) -> str:
    """Return the k of a run's name, such as ``k=4`` of ``k=4, warm-up``."""
    return run.partition(",")[0]
