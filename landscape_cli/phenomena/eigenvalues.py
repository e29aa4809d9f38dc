"""Is what looks convex on a plane convex in all directions? (Li et al. 2018, section 6; figure 7)."""

from collections.abc import Sequence
from itertools import product

import numpy as np

from landscape_cli.plots.draw import draw
from landscape_cli.reproduction.findings import Findings, Row
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface

RATIO = "train/eigenvalue_ratio"


def ratio_map(
    lab: Lab, *, names: dict[str, str], plane: Sequence[str], convex: float, chaotic: float
) -> Findings:
    """Map |smallest / largest| eigenvalue of the Hessian over filter-normalized planes.

    Runs: ``short`` and ``noshort``, and others that are drawn with them.

    Args:
        lab: has the runs.
        names: run -> what the picture calls it.
        plane: words of `landscape hessian`.
        convex: below this ratio a point counts as convex.
        chaotic: above it a region counts as chaotic.
    """
    rows: list[Row] = []
    drawn: dict[tuple[str, int], Surface] = {}
    for seed, name in product(lab.seeds, names):
        surface = drawn[name, seed] = lab.hessian(lab.run(name, seed), *plane)
        assert surface.y is not None
        ratio = surface.values[RATIO]
        finite = ratio[np.isfinite(ratio)]
        middle = int(np.abs(surface.y).argmin()), int(np.abs(surface.x).argmin())
        rows.append(
            {
                "run": name,
                "seed": seed,
                "at_the_weights": float(ratio[middle]),
                "mean": float(finite.mean()),
                "largest": float(finite.max()),
                "convex_share": float((finite < convex).mean()),
                "largest_residual": float(surface.values["train/residual"][np.isfinite(ratio)].max()),
            }
        )

    def of(run: str, name: str) -> list[float]:
        return [row[name] for row in rows if row["run"] == run]

    claims = [
        *(
            Claim(
                f"{text}: at the trained weights the loss is nearly convex in all directions"
                " (|smallest / largest| eigenvalue)",
                of(name, "at_the_weights"),
                "<",
                convex,
            )
            for name, text in names.items()
        ),
        Claim(
            f"{names['noshort']}: the plane has chaotic regions (its largest |smallest / largest|"
            " eigenvalue)",
            of("noshort", "largest"),
            ">",
            chaotic,
        ),
        Claim(
            "Without shortcuts the plane is less convex (mean |smallest / largest| eigenvalue, without minus"
            " with)",
            (np.array(of("noshort", "mean")) - np.array(of("short", "mean"))).tolist(),
            ">",
            0.0,
        ),
    ]
    picture = draw(
        [drawn[name, lab.seeds[0]] for name in names],
        kind="heatmap",
        value="eigenvalue_ratio",
        levels=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
        title="|smallest / largest| eigenvalue of the Hessian on a filter-normalized plane",
        titles=list(names.values()),
    )
    return Findings(claims, {"maps": rows}, {"map": picture})
