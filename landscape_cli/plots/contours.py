"""Level lines over a plane, labelled, on a light filled ground."""

from typing import Any

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape_cli.plots.interpolated import dot_evaluated, interpolated
from landscape_cli.plots.label_places import label_levels
from landscape_cli.plots.missing import hatch_to_neighbours
from landscape_cli.plots.panels import trim_height
from landscape_cli.plots.planes import Planes, colour_bar, frame_planes, plane_panels
from landscape_cli.plots.smooth import smooth
from landscape_cli.plots.style import INK, light_colormap
from landscape_cli.plots.trajectory import draw_solutions


def draw_contours(planes: Planes) -> Figure:
    """Return the picture: one panel a surface, all with the same levels and colours.

    A panel that the shared levels hardly cross has further ones between them, in the same colours. On a
    logarithmic scale the lines are those of the logarithm. Between the points of a coarse grid they are
    smooth curves.
    """
    figure, axes = plane_panels(planes)
    levels = planes.heights
    norm, colormap = Normalize(levels[0], levels[-1]), light_colormap()
    filling: dict[str, Any] = {"cmap": colormap, "norm": norm, "extend": planes.extend}
    all_lines = []
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        assert surface.y is not None
        on = smooth(surface.x, surface.y, planes.scale.heights(values))
        own = planes.levels_of(values)
        each.contourf(*on, own, zorder=1, **filling)
        all_lines.append(
            each.contour(
                *on,
                own,
                colors=INK,
                linewidths=1.0,
                linestyles="solid",
                alpha=0.8,
                zorder=2,
            )
        )
        hatch_to_neighbours(each, surface.x, surface.y, values)
        each.set_xlim(surface.x[0], surface.x[-1])
        each.set_ylim(surface.y[0], surface.y[-1])
    frame_planes(figure, axes, planes, lines=True)
    shared = axes[0].contourf(planes.surfaces[0].x, planes.surfaces[0].y, planes.values[0], levels, **filling)
    colour_bar(figure, axes, planes, shared)  # of the shared levels alone
    shared.remove()
    trim_height(figure)
    dotted = any(interpolated(surface).any() for surface in planes.surfaces)
    for each, surface, values, lines in zip(axes, planes.surfaces, planes.values, all_lines, strict=True):
        if dotted:
            dot_evaluated(each, surface, (colormap, norm), planes.scale.heights(values))
        label_levels(
            each, lines, planes.scale.value, draw_solutions(each, surface, named=planes.shared_mark is None)
        )
    return figure
