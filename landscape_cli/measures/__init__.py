"""What is read off lines and planes: widths, barriers, minima, correlations. Never imports torch.

Every picture, claim and table takes them from here, so that a radius means the same everywhere. Coordinates
are in units of the directions that span the line or plane; the losses of a plane are ``loss[y, x]``, of shape
(ny, nx). What a surface file holds is understood as it is meant: +inf is a loss that was evaluated and is not
finite, hence higher than every threshold; NaN is a point not evaluated, and nothing is measured over gaps.
"""

from landscape_cli.measures.barriers import barrier, increases
from landscape_cli.measures.comparison import ratio, z_score
from landscape_cli.measures.convexity import nonconvex_fraction, second_differences
from landscape_cli.measures.correlation import rank_correlations, spearman
from landscape_cli.measures.distances import relative_distance
from landscape_cli.measures.merge_tree import Basin, basins_above, merge_tree
from landscape_cli.measures.minima import Lowest, lowest, minima
from landscape_cli.measures.places import loss_at, loss_at_centre
from landscape_cli.measures.radius import line_radius, mean_radius, plane_radius, valley_radius
from landscape_cli.measures.steps import first_at_least, steps_to

__all__ = [
    "Basin",
    "Lowest",
    "barrier",
    "basins_above",
    "first_at_least",
    "increases",
    "line_radius",
    "loss_at",
    "loss_at_centre",
    "lowest",
    "mean_radius",
    "merge_tree",
    "minima",
    "nonconvex_fraction",
    "plane_radius",
    "rank_correlations",
    "ratio",
    "relative_distance",
    "second_differences",
    "spearman",
    "steps_to",
    "valley_radius",
    "z_score",
]
