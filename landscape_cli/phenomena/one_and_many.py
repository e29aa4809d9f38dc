"""What is measured twice, by one process and by real ones: its names, and what its pictures share."""

from collections.abc import Sequence

import numpy as np

from landscape_cli.plots.series import Panel, Series
from landscape_cli.reproduction.measured import Measured, across

ONE, MANY = "one process", "real processes"
ROUNDING = 1e-17  # drawn in place of a distance of zero


def memory_of_a_worker(seeds: Sequence[Measured], y: str, look: int) -> Panel:
    """Return the panel of a worker's share of the activations over the number of workers.

    Args:
        seeds: with ``workers``, ``processes``, and ``share`` of `ONE` and of `MANY`.
        y: label of the vertical axis.
        look: number of the curve's colour and line.
    """
    workers, count = seeds[0]["workers"].tolist(), int(seeds[0]["processes"])
    shares = across(seeds, f"share/{MANY}").ravel()
    return Panel(
        "Memory of a worker",
        "workers",
        y,
        [
            Series("activations", range(len(workers)), across(seeds, f"share/{ONE}"), look=look),
            Series("1 / workers", range(len(workers)), [1 / each for each in workers], look=6),
        ],
        points={f"activations, {MANY}": (np.full(len(shares), workers.index(count)), shares)},
        log="y",
        ticks=[str(each) for each in workers],
    )
