"""Does the flatter solution generalize better? Over all networks of a sweep (Li et al. 2018, section 7)."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.measures import spearman
from landscape_cli.phenomena.valleys import lines, radius, test_error
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab


def sharpness_and_error(
    lab: Lab, *, batches: dict[str, int], rise: float, directions: int, line: Sequence[str]
) -> Findings:
    """Measure the radius of the filter-normalized valley and the test error of every run of a sweep.

    Args:
        lab: has the runs.
        batches: run -> batch size, ascending, of those runs that differ in nothing else.
        rise: in nats; the radius is where the loss has risen by it.
        directions: random ones, filter-normalized.
        line: words of `landscape surface`.
    """
    rows: list[Row] = []
    for seed, name in product(lab.seeds, lab.scale.runs):
        run = lab.run(name, seed)
        drawn = lines(lab, run, directions, line)
        rows.append({"run": name, "seed": seed, "radius": radius(drawn, rise), "test_error": test_error(run)})

    def of(seed: int, name: str, runs: Sequence[str] = tuple(lab.scale.runs)) -> Array:
        return np.array(
            [row[name] for run in runs for row in rows if (row["run"], row["seed"]) == (run, seed)]
        )

    sizes = np.array(list(batches.values()))
    radii = np.stack([of(seed, "radius", list(batches)) for seed in lab.seeds])
    claims = [
        Claim(
            "Sharper networks have larger test errors (Spearman's rho of 1 / radius and test error over the"
            f" {len(lab.scale.runs)} networks of a seed)",
            [spearman(1 / of(seed, "radius"), of(seed, "test_error")) for seed in lab.seeds],
            ">",
            0.0,
        ),
        Claim(
            "The flattest network is the one with the lowest test error (its error minus the lowest, in"
            " points)",
            [
                float(of(seed, "test_error")[of(seed, "radius").argmax()] - of(seed, "test_error").min())
                for seed in lab.seeds
            ],
            "<=",
            0.0,
        ),
        Claim(
            f"The valley narrows with every step of the batch size through {', '.join(map(str, sizes))} (the"
            " largest of the successive differences of the radius)",
            [float(np.diff(one).max()) for one in radii],
            "<",
            0.0,
        ),
    ]
    scatter = Panel(
        "every network",
        f"radius of the valley at L* + {rise:g} (steps)",
        "test error (%)",
        points={f"seed {seed}": (of(seed, "radius"), of(seed, "test_error")) for seed in lab.seeds},
    )
    widths = Panel(
        "SGD, weight decay 5e-4",
        "batch size",
        f"radius of the valley at L* + {rise:g} (steps)",
        series=[Series("mean over seeds", sizes, radii)],
        log="x",
    )
    return Findings(claims, {"networks": rows}, {"correlation": draw_panels([scatter, widths])})
