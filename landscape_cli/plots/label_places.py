"""Known solutions and level lines with their labels, placed so that no two cover each other."""

from collections.abc import Callable, Sequence
from itertools import chain, repeat

import matplotlib.patheffects as effects
import numpy as np
from matplotlib.axes import Axes
from matplotlib.contour import ContourSet

from landscape_cli.arrays import Array
from landscape_cli.plots.levels import numbers
from landscape_cli.plots.style import INK, small
from landscape_cli.plots.text import text_width, verbatim

Box = tuple[float, float, float, float]  # left, bottom, right, top, in pixels

MARKER = 5.0
"""Size of a solution's marker, in points."""

STAR = 1.8  # its width relative to a disc that looks as large
LABELS_A_LEVEL = 2
_HALO = [effects.withStroke(linewidth=2.0, foreground="white")]
# Where a label may stand relative to its marker, the best first: unit offsets and the text's alignment.
_SIDES = (
    (1, 0, "left", "center"),
    (-1, 0, "right", "center"),
    (0, 1, "center", "bottom"),
    (0, -1, "center", "top"),
    (0.9, 0.9, "left", "bottom"),
    (-0.9, 0.9, "right", "bottom"),
    (0.9, -0.9, "left", "top"),
    (-0.9, -0.9, "right", "top"),
)


def draw_marks(
    axes: Axes,
    marks: Sequence[tuple[str, float, float]],
    *,
    shapes: Sequence[str] = (),
    taken: Sequence[Box] = (),
) -> list[Box]:
    """Draw the solutions inside the axes' limits with their labels, and return the boxes that they take.

    The layout must be final: labels are placed by their size on the page.

    Args:
        axes: where to draw.
        marks: label, x, y of each solution.
        shapes: Matplotlib's markers for the first of them; circles for the others.
        taken: boxes in pixels that labels keep clear of.
    """
    (left, right), (bottom, top) = sorted(axes.get_xlim()), sorted(axes.get_ylim())
    shaped = zip(marks, chain(shapes, repeat("o")), strict=False)
    inside = [
        (verbatim(label), x, y, shape)
        for (label, x, y), shape in shaped
        if left <= x <= right and bottom <= y <= top
    ]
    pixels = pixels_per_point(axes)
    centers = [axes.transData.transform((x, y)) for _, x, y, _ in inside]
    radius = (MARKER / 2 + 1.5) * pixels
    boxes: list[Box] = [(cx - radius, cy - radius, cx + radius, cy + radius) for cx, cy in centers]
    for label, x, y, shape in inside:
        axes.plot(
            [x],
            [y],
            marker=shape,
            markersize=STAR * MARKER if shape == "*" else MARKER,
            markerfacecolor="white",
            markeredgecolor=INK,
            clip_on=False,
            zorder=6,
            label=label,
        )
        boxes.append(write_mark(axes, label, (x, y), [*taken, *boxes]))
    return boxes


def write_mark(axes: Axes, label: str, place: tuple[float, float], taken: Sequence[Box]) -> Box:
    """Write the label of the solution at a place in data coordinates beside it, and return its box.

    It keeps clear of the boxes `taken` where it can.
    """
    pixels = pixels_per_point(axes)
    center = np.asarray(axes.transData.transform(place))
    box, (dx, dy, horizontal, vertical) = _free_side(label, center, taken, axes, pixels)
    text = axes.annotate(
        label,
        place,
        xytext=(dx * (MARKER / 2 + 2), dy * (MARKER / 2 + 2)),
        textcoords="offset points",
        ha=horizontal,
        va=vertical,
        fontsize=small(),
        path_effects=_HALO,
        zorder=7,
    )
    text.set_in_layout(False)
    return box


def label_levels(
    axes: Axes, lines: ContourSet, value_of: Callable[[float], float], taken: Sequence[Box]
) -> list[Box]:
    """Write the value of each level into its lines where there is room, and return the boxes of the labels.

    A label stands on a straight stretch of its line, inside the axes, clear of the boxes `taken` and of other
    labels. A level with no such place stays without one.

    Args:
        axes: where the lines are.
        lines: the drawn level lines.
        value_of: from a line's level to the value to be written.
        taken: boxes in pixels that must stay free, as `draw_marks` returns them.
    """
    pixels = pixels_per_point(axes)
    to_pixels, frame = axes.transData, _frame(axes, pixels)
    occupied, spots, placed = list(taken), [], []
    levels = np.asarray(lines.levels).tolist()
    written = dict(zip(levels, numbers([value_of(level) for level in levels]), strict=True))
    for level, path in zip(levels, lines.get_paths(), strict=True):
        width, height = _text_size(written[level], pixels)
        pieces = [to_pixels.transform(np.asarray(piece)) for piece in path.to_polygons(closed_only=False)]
        pieces.sort(key=_length, reverse=True)
        for piece in pieces[:LABELS_A_LEVEL]:
            spot = _free_spot(piece, width, height, occupied, frame)
            if spot is not None:
                (x, y), box = spot
                occupied.append(box)
                placed.append(box)
                spots.append(tuple(to_pixels.inverted().transform((x, y))))
    if spots:
        texts = lines.clabel(
            fmt=written,
            fontsize=small(),
            colors=INK,
            manual=spots,
            inline_spacing=2,
        )
        for text in texts or []:
            text.set_in_layout(False)
    return placed


def _free_side(
    label: str, center: Array, taken: Sequence[Box], axes: Axes, pixels: float
) -> tuple[Box, tuple[float, float, str, str]]:
    """Return the box and the side of a marker's label: the first side with room, or the best one."""
    width, height = _text_size(label, pixels)
    gap = (MARKER / 2 + 2) * pixels
    frame = _frame(axes, pixels)

    def box(side: tuple[float, float, str, str]) -> Box:
        dx, dy, horizontal, vertical = side
        x = center[0] + dx * gap - {"left": 0.0, "center": width / 2, "right": width}[horizontal]
        y = center[1] + dy * gap - {"bottom": 0.0, "center": height / 2, "top": height}[vertical]
        return x, y, x + width, y + height

    sides = [(box(side), side) for side in _SIDES]
    inside = [each for each in sides if _within(each[0], frame)]
    free = [each for each in inside if not _overlaps(each[0], taken)]
    return (free or inside or sides)[0]


def _free_spot(
    piece: Array, width: float, height: float, taken: Sequence[Box], frame: Box
) -> tuple[Array, Box] | None:
    """Return the point of a level line, (n, 2) in pixels, that best carries a label, with the label's box."""
    steps = np.hypot(*np.diff(piece, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    reach = 0.75 * width
    if along[-1] < 3 * reach:
        return None

    def at(distance: Array) -> Array:
        return np.stack([np.interp(distance, along, piece[:, axis]) for axis in (0, 1)], axis=-1)

    places = np.linspace(reach, along[-1] - reach, 120)
    before, here, after = at(places - reach), at(places), at(places + reach)
    chord = after - before
    bend = 1 - np.hypot(*chord.T) / (2 * reach)
    slant = np.abs(chord[:, 1]) / np.maximum(np.hypot(*chord.T), 1e-9)
    for index in np.argsort(bend + 0.15 * slant, kind="stable"):
        if bend[index] > 0.25:
            return None
        cos, sin = np.abs(chord[index]) / max(float(np.hypot(*chord[index])), 1e-9)
        half = np.array([width * cos + height * sin, width * sin + height * cos]) / 2
        (left, bottom), (right, top) = here[index] - half, here[index] + half
        box = (float(left), float(bottom), float(right), float(top))
        if _within(box, frame) and not _overlaps(box, taken):
            return here[index], box
    return None


def pixels_per_point(axes: Axes) -> float:
    """Return how many pixels of its figure a point, 1/72 inch, takes."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    return float(figure.dpi) / 72


def _text_size(text: str, pixels: float) -> tuple[float, float]:
    return (72 * text_width(text, small()) + 2) * pixels, small() * pixels


def _frame(axes: Axes, pixels: float) -> Box:
    box = axes.get_window_extent()
    return box.x0 + 2 * pixels, box.y0 + 2 * pixels, box.x1 - 2 * pixels, box.y1 - 2 * pixels


def _length(piece: Array) -> float:
    return float(np.hypot(*np.diff(piece, axis=0).T).sum())


def _within(box: Box, frame: Box) -> bool:
    return box[0] >= frame[0] and box[1] >= frame[1] and box[2] <= frame[2] and box[3] <= frame[3]


def _overlaps(box: Box, others: Sequence[Box]) -> bool:
    return any(
        box[0] < other[2] and other[0] < box[2] and box[1] < other[3] and other[1] < box[3]
        for other in others
    )
