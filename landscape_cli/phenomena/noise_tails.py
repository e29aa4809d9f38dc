"""Whether the noise of mini-batch gradients is Gaussian (Simsekli, Sagun, Gurbuzbalaban 2019)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.gradients.minibatch import sample_gradients
from landscape_cli.gradients.tails import coordinate_tail_index, tail_index
from landscape_cli.measures import spearman
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across, by_quantity

CALIBRATION = 1_000_000  # numbers
COORDINATES = 10_000
LAWS = {"gaussian": 2.0, "cauchy": 1.0}
FINITE = ("gaussian", "laplace")  # laws of finite variance, of whose sums the index is 2


def sgd_noise_tail_index(lab: Lab, *, networks: list[str], draws: int) -> Measured:
    """Measure the tail index and the kurtosis of the noise along trainings, and what scales alone would give.

    Args:
        lab: has a run for each of the networks, with checkpoints along its training.
        networks: names of runs.
        draws: batches at each checkpoint, of as many samples as the training's.
    """
    random = lab.random("calibration")
    drawn = {
        "gaussian": tail_index(random.standard_normal(CALIBRATION)),
        "cauchy": tail_index(random.standard_cauchy(CALIBRATION)),
        "laplace": tail_index(random.laplace(size=CALIBRATION)),
    }
    over_draws = {
        "gaussian": coordinate_tail_index(random.standard_normal((draws, COORDINATES))),
        "laplace": coordinate_tail_index(random.laplace(size=(draws, COORDINATES))),
    }
    rows = {}
    for name in networks:
        table = lab.noise(name, "measures=tails", "params=weights", f"draws={draws}")
        rows[name] = {
            "epoch": table.numbers("epoch"),
            "loss": table.numbers("loss"),
            "tail_index": table.numbers("tail_index"),
            "coordinate_tail_index": table.numbers("coordinate_tail_index"),
            "kurtosis": table.numbers("kurtosis"),
            "largest_tail_index": table.numbers("tail_index").max(),
            "largest_coordinate_tail_index": table.numbers("coordinate_tail_index").max(),
            "smallest_kurtosis": table.numbers("kurtosis").min(),
            "of_scales_alone": _of_scales_alone(lab, name, draws),
        }
    return {
        "finite_variance": {law: drawn[law].value for law in FINITE},
        "finite_variance_over_draws": {law: over_draws[law].value for law in FINITE},
        "calibration_off": {
            law: abs(drawn[law].value - alpha) / drawn[law].error for law, alpha in LAWS.items()
        },
        **by_quantity(rows),
    }


def noise_gaussianity_vs_batch(
    lab: Lab, *, batches: list[int], epochs: list[int | str], draws: int
) -> Measured:
    """Measure how the noise of each coordinate comes near a Gaussian as batches grow.

    Args:
        lab: has the run ``mlp``.
        batches: sizes.
        epochs: of which checkpoints.
        draws: batches of each size.
    """
    words = ["measures=tails", "params=weights", f"draws={draws}", f"epochs={','.join(map(str, epochs))}"]
    tables = [lab.noise("mlp", *words, f"batch_size={size}") for size in batches]
    names = [f"epoch {epoch:.0f}" for epoch in tables[0].numbers("epoch")]
    rows = {}
    for number, name in enumerate(names):
        kurtosis, index, alike = (
            np.array([table.numbers(column)[number] for table in tables])
            for column in ("coordinate_kurtosis", "coordinate_tail_index", "tail_index")
        )
        rows[name] = {
            "kurtosis": kurtosis,
            "coordinate_tail_index": index,
            "tail_index": alike,
            "kurtosis_with_batch": spearman(np.array(batches), kurtosis),
            "distance_with_batch": spearman(np.array(batches), abs(index - 2)),
            "alike_at_largest": alike[-1],
        }
    first = rows[names[0]]["kurtosis"] - 3
    slope = np.polyfit(np.log(batches), np.log(np.maximum(first, 1e-3)), 1)[0]
    return {"batches": batches, "excess_off_minus_one": abs(slope + 1), **by_quantity(rows)}


def draw_sgd_noise_tail_index(seeds: Sequence[Measured], *, names: dict[str, str]) -> dict[str, Figure]:
    """Draw the tail index by both estimates and the kurtosis over epochs, for each network."""

    def panel(title: str, quantity: str, label: str, level: float, log: str = "") -> Panel:
        curves = [
            Series(names[run], seeds[0]["epoch"][run], across(seeds, f"{quantity}/{run}")) for run in names
        ]
        return Panel(title, "epoch", label, curves, log=log, level=level)

    panels = [
        panel("All coordinates alike", "tail_index", "tail index", 2.0),
        panel("Each coordinate over draws", "coordinate_tail_index", "tail index", 2.0),
        panel("All coordinates alike", "kurtosis", "kurtosis", 3.0, "y"),
    ]
    return {"tails": draw_panels(panels)}


def draw_noise_gaussianity_vs_batch(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw kurtosis and tail index over the batch size, for each epoch; and the tail index of all alike."""
    batches = seeds[0]["batches"]

    def panel(title: str, quantity: str, label: str, level: float, log: str = "x") -> Panel:
        curves = [Series(name, batches, values) for name, values in across(seeds, quantity).items()]
        return Panel(title, "batch size (samples)", label, curves, log=log, level=level)

    return {
        "batches": draw_panels(
            [
                panel("Each coordinate over draws", "kurtosis", "kurtosis", 3.0, "xy"),
                panel("Each coordinate over draws", "coordinate_tail_index", "tail index", 2.0),
                panel("All coordinates alike", "tail_index", "tail index", 2.0),
            ]
        )
    }


def _of_scales_alone(lab: Lab, name: str, draws: int) -> float:
    """Return the tail index, of all coordinates alike, of Gaussian noise with each coordinate's spread."""
    model = lab.network(name)
    gradients = sample_gradients(model, lab.data(name).train, lab.loss(name))
    weights = np.concatenate([np.full(one.numel(), one.ndim > 1) for one in model.parameters()])
    spread = gradients[:, weights].std(axis=0)
    return tail_index(lab.random(f"scales {name}").standard_normal((draws, len(spread))) * spread).value
