"""Networks fit random labels, and pixels without any meaning (Zhang et al. 2017)."""

import itertools
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import first_at_least
from landscape_cli.plots.options import Look
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

SIZE = "7x3"  # inches: the picture's legend has eight names


def random_labels(
    lab: Lab, *, order: list[str], random: str, pairs: dict[str, list[str]], chance: float, fitted: float
) -> Measured:
    """Measure how well and how fast data are fitted, the more of their labels are random.

    Args:
        lab: runs of one network.
        order: its runs on true, partly random and random labels.
        random: the run whose test accuracy is compared.
        pairs: name -> a run, and the same with weight decay.
        chance: test accuracy of a guess, in percent.
        fitted: training accuracy from which on an epoch counts as the one that fits, in percent.
    """
    train, test = (
        {name: 100 * lab.metrics(name)[f"{split}_accuracy"] for name in lab.runs}
        for split in ("train", "test")
    )
    epochs = {name: first_at_least(values, fitted) for name, values in train.items()}
    ends = {name: values[-1] for name, values in test.items()}
    slowed = {
        f"{later} over {sooner}": epochs[later] / epochs[sooner]
        for sooner, later in itertools.pairwise(order)
    }
    return {
        "train_accuracy": {name: values[-1] for name, values in train.items()},
        "test_accuracy": ends,
        "off_chance": abs(ends[random] - chance),
        "slowed": slowed,
        "epochs_ratio": epochs[order[-1]] / epochs[order[0]],
        "decay_gains": {name: abs(ends[other] - ends[one]) for name, (one, other) in pairs.items()},
        "epochs_to_fit": epochs,
        "curves": train,
    }


def draw_random_labels(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw training accuracies over epochs of one seed, and the test accuracies of all."""
    seed = seeds[0]
    curves = [
        Series(label, np.arange(len(seed["curves"][n])), seed["curves"][n]) for n, label in names.items()
    ]
    test = across(seeds, "test_accuracy")
    points = {
        f"seed {each['seed']}": (range(len(names)), [test[n][k] for n in names])
        for k, each in enumerate(seeds)
    }
    ticks = [label.replace(", ", "\n").replace(" ", "\n") for label in names.values()]
    return {
        "fits": draw_panels([Panel("", "epoch", "training accuracy (%)", curves)]),
        "test": draw_panels(
            [Panel("", "", "test accuracy (%)", points=points, ticks=ticks)], look=Look(size=SIZE)
        ),
    }
