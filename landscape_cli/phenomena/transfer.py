"""Weights of another task as initial ones (Neyshabur, Sedghi, Zhang 2020, arXiv:2008.11687)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import barrier, first_at_least
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

PAIRS = {"scratch": ("scratch", "scratch again"), "tuned": ("tuned", "tuned again")}


def pretraining_init(lab: Lab, *, pretrained: str, task: Sequence[str], reached: float) -> Measured:
    """Measure trainings of a small data set from random weights and from those of another task.

    The last layer is drawn anew, and trained in ``last`` alone. Two trainings of each kind differ in their
    seed: in the order of the samples and in the weights that are drawn.

    Args:
        lab: has the run of the other task.
        pretrained: its name.
        task: words of the trainings.
        reached: a test accuracy.
    """
    from_there = ["init=pretrained", f"init.run={lab.runs[pretrained].path}"]
    kinds: dict[str, list[str]] = {
        "scratch": [],
        "tuned": from_there,
        "last": [*from_there, "params=last"],
    }
    for name, words in kinds.items():
        lab.also(name, [*task, *words])
    for name in PAIRS:
        lab.also(f"{name} again", [*task, *kinds[name], "seed=1000"])
    lines = {name: lab.interpolate(*pair, "splits=[train]") for name, pair in PAIRS.items()}
    accuracy = {name: 100 * lab.metrics(name)["test_accuracy"] for name in kinds}
    late = {name: first_at_least(each, 100 * reached) for name, each in accuracy.items()}
    return {
        "tuned_minus_scratch": accuracy["tuned"][-1] - accuracy["scratch"][-1],
        "last_minus_scratch": accuracy["last"][-1] - accuracy["scratch"][-1],
        "epochs_tuned_over_scratch": late["tuned"] / min(late["scratch"], len(accuracy["scratch"])),
        "barrier": {name: barrier(line.x, line.values["train/loss"])[0] for name, line in lines.items()},
        "accuracy": accuracy,
        "train_loss": {name: lab.metrics(name)["train_loss"] for name in kinds},
        "alpha": lines["tuned"].x,
        "line": {name: line.values["train/loss"] for name, line in lines.items()},
    }


def draw_pretraining_init(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw test accuracies and training losses over epochs, and the lines between two trainings of a kind."""
    look = list(names)

    def curves(quantity: str, x: np.ndarray[tuple[int], np.dtype[np.float64]] | None = None) -> list[Series]:
        return [
            Series(names[name], np.arange(each.shape[1]) if x is None else x, each, look=look.index(name))
            for name, each in across(seeds, quantity).items()
        ]

    panels = [
        Panel("Another task, few samples", "epoch", "test accuracy (%)", curves("accuracy")),
        Panel("Training", "epoch", "training loss (nats)", curves("train_loss"), log="y"),
        Panel(
            "From one training to another",
            "alpha",
            "training loss (nats)",
            curves("line", seeds[0]["alpha"]),
        ),
    ]
    return {"transfer": draw_panels(panels)}
