"""Loss and accuracy along a line or an interpolation, on two axes, as in figure 2 of Li et al. (2018)."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axes._secondary_axes import SecondaryAxis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from landscape_cli.arrays import Array, Mask
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.interpolated import interpolated, note
from landscape_cli.plots.labels import axis_label, panel_titles, value_label
from landscape_cli.plots.missing import hatch_spans, legend_patches
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import (
    hide_inner_ticks,
    is_left,
    is_right,
    panels,
    write_axis_labels,
    write_legend,
    write_titles,
)
from landscape_cli.plots.style import ACCURACY, LOSS, PAPER, SPLIT_LINES, normal
from landscape_cli.plots.text import verbatim, wrapped
from landscape_cli.plots.values import LEVELS, Scale, common_scale, values_of
from landscape_cli.store import Surface

# In grey the colours are alike: the loss is a thick plain line, the accuracy a thin one with open markers.
LOOKS: dict[str, dict[str, Any]] = {
    "loss": {"color": LOSS, "linewidth": 1.7},
    "accuracy": {
        "color": ACCURACY,
        "linewidth": 1.0,
        "marker": "o",
        "markerfacecolor": "white",
        "markeredgewidth": 0.8,
    },
}
MARKERS = 12
"""Number of markers along an accuracy line."""
BAND: dict[str, Any] = {"facecolor": LOSS, "alpha": 0.2, "linewidth": 0}
"""Look of the band of a standard error to both sides of a loss."""


def curves(surface: Surface, value: str = "loss") -> dict[tuple[str, str], Array]:
    """Return the values to draw of a line, (nx,) each, by (split, value): what is there and evaluated at all.

    Loss and accuracy, in percent, belong together; another value stands alone.

    Raises:
        LandscapeError: there is nothing to draw.
    """
    main = left_value(value)
    found = {
        (split, each): values_of(surface, split, each)
        for each in (LOOKS if main == "loss" else (main,))
        for split in SPLIT_LINES
        if not np.isnan(surface.values.get(f"{split}/{each}", np.nan)).all()
    }
    if not any(each == main for _, each in found):
        raise LandscapeError(
            f"{surface.path}: no {main} is evaluated yet; run the command that makes it again"
        )
    return found


def left_value(value: str) -> str:
    """Return the value on the left axis where `value` is asked for: accuracies are beside the loss."""
    return "loss" if value in LOOKS else value


def lone(values: Array) -> Mask:
    """Return which points of a line, (nx,), are finite and have no finite neighbour: no line reaches them."""
    finite = np.pad(np.isfinite(values), 1)
    return np.asarray(finite[1:-1] & ~finite[:-2] & ~finite[2:])


def draw_lines(
    surfaces: Sequence[Surface],
    *,
    scale: str,
    title: str | None,
    titles: Sequence[str] | None = None,
    value: str = "loss",
    look: Look = PAPER,
) -> Figure:
    """Return the picture of lines: loss on the left axis, accuracy in percent on the right one.

    Training is solid and test dashed; known solutions are vertical lines with their names above. Several
    files stand side by side with the same limits.

    Args:
        surfaces: lines or interpolations.
        scale: of the loss: ``auto``, ``linear`` or ``log``.
        title: in place of the one made of the runs' configurations.
        titles: of the panels, likewise.
        value: on the left axis; with another one than the loss there is no accuracy.
        look: its limits are those of the left axis.
    """
    main = left_value(value)
    drawn = [curves(surface, value) for surface in surfaces]
    losses = [values for each in drawn for (_, name), values in each.items() if name == main]
    loss_scale = common_scale(losses, scale, may_be_log=main not in LEVELS)
    figure, axes = panels(
        len(surfaces), ratio={1: 0.72, 2: 0.6}.get(len(surfaces), 1.0), margin=0.6, size=look.inches
    )
    dotted = any(interpolated(surface).any() for surface in surfaces)
    rights = [
        _draw_panel(left, surface, each, loss_scale, dotted=dotted)
        for left, surface, each in zip(axes, surfaces, drawn, strict=True)
    ]

    solution_axes = [_mark_solutions(left, surface) for left, surface in zip(axes, surfaces, strict=True)]

    label = value_label("", main, [surface.run_config for surface in surfaces]) + loss_scale.note()
    rows = max(spec.rowspan.stop for each in axes if (spec := each.get_subplotspec()) is not None)
    label = wrapped(label, 0.65 * figure.get_figheight() / rows, normal())
    for left, right in zip(axes, rights, strict=True):
        if is_left(left):
            left.set_ylabel(label, color=LOSS)
        if right is not None and is_right(left, axes):
            right.set_ylabel("accuracy (%)", color=ACCURACY)
        elif right is not None:
            right.tick_params(axis="y", labelright=False)
    bands = [
        band
        for surface, each in zip(surfaces, drawn, strict=True)
        for split, name in each
        if name == "loss" and (band := _band(surface, split)) is not None
    ]
    _share_limits(axes, loss_scale.log, [*losses, *(upper for _, upper in bands)])
    for each in axes:
        each.set_ylim(look.vmin, look.vmax)  # None leaves an end
    hide_inner_ticks(axes, "y")
    write_axis_labels(figure, axes, [axis_label(surface, "x") for surface in surfaces], "x")
    common, own = panel_titles(surfaces, title, titles)
    write_titles(figure, axes, own, common)
    handles: list[Artist] = [
        _handle(split, name)
        for name in (LOOKS if main == "loss" else (main,))
        for split in SPLIT_LINES
        if any((split, name) in each for each in drawn)
    ]
    if bands:
        handles.append(Patch(label="± standard error of the loss", **BAND))
    write_legend(
        figure,
        [*handles, *legend_patches(losses)],
        2 if len(surfaces) == 1 else 6,
        note(surfaces, dots=True),
    )
    figure.draw_without_rendering()
    for names in solution_axes:
        _stagger(names)
    return figure


def _draw_panel(
    left: Axes,
    surface: Surface,
    drawn: dict[tuple[str, str], Array],
    scale: Scale,
    *,
    dotted: bool,
) -> Axes | None:
    """Draw one file; return the axis of the accuracies, or None if there are none.

    With `dotted` each evaluated point of a loss has a dot; markers of accuracies are at such points anyway.
    """
    x = surface.x
    right = left.twinx() if any(value == "accuracy" for _, value in drawn) else None
    for (split, value), values in drawn.items():
        axes = left if value != "accuracy" or right is None else right
        dots = lone(values)
        if value != "accuracy":
            hatch_spans(left, x, values)
            if value == "loss" and (band := _band(surface, split)) is not None:
                # reaching for zero, it would take most of a logarithmic axis
                lower = np.maximum(band[0], scale.low / 2) if scale.log else band[0]
                left.fill_between(x, lower, band[1], zorder=1, **BAND)
            values = np.where(
                np.isfinite(values), np.maximum(values, scale.low) if scale.log else values, np.nan
            )
            dots |= surface.evaluated & dotted
        (curve,) = axes.plot(
            x, values, linestyle=SPLIT_LINES[split], label=f"{split}/{value}", **_look(value)
        )
        curve.set_markevery(_marker_places(surface.evaluated))
        axes.plot(x[dots], values[dots], linestyle="none", marker=".", color=_look(value)["color"])
    if scale.log:
        left.set_yscale("log")
    left.tick_params(axis="y", which="both", colors=LOSS)
    left.set_xlim(x[0], x[-1])
    left.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    if right is not None:
        right.set_ylim(-2, 102)
        right.tick_params(axis="y", colors=ACCURACY)
        right.spines["left"].set_color(LOSS)
        right.spines["right"].set_color(ACCURACY)
    return right


def _band(surface: Surface, split: str) -> tuple[Array, Array] | None:
    """Return a standard error below and above a loss, NaN where not finite; None if all samples were used."""
    error = surface.values.get(f"{split}/loss_stderr")
    if error is None:
        return None
    loss = surface.values[f"{split}/loss"]
    loss, error = (np.where(np.isfinite(loss + error), each, np.nan) for each in (loss, error))
    return loss - error, loss + error


def _marker_places(evaluated: Mask) -> list[int]:
    """Return the points at which an accuracy line has its markers: evaluated ones, about evenly spaced."""
    even = np.arange(0, len(evaluated), max(len(evaluated) // MARKERS, 1))
    places = np.flatnonzero(evaluated)
    if not len(places):
        return []
    nearest = np.abs(places - even[:, np.newaxis]).argmin(axis=1)
    return [int(place) for place in np.unique(places[nearest])]


def _mark_solutions(axes: Axes, surface: Surface) -> SecondaryAxis:
    """Draw a vertical line at each known solution; return the axis above the frame that names them."""
    inside = sorted((x, label) for label, x, _ in surface.marks if surface.x[0] <= x <= surface.x[-1])
    for x, _ in inside:
        axes.axvline(x, color="0.45", linewidth=1.0, linestyle=":", zorder=1)
    names = axes.secondary_xaxis("top")
    names.set_xticks([x for x, _ in inside], labels=[verbatim(label) for _, label in inside])
    names.tick_params(axis="x", length=0, pad=1.5)
    return names


def _stagger(names: SecondaryAxis) -> None:
    """Raise every other name by a line if neighbours would touch; the layout must have been made once."""
    labels = names.get_xticklabels()
    boxes = [label.get_window_extent() for label in labels]
    if any(left.x1 + 0.5 * left.height > right.x0 for left, right in pairwise(boxes)):
        words = [label.get_text() + "\n" * (index % 2) for index, label in enumerate(labels)]
        names.set_xticks(names.get_xticks(), labels=words)


def _share_limits(axes: Sequence[Axes], log: bool, losses: Sequence[Array]) -> None:
    """Give all panels the same loss axis; a linear one starts at zero where no loss is negative."""
    bottom = min(each.get_ylim()[0] for each in axes)
    top = max(each.get_ylim()[1] for each in axes)
    if not log and min(np.nanmin(each) for each in losses) >= 0:
        bottom, top = -0.02 * top, 1.04 * max(np.max(each[np.isfinite(each)], initial=0.0) for each in losses)
    for each in axes:
        each.set_ylim(bottom, top)


def _handle(split: str, value: str) -> Line2D:
    words = value_label(split, value, []).removesuffix(" (%)")
    return Line2D([], [], linestyle=SPLIT_LINES[split], label=words, **_look(value))


def _look(value: str) -> dict[str, Any]:
    return LOOKS.get(value, LOOKS["loss"])
