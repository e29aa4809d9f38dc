"""What is read off lines and planes: widths, barriers, minima, correlations. Never imports torch."""

from landscape_cli.measures.surfaces import (
    barrier,
    line_radius,
    mean_radius,
    minima,
    nonconvex_fraction,
    plane_radius,
    second_differences,
    spearman,
)

__all__ = [
    "barrier",
    "line_radius",
    "mean_radius",
    "minima",
    "nonconvex_fraction",
    "plane_radius",
    "second_differences",
    "spearman",
]
