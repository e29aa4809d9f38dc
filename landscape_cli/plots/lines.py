"""Loss and accuracy along a line or an interpolation, on two axes, as in figure 2 of Li et al. (2018)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.store import Surface
from landscape_cli.plots.labels import axis_label, panel_titles, value_label
from landscape_cli.plots.missing import hatch_spans, legend_patches
from landscape_cli.plots.panels import (
    hide_inner_ticks,
    is_left,
    is_right,
    panels,
    write_axis_labels,
    write_legend,
    write_titles,
)
from landscape_cli.plots.style import ACCURACY, LOSS, SPLIT_LINES
from landscape_cli.plots.values import common_scale, values_of

# In grey the two colours are alike: the loss is a thick plain line, the accuracy a thin one with open markers.
LOOKS: dict[str, dict[str, Any]] = {
    "loss": {"color": LOSS, "linewidth": 1.7},
    "accuracy": {"color": ACCURACY, "linewidth": 1.0, "marker": "o", "markerfacecolor": "white", "markeredgewidth": 0.8},
}
MARKERS = 12
"""Number of markers along an accuracy line."""


def curves(surface: Surface) -> dict[tuple[str, str], NDArray[np.float64]]:
    """Return the values to draw of a line, (nx,) each, by (split, value): what is there and evaluated at all.

    Accuracies are in percent.

    Raises:
        LandscapeError: there is no loss to draw.
    """
    found = {
        (split, value): values_of(surface, split, value)
        for value in LOOKS
        for split in SPLIT_LINES
        if not np.isnan(surface.values.get(f"{split}/{value}", np.nan)).all()
    }
    if not any(value == "loss" for _, value in found):
        raise LandscapeError(
            f"{surface.path}: no loss is evaluated yet; run the command that makes the file again to go on with it"
        )
    return found


def draw_lines(surfaces: Sequence[Surface], *, scale: str, title: str | None) -> Figure:
    """Return the picture of lines: the loss on the left axis, the accuracy in percent on the right one.

    Training is solid and test dashed; known solutions are vertical lines with their names above. Several files stand
    side by side with the same limits.

    Args:
        surfaces: lines or interpolations.
        scale: of the loss: ``auto``, ``linear`` or ``log``.
        title: in place of the one made of the runs' configurations.
    """
    drawn = [curves(surface) for surface in surfaces]
    losses = [values for each in drawn for (_, value), values in each.items() if value == "loss"]
    loss_scale = common_scale(losses, scale)
    figure, axes = panels(len(surfaces), ratio={1: 0.72, 2: 0.6}.get(len(surfaces), 1.0), margin=0.6)
    rights = [_draw_panel(left, surface, each, loss_scale) for left, surface, each in zip(axes, surfaces, drawn, strict=True)]

    label = value_label("", "loss", [surface.run_config for surface in surfaces]) + loss_scale.note()
    for left, right in zip(axes, rights, strict=True):
        if is_left(left):
            left.set_ylabel(label, color=LOSS)
        if right is not None and is_right(left, axes):
            right.set_ylabel("accuracy (%)", color=ACCURACY)
        elif right is not None:
            right.tick_params(axis="y", labelright=False)
    _share_limits(axes, loss_scale.log, losses)
    hide_inner_ticks(axes, "y")
    write_axis_labels(figure, axes, [axis_label(surface, "x") for surface in surfaces], "x")
    common, own = panel_titles(surfaces)
    write_titles(figure, axes, own if title is None or len(own) > 1 else [title], common if title is None else title)
    handles = [_handle(split, value) for value in LOOKS for split in SPLIT_LINES if any((split, value) in each for each in drawn)]
    write_legend(figure, [*handles, *legend_patches(losses)], 2 if len(surfaces) == 1 else 6)
    return figure


def _draw_panel(
    left: Axes, surface: Surface, drawn: dict[tuple[str, str], NDArray[np.float64]], scale: Any
) -> Axes | None:
    """Draw one file; return the axis of the accuracies, or None if there are none."""
    x = surface.x
    right = left.twinx() if any(value == "accuracy" for _, value in drawn) else None
    for (split, value), values in drawn.items():
        axes = left if value == "loss" or right is None else right
        if value == "loss":
            hatch_spans(left, x, values)
            values = np.where(np.isfinite(values), np.maximum(values, scale.low) if scale.log else values, np.nan)
        every = {"markevery": max(len(x) // MARKERS, 1)} if value == "accuracy" else {}
        axes.plot(x, values, linestyle=SPLIT_LINES[split], label=f"{split}/{value}", **LOOKS[value], **every)
        _dot_lone_points(axes, x, values, LOOKS[value]["color"])
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
    _mark_solutions(left, surface)
    return right


def _dot_lone_points(axes: Axes, x: NDArray[np.float64], values: NDArray[np.float64], color: str) -> None:
    """Show finite points between missing ones, which no line reaches."""
    finite = np.pad(np.isfinite(values), 1)
    lone = finite[1:-1] & ~finite[:-2] & ~finite[2:]
    if lone.any():
        axes.plot(x[lone], values[lone], linestyle="none", marker=".", color=color)


def _mark_solutions(axes: Axes, surface: Surface) -> None:
    """Draw a vertical line at each known solution, with its name above the frame."""
    inside = [(label, x) for label, x, _ in surface.marks if surface.x[0] <= x <= surface.x[-1]]
    if not inside:
        return
    for _, x in inside:
        axes.axvline(x, color="0.45", linewidth=1.0, linestyle=":", zorder=1)
    top = axes.secondary_xaxis("top")
    top.set_xticks([x for _, x in inside], labels=[label for label, _ in inside])
    top.tick_params(axis="x", length=0, pad=1.5)


def _share_limits(axes: Sequence[Axes], log: bool, losses: Sequence[NDArray[np.float64]]) -> None:
    """Give all panels the same loss axis; a linear one starts at zero where no loss is negative."""
    bottom = min(each.get_ylim()[0] for each in axes)
    top = max(each.get_ylim()[1] for each in axes)
    if not log and min(np.nanmin(each) for each in losses) >= 0:
        bottom = -0.02 * top
    for each in axes:
        each.set_ylim(bottom, top)


def _handle(split: str, value: str) -> Line2D:
    words = "training" if split == "train" else split
    return Line2D([], [], linestyle=SPLIT_LINES[split], label=f"{words} {value}", **LOOKS[value])
