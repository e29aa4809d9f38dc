"""One coloured cell a point of a plane: nothing interpolated."""

from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from landscape_cli.plots.interpolated import dot_evaluated, interpolated
from landscape_cli.plots.missing import edges, hatch_cells
from landscape_cli.plots.panels import trim_height
from landscape_cli.plots.planes import Planes, colour_bar, frame_planes, plane_panels
from landscape_cli.plots.style import colormap
from landscape_cli.plots.trajectory import draw_solutions


def draw_heatmaps(planes: Planes) -> Figure:
    """Return the picture: one panel a surface, each cell centred at its point, all with the same colours.

    Levels that were asked for as a list limit the colours: what lies beyond has the colour of the end.
    """
    figure, axes = plane_panels(planes)
    norm, colours = Normalize(*planes.limits), colormap(planes.look)
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        assert surface.y is not None
        x_edges, y_edges = edges(surface.x), edges(surface.y)
        cells = each.pcolormesh(
            x_edges, y_edges, planes.scale.heights(values), cmap=colours, norm=norm, rasterized=True
        )
        hatch_cells(each, surface.x, surface.y, values)
        each.set_xlim(x_edges[0], x_edges[-1])
        each.set_ylim(y_edges[0], y_edges[-1])
    frame_planes(figure, axes, planes)
    colour_bar(figure, axes, planes, cells, extend=planes.extend)
    trim_height(figure)
    dotted = any(interpolated(surface).any() for surface in planes.surfaces)
    for each, surface, values in zip(axes, planes.surfaces, planes.values, strict=True):
        if dotted:
            dot_evaluated(each, surface, (colours, norm), planes.scale.heights(values))
        draw_solutions(each, surface)
    return figure
