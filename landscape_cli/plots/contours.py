"""Level lines over a plane, labelled, on a light filled ground."""

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape_cli.plots.interpolated import dot_evaluated, interpolated
from landscape_cli.plots.label_places import label_levels
from landscape_cli.plots.missing import hatch_to_neighbours
from landscape_cli.plots.panels import trim_height
from landscape_cli.plots.planes import Planes, colour_bar, frame_planes, plane_panels
from landscape_cli.plots.smooth import finer, smooth_note
from landscape_cli.plots.style import INK, light_colormap
from landscape_cli.plots.trajectory import draw_solutions


def draw_contours(planes: Planes) -> Figure:
    """Return the picture: one panel a surface, all with the same levels and colours.

    The lines are those of the heights, logarithms on such a scale, interpolated between the points.
    """
    figure, axes = plane_panels(planes)
    levels = planes.heights
    norm, colormap = Normalize(*planes.limits), light_colormap(planes.look)
    all_lines = []
    for each, surface, values, shown in zip(axes, planes.surfaces, planes.values, planes.lines, strict=True):
        assert surface.y is not None
        fine = finer(surface.x, surface.y, planes.scale.heights(values))
        filled = each.contourf(*fine, levels, cmap=colormap, norm=norm, extend=planes.extend, zorder=1)
        all_lines.append(
            each.contour(
                *fine,
                planes.heights_of(shown),
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
    frame_planes(figure, axes, planes, smooth_note(planes.surfaces))
    colour_bar(figure, axes, planes, filled, spacing="proportional")
    trim_height(figure)
    dotted = any(interpolated(surface).any() for surface in planes.surfaces)
    for each, surface, values, lines in zip(axes, planes.surfaces, planes.values, all_lines, strict=True):
        if dotted:
            dot_evaluated(each, surface, (colormap, norm), planes.scale.heights(values))
        label_levels(each, lines, planes.scale.value, draw_solutions(each, surface))
    return figure
