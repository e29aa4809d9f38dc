"""Descents to turn, zoom and read values from: paths of optimizers on a function as a landscape."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.descent_words import WORDS, heights_of, title_of
from landscape_cli.plots.descents_on_planes import FEW, shown_starts
from landscape_cli.plots.interactive_layout import (
    SMALL_SIZE,
    axis_name,
    columns_of,
    domains,
    escaped,
    legend_below,
    page_layout,
    plain,
    words_above,
)
from landscape_cli.plots.interactive_spaces import ABOVE, height_axis, height_limits, seen_from, shades
from landscape_cli.plots.interactive_steps import DASHES, step_figure
from landscape_cli.plots.levels import number
from landscape_cli.plots.options import Look
from landscape_cli.plots.series import COLOURS
from landscape_cli.plots.style import INK, PAPER, light_colormap
from landscape_cli.plots.values import Scale
from landscape_cli.store.descent import Descent, OptimizerPath

POINTS = 30_000  # of all paths of a file, beyond which steps are left out
BETWEEN = 60_000  # places between them, at most, where paths follow the surface
NAME, STEP = "%{fullData.name}", "step %{customdata[0]:.0f}"
PLACE, END = "x = %{x:.5g}<br>y = %{y:.5g}", "<extra></extra>"
OPACITY = 0.85  # of the function: what lies behind a ridge shines through
LIFT = 0.01  # of the heights' range by which paths lie above the surface, not to be hidden by it

Heights = Callable[[Array], Array]
"""From points (k, 2) to the heights (k,) of the surface there; NaN beside it."""


def descent_figure(
    descents: Sequence[Descent], *, scale: str = "auto", title: str | None = None, look: Look = PAPER
) -> dict[str, Any]:
    """Return the figure of one or several files of descents, as plotly.js takes it, a panel a file.

    Functions of two coordinates are landscapes with the paths on them, of as many starts as a picture shows;
    hovering tells the optimizer, the step, the coordinates and the exact value. Buttons change the heights
    between linear and, where no value is negative or it was asked for, logarithmic. If there is a function of
    another number of coordinates, all are drawn as values over steps.

    Args:
        descents: what to draw.
        scale: how the heights show first: ``linear``, ``log`` or ``auto``.
        title: in place of the functions' names, above all.
        look: colours and limits of the heights; `fragment` has the rest.

    Raises:
        LandscapeError: the scale does not fit the values, or no value of a function is finite.
    """
    if any(descent.values is None for descent in descents):
        return step_figure(descents, scale=scale, title=title)
    logarithmic = any(heights_of(descent, scale)[0].log for descent in descents)
    views = {"linear": [heights_of(descent, "linear")[:2] for descent in descents]}
    if scale == "log" or all(shared.low >= 0 < shared.high for shared, _ in views["linear"]):
        views["log"] = [heights_of(descent, "log")[:2] for descent in descents]
    first = "log" if logarithmic and "log" in views else "linear"
    data = {
        name: [
            trace
            for panel, (descent, (shared, values)) in enumerate(zip(descents, view, strict=True))
            for trace in _traces(descents, panel, descent, shared, values, look)
        ]
        for name, view in views.items()
    }
    narrow = columns_of(len(descents)) == 3  # the labels need more of the width
    small = {"tickfont": {"size": SMALL_SIZE}, "nticks": 5} if narrow else {}
    axes = {
        name: [height_axis(shared, height_limits(shared, look), "f") | small for shared, _ in view]
        for name, view in views.items()
    }
    buttons = []
    for name, traces in data.items():
        changed = {key: [trace.get(key) for trace in traces] for key in ("z", "surfacecolor", "cmin", "cmax")}
        heights = {
            f"{axis_name('scene', panel)}.zaxis.{key}": content
            for panel, axis in enumerate(axes[name])
            for key, content in axis.items()
        }
        buttons.append({"label": f"f, {name}", "method": "update", "args": [changed, heights]})

    own = [title_of(descent) for descent in descents]
    own, common = ([""], title or own[0]) if len(own) == 1 else (own, title or "")
    words = words_above(own, [_notes(descent, "log" in views) for descent in descents])
    layout = page_layout(common, words, buttons, list(views).index(first))
    for panel, (x_domain, y_domain) in enumerate(domains(words)):
        layout[axis_name("scene", panel)] = {
            "domain": {"x": x_domain, "y": y_domain},
            "xaxis": {"title": {"text": "x"}, **small},
            "yaxis": {"title": {"text": "y"}, **small},
            "zaxis": axes[first][panel],
            **seen_from(ABOVE, 1.2 if narrow else 1.0),
        }
    layout["legend"], below = legend_below([trace["name"] for trace in data[first] if trace["showlegend"]])
    layout["legend"] |= {"itemsizing": "constant"}
    layout["height"] += below
    layout["margin"] |= {"b": below}
    return {"data": data[first], "layout": layout}


def _traces(
    descents: Sequence[Descent], panel: int, descent: Descent, scale: Scale, values: Array, look: Look
) -> list[dict[str, Any]]:
    """Return the function, the paths on it, their starts and the minima; each has one entry in the legend."""
    from scipy.interpolate import RegularGridInterpolator  # a third of a second, for paths in 3D alone

    assert descent.x is not None
    assert descent.y is not None
    heights = scale.heights(values).filled(np.nan)
    on = RegularGridInterpolator((descent.y, descent.x), heights, bounds_error=False, fill_value=np.nan)
    lift = LIFT * float(np.nanmax(heights) - np.nanmin(heights))
    low, high = height_limits(scale, look)

    def lifted(points: Array) -> Array:
        above = on(points[:, ::-1]) + lift
        return np.asarray(10**above if scale.log else above)

    surface = {
        "type": "surface",
        "x": plain(descent.x),
        "y": plain(descent.y),
        "z": plain(10**heights if scale.log else heights),
        "surfacecolor": plain(heights),
        "cmin": low,
        "cmax": high,
        "colorscale": shades(light_colormap(look)),
        "showscale": False,
        "opacity": OPACITY,
        "name": "function",
        "showlegend": False,
        "hovertemplate": f"{PLACE}<br>f = %{{z:.5g}}{END}",
    }
    names = list(dict.fromkeys(name for each in descents for name in each.paths))
    told = {name for each in descents[:panel] for name in each.paths}
    traces = [surface]
    for name, path in descent.paths.items():
        both = _path(descent, path, lifted, _line(names.index(name)))
        shown = {"name": escaped(WORDS.get(name, name)), "legendgroup": name}
        traces += [both[0] | shown | {"showlegend": name not in told}, both[1] | shown]
    starts = np.concatenate([path.points[shown_starts(path), 0] for path in descent.paths.values()])
    square = {"symbol": "square", "size": 4, "color": INK}
    traces.append(_marks("start", np.unique(starts, axis=0), lifted, square) | {"showlegend": panel == 0})
    diamond = {"symbol": "diamond", "size": 5, "color": "white", "line": {"color": INK, "width": 2}}
    before = any(len(each.minima) for each in descents[:panel])
    if len(descent.minima):
        traces.append(_marks("minimum", descent.minima, lifted, diamond) | {"showlegend": not before})
    return [trace | {"scene": axis_name("scene", panel)} for trace in traces]


def _path(
    descent: Descent, path: OptimizerPath, heights: Heights, line: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return an optimizer's paths as lines that follow the surface, and a dot to read at each shown step."""
    assert descent.x is not None
    assert descent.y is not None
    kept, starts = _kept(descent, path), shown_starts(path)
    cell = np.array([np.ptp(axis) / max(len(axis) - 1, 1) for axis in (descent.x, descent.y)])
    count = _number_of_paths(descent) * len(kept)
    lines, dots, read = [], [], []
    for points, loss in zip(path.points[starts, kept], path.loss[starts, kept], strict=True):
        there = np.isfinite(points).all(axis=1)
        lines += [_between(points[there], cell, max(1, BETWEEN // count)), np.full((1, 2), np.nan)]
        dots.append(points[there])
        read.append(np.stack([path.steps[kept][there], loss[there]], axis=1))
    along, at, told = (np.concatenate(each) for each in (lines, dots, read))
    place = heights(at)
    inside = np.isfinite(place)
    few = len(dots) <= FEW
    return [
        {
            "type": "scatter3d",
            "mode": "lines",
            **_places(along, heights(along)),
            "line": {**line, "width": 5 if few else 2.5},
            "hoverinfo": "skip",
        },
        {
            "type": "scatter3d",
            "mode": "markers",
            **_places(at[inside], place[inside]),
            "customdata": [plain(each) for each in told[inside]],
            "marker": {"color": line["color"], "size": 2.5 if few else 1.5},
            "showlegend": False,
            "hovertemplate": f"{NAME}<br>{STEP}<br>{PLACE}<br>f = %{{customdata[1]:.6g}}{END}",
        },
    ]


def _line(place: int) -> dict[str, Any]:
    """Return colour and dash of the optimizer with that number; beyond the colours dashes differ."""
    return {
        "color": COLOURS[place % len(COLOURS)],
        "dash": DASHES[place // len(COLOURS) % len(DASHES)],
    }


def _between(points: Array, cell: Array, most: int) -> Array:
    """Return points along the way through `points`, (k, 2), about two cells of the grid apart at the most."""
    if len(points) < 2:
        return points
    with np.errstate(over="ignore"):  # one may be on its way to infinity
        cells = (np.abs(np.diff(points, axis=0)) / cell).max(axis=1)
    pieces = np.clip(np.ceil(cells / 2), 1, most)
    at = np.concatenate([[0.0], np.cumsum(pieces)])
    fine = np.arange(at[-1] + 1)
    return np.stack([np.interp(fine, at, column) for column in points.T], axis=1)


def _marks(name: str, points: Array, heights: Heights, marker: dict[str, Any]) -> dict[str, Any]:
    """Return marks on the surface, of those points that lie there."""
    place = heights(points)
    inside = np.isfinite(place)
    return {
        "type": "scatter3d",
        "mode": "markers",
        **_places(points[inside], place[inside]),
        "marker": marker,
        "name": name,
        "legendgroup": name,
        "legendrank": 2000,  # after the optimizers of all panels
        "hovertemplate": f"{NAME}<br>{PLACE}{END}",
    }


def _places(points: Array, heights: Array) -> dict[str, Any]:
    return {"x": plain(points[:, 0]), "y": plain(points[:, 1]), "z": plain(heights)}


def _number_of_paths(descent: Descent) -> int:
    return sum(len(path.points[shown_starts(path)]) for path in descent.paths.values())


def _kept(descent: Descent, path: OptimizerPath) -> Any:
    """Return the indices of the steps that are shown: denser at the beginning, the last is the last."""
    count, most = len(path.steps), max(2, POINTS // _number_of_paths(descent))
    if count <= most:
        return np.arange(count)
    return np.unique(np.round((count - 1) * np.linspace(0, 1, most) ** 2).astype(int))


def _notes(descent: Descent, logarithmic: bool) -> list[str]:
    """Return what is to be said below the title: what is left out, and what is drawn higher than it is."""
    assert descent.values is not None
    path = next(iter(descent.paths.values()))
    starts, drawn = len(path.points), len(path.points[shown_starts(path)])
    notes = []
    if drawn < starts:
        notes.append(f"paths of {drawn:,} of {starts:,} starts")
    kept = len(_kept(descent, path))
    if kept < len(path.steps):
        notes.append(f"{kept:,} of {len(path.steps):,} points of each")
    holes = int((~np.isfinite(descent.values)).sum())
    if holes:
        notes.append(f"holes: {holes:,} points not finite")
    if logarithmic:
        shared, _, label = heights_of(descent, "log")
        if label != "f":
            notes.append(f"log: what is less than {number(float(f'{shared.low:.1g}'))} is drawn at that")
    return ["; ".join(notes)]
