"""Is what looks convex on a plane convex in all directions? (Li et al. 2018, section 6; figure 7)."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.measures import loss_at_centre
from landscape_cli.plots.draw import draw
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, by_quantity


def hessian_eigenvalue_ratio_map(lab: Lab, *, convex: float) -> Measured:
    """Map |smallest / largest| eigenvalue of the Hessian over the filter-normalized planes of all runs.

    Args:
        lab: has the runs ``short`` and ``noshort``, and others that are drawn with them.
        convex: below this ratio a point counts as convex.
    """

    def measured(run: str) -> Measured:
        plane = lab.hessian(run)
        assert plane.y is not None
        ratio = plane.values["train/eigenvalue_ratio"]
        known = np.isfinite(ratio)
        return {
            "at_the_weights": loss_at_centre(plane.x, plane.y, ratio),
            "mean": ratio[known].mean(),
            "largest": ratio[known].max(),
            "convex_share": (ratio[known] < convex).mean(),
            "largest_residual": plane.values["train/residual"][known].max(),
            "map": plane,
        }

    found = by_quantity({run: measured(run) for run in lab.runs})
    return {**found, "mean_gap": found["mean"]["noshort"] - found["mean"]["short"]}


def draw_hessian_eigenvalue_ratio_map(
    seeds: Sequence[Measured], *, names: Mapping[str, str]
) -> dict[str, Figure]:
    """Draw the first seed's maps."""
    picture = draw(
        [seeds[0]["map"][run] for run in names],
        kind="heatmap",
        value="eigenvalue_ratio",
        levels=[0.0, 0.1, 0.2, 0.3, 0.4, 0.5],
        title="|smallest / largest| eigenvalue of the Hessian on a filter-normalized plane",
        titles=list(names.values()),
    )
    return {"map": picture}
