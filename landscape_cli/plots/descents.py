"""Pictures of descents: the kinds there are, the loss over steps, basins of attraction."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from numpy.typing import NDArray

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.measures.basins import ELSEWHERE, basins
from landscape_cli.plots.descent_words import STAR, heights_of, title_of, word_of
from landscape_cli.plots.descents_on_planes import draw_on_landscape, draw_on_levels
from landscape_cli.plots.levels import choose_levels
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import panels, trim_height, write_legend, write_titles
from landscape_cli.plots.series import COLOURS, Panel, Series, draw_panels
from landscape_cli.plots.smooth import finer
from landscape_cli.plots.style import INK, PAPER, styled
from landscape_cli.plots.values import SCALES
from landscape_cli.store.descent import Descent, OptimizerPath

KINDS = {
    "auto": "contour of functions of two coordinates, otherwise line",
    "contour": "the paths on level lines of the function",
    "surface3d": "the paths on the function as a landscape",
    "line": "the function's value over steps, the median where there are several starts",
    "basins": "of starts on a grid: in which minimum each one's descent ends, a panel an optimizer",
    "interactive": "an HTML page: the paths on the function to turn and zoom, or the function over steps",
}
"""Name of each kind of picture of descents -> what it shows, in a line."""

GREY = (0.92, 0.92, 0.92)
HUES = 6  # colours of basins before they are used again
SMALLEST = 1e-16  # of the largest value, below which a logarithmic axis of values over steps does not go


def draw_descents(
    descents: Sequence[Descent],
    *,
    kind: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
    look: Look = PAPER,
) -> Figure:
    """Return the picture of one or several files of descents, a panel each; of basins a panel an optimizer.

    Args:
        descents: what to draw.
        kind: one of `KINDS` but ``interactive``, which is no figure.
        scale: of the function's values: ``linear``, ``log`` or ``auto``, as for `plots.draw.draw`.
        levels: of contours: how many, or their values.
        title: in place of the functions' names, above all.
        look: size, fonts and colours.

    Raises:
        LandscapeError: the kind does not fit a file.
    """
    kind = resolve_kind(descents, kind)
    if kind == "interactive":
        raise LandscapeError("kind=interactive is an HTML page; choose out= with the ending .html")
    if kind == "line":
        return draw_panels(over_steps(descents, scale), title=title or "", look=look)
    with styled(look):
        if kind == "basins":
            return _basins(descents, title, look)
        draw = draw_on_levels if kind == "contour" else draw_on_landscape
        return draw(descents, scale, levels, title, look)


def resolve_kind(descents: Sequence[Descent], kind: str) -> str:
    """Return the kind that `kind` means for these files.

    Raises:
        LandscapeError: no such kind, or one that does not fit a file.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    flat = next((each for each in descents if each.values is None), None)
    if kind == "auto":
        return "contour" if flat is None else "line"
    if flat is not None and kind in ("contour", "surface3d"):
        dimension = flat.minima.shape[1]
        raise LandscapeError(
            f"kind={kind} draws functions of two coordinates, and {flat.path} holds one of {dimension};"
            " choose kind=line"
        )
    without = next((each for each in descents if each.grid is None), None)
    if kind == "basins" and without is not None:
        raise LandscapeError(
            f"kind=basins draws starts on a grid, and those of {without.path} are none; say"
            " `landscape descend start=grid:200`"
        )
    return kind


def over_steps(descents: Sequence[Descent], scale: str) -> list[Panel]:
    """Return how far above its least value the function is at each step, or its value; a panel a file.

    Of several starts it is their median, among which one that left for infinity counts as infinite; it ends
    where half of them have.

    Raises:
        LandscapeError: the scale is unknown, or is ``log`` and no value of a file is positive.
    """
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    content = []
    for descent in descents:
        curves, low = [], 0.0 if descent.lowest is None else descent.lowest
        for number, (name, path) in enumerate(descent.paths.items()):
            median = np.median(np.where(np.isfinite(path.loss), path.loss, np.inf), axis=0)
            above = np.where(np.isfinite(median), median, np.nan) - low
            curves.append(Series(word_of(name), path.steps, above, look=number))
        everything = np.concatenate([np.ravel(curve.values) for curve in curves])
        positive = everything[everything > 0]
        wide = positive.size > 0 and np.nanmin(everything) >= -1e-12 and positive.max() > 30 * positive.min()
        log = scale == "log" or (scale == "auto" and bool(wide))
        words = "median over starts of f" if len(path.loss) > 1 else "f"
        label = words if descent.lowest is None else f"{words} above its minimum"
        if log and not positive.size:
            raise LandscapeError(
                f"scale=log needs positive values, and {descent.path} has none; choose scale=linear"
            )
        if log:
            floor = max(float(positive.max()) * SMALLEST, float(positive.min()))
            curves = [
                Series(each.label, each.x, np.maximum(np.asarray(each.values), floor), look=each.look)
                for each in curves
            ]
        content.append(Panel(title_of(descent), "steps", label, curves, log="y" if log else ""))
    return content


def _basins(descents: Sequence[Descent], title: str | None, look: Look) -> Figure:
    """Colour each start by the minimum in which its descent ends."""
    shown = [(descent, name, path) for descent in descents for name, path in descent.paths.items()]
    figure, axes = panels(len(shown), ratio=0.95, margin=0.7, per_row=3, size=look.inches)
    found = [each for descent in descents for each in _found(descent)]
    missed = [
        _colour_starts(each, descent, path, *ends)
        for each, (descent, _, path), ends in zip(axes, shown, found, strict=True)
    ]
    words = [word_of(name) for _, name, _ in shown]
    if len(descents) == 1:
        write_titles(figure, axes, words, title_of(descents[0]) if title is None else title)
    else:
        pairs = zip(shown, words, strict=True)
        write_titles(figure, axes, [f"{title_of(each)}\n{word}" for (each, *_), word in pairs], title or "")
    handles: list[Any] = [Line2D([], [], **STAR, markersize=7, linestyle="", label="minimum")]
    if any(missed):
        handles.append(Patch(facecolor=GREY, edgecolor=INK, linewidth=0.5, label="no minimum reached"))
    write_legend(figure, handles, 3, "a start has the colour of the minimum that its descent ends in")
    trim_height(figure)
    return figure


def _found(descent: Descent) -> list[tuple[NDArray[np.int64], Array]]:
    """Return, for each optimizer, the number of each end's minimum, and the minima: the same for all."""
    paths = list(descent.paths.values())
    starts, ends = (np.concatenate([path.points[:, at] for path in paths]) for at in (0, -1))
    at_starts, at_ends = (np.concatenate([path.gradient_norm[:, at] for path in paths]) for at in (0, -1))
    numbers, places = basins(starts, ends, (at_starts, at_ends), descent.minima)
    return [(part, places) for part in np.split(numbers, len(paths))]


def _colour_starts(
    axes: Axes, descent: Descent, path: OptimizerPath, found: NDArray[np.int64], places: Array
) -> bool:
    """Draw starts as cells, with level lines and minima; return whether a descent ended in no minimum."""
    assert descent.grid is not None
    assert descent.x is not None
    assert descent.y is not None
    hues = [to_rgb(COLOURS[place % HUES]) for place in range(max(len(places), 1))]
    cells = np.where(found == ELSEWHERE, len(hues), found).reshape(descent.grid)
    start: Array = path.points[:, 0].reshape(*descent.grid, 2)
    x, y = start[0, :, 0], start[:, 0, 1]
    colours: dict[str, Any] = {
        "cmap": ListedColormap([*hues, GREY]),
        "norm": Normalize(-0.5, len(hues) + 0.5),
    }
    axes.pcolormesh(x, y, cells, **colours, shading="nearest", alpha=0.75, rasterized=True)
    shared, values, _ = heights_of(descent, "auto")
    levels = shared.heights(choose_levels(shared, None)).data
    fine = finer(descent.x, descent.y, shared.heights(values))
    axes.contour(*fine, levels, colors=INK, linewidths=0.4, linestyles="solid", alpha=0.5)
    if len(places):
        axes.plot(*places.T, **STAR, markersize=7, linestyle="")
    axes.set_xlim(x[0], x[-1])
    axes.set_ylim(y[0], y[-1])
    axes.set_xlabel("x of the start")
    axes.set_ylabel("y of the start")
    return bool((found == ELSEWHERE).any())
