"""Figures of one panel or several side by side, a column or a page wide, with shared words said once."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from landscape_cli.plots.style import COLUMN, PAGE, normal, small
from landscape_cli.plots.text import text_width, wrapped

LEGEND_HANDLE = 0.5  # inches of a line or a patch beside its label, and of the gap to the next one
BESIDE = 5.0  # lines of text above and below a panel
PER_ROW = 4


class Picture(Figure):
    """A figure that shows in a notebook whether or not pyplot is in use there.

    Attributes:
        fixed: whether its size was asked for, and its height is not to follow from what is in it.
    """

    fixed = False

    def _repr_png_(self) -> bytes:
        content = io.BytesIO()
        self.savefig(content, format="png")
        return content.getvalue()


def panels(
    count: int,
    *,
    ratio: float,
    margin: float,
    projection: str | None = None,
    per_row: int = PER_ROW,
    size: tuple[float, float] | None = None,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with `count` panels, filled row by row in about equal rows.

    The figure is no part of pyplot's state: nobody else sees it and nothing has to be closed.

    Args:
        count: number of panels.
        ratio: height of a panel relative to its share of the width.
        margin: inches to add to the height, for titles and legends.
        projection: ``"3d"`` or None.
        per_row: the most panels in a row.
        size: width and height that were asked for, in inches; panels are then as large as they can be.
    """
    columns = count if count <= per_row else min(per_row, (count + 1) // 2)
    if size is not None:

        def width_of_a_panel(columns: int) -> float:
            return min(size[0] / columns, (size[1] - margin) / -(-count // columns) / ratio)

        columns = max(range(1, count + 1), key=width_of_a_panel)
    rows = -(-count // columns)
    width = COLUMN if count == 1 else PAGE
    usual = (width, rows * (ratio * width / columns + 0.2) + margin)
    figure = Picture(figsize=size or usual, layout="compressed")
    figure.fixed = size is not None
    FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, columns)
    axes = [figure.add_subplot(grid[divmod(index, columns)], projection=projection) for index in range(count)]
    return figure, axes


def trim_height(figure: Figure) -> None:
    """Take away the height that panels of fixed proportions leave empty, and lay the picture out for good."""
    figure.draw_without_rendering()
    if isinstance(figure, Picture) and figure.fixed:
        return
    parts = [box for axes in figure.axes if (box := axes.get_tightbbox()) is not None]
    parts += [text.get_window_extent() for text in figure.texts]
    # A legend stands at the very bottom, with the empty height above it.
    legends = [legend.get_window_extent().height for legend in figure.legends]
    height = Bbox.union(parts).height + sum(legends)
    figure.set_figheight(height / figure.dpi + (0.15 if legends else 0.06))
    figure.draw_without_rendering()


def column_width(figure: Figure, axes: Sequence[Axes]) -> float:
    """Return the share of the figure's width, in inches, of one column of panels."""
    columns = max((spec.colspan.stop for each in axes if (spec := each.get_subplotspec())), default=1)
    return float(figure.get_figwidth()) / columns


def label_width(figure: Figure, axes: Sequence[Axes]) -> float:
    """Return the width, in inches, that a panel's axis labels may have.

    Where the size of the picture was asked for, panels of fixed proportions may be narrower than their
    columns: no wider than the height that each row has beside its labels.
    """
    width = column_width(figure, axes)
    if not (isinstance(figure, Picture) and figure.fixed and axes[0].get_box_aspect() is not None):
        return width
    rows = max((spec.rowspan.stop for each in axes if (spec := each.get_subplotspec())), default=1)
    beside = BESIDE * normal() / 72
    return min(width, max(float(figure.get_figheight()) / rows - beside, beside))


def relative_height(axes: Axes) -> float:
    """Return the height of a flat panel relative to its width where that is fixed below 1, otherwise 1."""
    aspect = axes.get_box_aspect()
    return min(aspect, 1.0) if isinstance(aspect, float) else 1.0


def is_left(axes: Axes) -> bool:
    """Return whether a panel is the first of its row."""
    spec = axes.get_subplotspec()
    return spec is None or spec.is_first_col()


def is_lowest(axes: Axes, all_axes: Sequence[Axes]) -> bool:
    """Return whether no other panel stands below a panel."""
    spec = axes.get_subplotspec()
    others = [other.get_subplotspec() for other in all_axes]
    return spec is None or not any(
        other is not None
        and other.colspan.start == spec.colspan.start
        and other.rowspan.start > spec.rowspan.start
        for other in others
    )


def is_right(axes: Axes, all_axes: Sequence[Axes]) -> bool:
    """Return whether no other panel stands to the right of a panel."""
    spec = axes.get_subplotspec()
    others = [other.get_subplotspec() for other in all_axes]
    return spec is None or not any(
        other is not None
        and other.rowspan.start == spec.rowspan.start
        and other.colspan.start > spec.colspan.start
        for other in others
    )


def write_titles(
    figure: Figure, axes: Sequence[Axes], titles: Sequence[str], common: str, *, width: float = 0.85
) -> None:
    """Put each panel's title above it and the common one above all, broken into lines that fit.

    A panel's title takes at most the share `width` of its column.
    """
    for each, title in zip(axes, titles, strict=True):
        each.set_title(wrapped(title, width * column_width(figure, axes), normal()))
    if common:
        figure.suptitle(wrapped(common, 0.95 * figure.get_figwidth(), normal()))


def write_axis_labels(figure: Figure, axes: Sequence[Axes], words: Sequence[str], axis: str) -> None:
    """Label the x or y axis of every panel, or of the outer panels alone where all labels read the same."""
    width = 0.85 * label_width(figure, axes)
    for each, text in zip(axes, words, strict=True):
        outer = is_lowest(each, axes) if axis == "x" else is_left(each)
        if not outer and len(set(words)) == 1:
            continue
        if axis == "x":
            each.set_xlabel(wrapped(text, width, normal()))
        else:
            each.set_ylabel(wrapped(text, width * relative_height(each), normal()))


def hide_inner_ticks(axes: Sequence[Axes], axis: str) -> None:
    """Number the ticks at the outer panels only, where all panels span the same range."""
    spans = {getattr(each, f"get_{axis}lim")() for each in axes}
    if len({tuple(np.round(span, 9)) for span in spans}) > 1:
        return
    for each in axes:
        if axis == "x" and not is_lowest(each, axes):
            each.tick_params(axis="x", labelbottom=False)
        if axis == "y" and not is_left(each):
            each.tick_params(axis="y", labelleft=False)


def write_legend(figure: Figure, handles: Sequence[Any], columns: int, note: str = "") -> None:
    """Put a legend below the panels, where it covers nothing, with a note on its top; none for neither.

    It has at most so many columns, and fewer where the page is too narrow for them.
    """
    if handles or note:
        widest = max((text_width(str(handle.get_label()), small()) for handle in handles), default=0.0)
        fitting = int(figure.get_figwidth() // (widest + LEGEND_HANDLE))
        legend = figure.legend(
            handles=list(handles),
            loc="outside lower center",
            ncols=max(min(columns, fitting, len(handles)), 1),
            title=wrapped(note, 0.95 * figure.get_figwidth(), small()),
        )
        legend.get_title().set_multialignment("center")
