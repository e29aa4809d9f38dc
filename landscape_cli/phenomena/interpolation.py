"""The straight line through two points that training found: its start and its end, or the ends of two."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.evaluation.batchnorm import layers
from landscape_cli.measures import barrier, increases, loss_at
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across

STEPS = 50  # of the path whose increases are counted
LINES = {
    "path": ("From initial to trained weights", {"initial": 0.0, "trained": 1.0}),
    "pair": ("Between two trained networks", {"one": 0.0, "the other": 1.0}),
}


def linear_interpolation_1d(lab: Lab, *, pairs: Sequence[Sequence[str]]) -> Measured:
    """Measure L((1 - alpha) theta + alpha theta') on lines from init to trained and between trained networks.

    Where a network has BatchNorm its running statistics are, in turn, interpolated like the weights (the
    "states" of Li et al. 2018's code) and estimated anew at every point. Outside of [0, 1] interpolated
    variances may be negative: there is no loss there. Estimated statistics are others than training ended
    with, so the ends are compared with what it recorded for the interpolated ones alone.

    Args:
        lab: the runs; the grid of the lines holds the points k / 50 of [0, 1].
        pairs: of runs of one network that differ in the seed.
    """
    found: dict[str, dict[str, float]] = {}
    losses: dict[str, dict[str, object]] = {kind: {} for kind in LINES}
    ends: list[float] = []
    x = np.zeros(0)
    for run, other in pairs:
        plain = not layers(lab.network(run))
        recorded = {name: lab.metrics(name)["train_loss"] for name in (run, other)}
        for mode in ("interpolate",) if plain else ("interpolate", "recompute"):
            label = run if plain else f"{run}, statistics {mode}d"
            path, pair = (
                lab.interpolate(run, end, f"from_epoch={epoch}", f"batchnorm={mode}")
                for end, epoch in ((run, "init"), (other, "last"))
            )
            x = path.x
            for kind, line, wanted in (
                ("path", path, (recorded[run][0], recorded[run][-1])),
                ("pair", pair, (recorded[run][-1], recorded[other][-1])),
            ):
                loss = losses[kind][label] = line.values["train/loss"]
                if mode == "interpolate":
                    got = (loss_at(line.x, loss, 0.0), loss_at(line.x, loss, 1.0))
                    ends.append(max(abs(one - told) / told for one, told in zip(got, wanted, strict=True)))
            between = pair.values["train/loss"]
            start, half_way, end = (loss_at(pair.x, between, place) for place in (0.0, 0.5, 1.0))
            values = {"barrier": barrier(pair.x, between)[0], "half_way_above": half_way - max(start, end)}
            if plain:
                values["increases"] = increases(path.x, path.values["train/loss"], STEPS)
            for name, value in values.items():
                found.setdefault(name, {})[label] = value
    return {"error_at_the_ends": ends, **found, "x": x, "loss": losses}


def draw_linear_interpolation_1d(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the lines of both kinds."""
    panels = [
        Panel(
            title,
            "alpha",
            "training loss",
            [Series(label, seeds[0]["x"], lines) for label, lines in across(seeds, f"loss/{kind}").items()],
            log="y",
            marks=marks,
        )
        for kind, (title, marks) in LINES.items()
    ]
    return {"lines": draw_panels(panels)}
