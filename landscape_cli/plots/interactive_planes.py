"""Planes as 3D surfaces to turn, with a button for each kind of value and scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.errors import unknown
from landscape_cli.plots.interactive_layout import (
    SMALL_SIZE,
    axis_name,
    columns_of,
    domains,
    escaped,
    page_layout,
    panel_words,
    plain,
)
from landscape_cli.plots.interactive_spaces import EYE, colour_scale, height_axis, height_limits, seen_from
from landscape_cli.plots.interpolated import hover_words, interpolated
from landscape_cli.plots.labels import direction_name, panel_titles, value_label, without_shared_mark
from landscape_cli.plots.levels import choose_levels, numbers
from landscape_cli.plots.options import Look
from landscape_cli.plots.style import ACCURACY, INK, PAPER
from landscape_cli.plots.trajectory import draped
from landscape_cli.plots.values import EIGENVALUES, Scale, check_value, common_scale, values_of
from landscape_cli.store import Surface

VALUES = ("loss", "accuracy", *EIGENVALUES)
LOGARITHMIC = ("loss", "largest_eigenvalue")  # have a button for the logarithm too


@dataclass(frozen=True)
class View:
    """What one button shows: values of a split, (ny, nx) for each surface, on a scale shared by all.

    `name` is on the button and the height axis, `label` with its unit on the colour bar; `limits` are the
    least and the greatest height.
    """

    split: str
    value: str
    scale: Scale
    arrays: list[Array]
    label: str
    limits: tuple[float, float]

    @property
    def name(self) -> str:
        """The value in words, without its unit."""
        return value_label(self.split, self.value, []).partition(" (")[0]


def plane_figure(
    surfaces: Sequence[Surface], *, value: str, split: str, scale: str, title: str | None, look: Look = PAPER
) -> dict[str, Any]:
    """Return the figure of planes, as plotly.js takes it; arguments as for `interactive_fragment`.

    Raises:
        LandscapeError: `value` has no button or is not evaluated, or `scale` is unknown.
    """
    if value not in VALUES:
        stored = {name.partition("/")[2] for surface in surfaces for name in surface.values}
        raise unknown("value", value, stored & set(VALUES))
    check_value(surfaces, value)
    wanted = common_scale(
        [values_of(surface, split, value) for surface in surfaces], scale, may_be_log=value in LOGARITHMIC
    )
    views = _views(surfaces, value, look)
    matching = [index for index, view in enumerate(views) if (view.split, view.value) == (split, value)]
    first = next((index for index in matching if views[index].scale.log == wanted.log), matching[0])
    common, own = panel_titles(surfaces, title)
    surfaces = without_shared_mark(surfaces)

    data: list[dict[str, Any]] = []
    owners: list[int] = []  # the button that shows each of `data`
    for button, view in enumerate(views):
        for panel, surface in enumerate(surfaces):
            added = [
                _surface(surface, view, panel, look),
                *_path(surface, view, panel),
                *_marks(surface, view, panel),
            ]
            data += [
                {**trace, "scene": axis_name("scene", panel), "visible": button == first} for trace in added
            ]
            owners += [button] * len(added)
    words = panel_words(own, surfaces, views[first].arrays)
    buttons = []
    for button, view in enumerate(views):
        change = {"visible": [owner == button for owner in owners]}
        name = f"{view.name}, log" if view.scale.log else view.name
        buttons.append(
            {"label": name, "method": "update", "args": [change, _heights(view, surfaces, own, words)]}
        )

    layout = page_layout(common, words, buttons, first)
    narrow = columns_of(len(surfaces)) == 3  # the labels need more of the width
    away = 1.2 if narrow else 1.0
    small = {"tickfont": {"size": SMALL_SIZE}, "nticks": 5} if narrow else {}
    for panel, (surface, (x_domain, y_domain)) in enumerate(zip(surfaces, domains(words), strict=True)):
        layout[axis_name("scene", panel)] = {
            "domain": {"x": x_domain, "y": y_domain},
            "xaxis": {"title": {"text": escaped(direction_name(surface, "x"))}, **small},
            "yaxis": {"title": {"text": escaped(direction_name(surface, "y"))}, **small},
            "zaxis": {**_height_axis(views[first], named=not narrow), **small},
            **seen_from(EYE, away),
        }
    return {"data": data, "layout": layout}


def _views(surfaces: Sequence[Surface], first: str, look: Look) -> list[View]:
    """Return the views that every surface has values of: a loss on both scales, an accuracy on one.

    The limits of the look are those of the value that shows `first`.
    """
    views = []
    for value in VALUES:
        for split in ("train", "test"):
            stored = [surface.values.get(f"{split}/{value}", np.array(np.nan)) for surface in surfaces]
            if not all(np.isfinite(array).any() for array in stored):
                continue
            arrays = [values_of(surface, split, value) for surface in surfaces]
            label = value_label(split, value, [surface.run_config for surface in surfaces])
            positive = any((array[np.isfinite(array)] > 0).any() for array in arrays)
            for name in ("linear", "log") if value in LOGARITHMIC and positive else ("linear",):
                scale = common_scale(arrays, name)
                told = label + scale.note().replace("\n", " ")
                limits = height_limits(scale, look if value == first else PAPER)
                views.append(View(split, value, scale, arrays, told, limits))
    return views


def _surface(surface: Surface, view: View, panel: int, look: Look) -> dict[str, Any]:
    scale, (low, high) = view.scale, view.limits
    heights = scale.heights(view.arrays[panel])
    least, greatest = (10**low, 10**high) if scale.log else (low, high)
    shown = [level for level in choose_levels(scale, 8).tolist() if least <= level <= greatest]
    return {
        "type": "surface",
        "x": plain(surface.x),
        "y": plain(np.asarray(surface.y)),
        "z": plain(10**heights if scale.log else heights),
        "surfacecolor": plain(heights),
        "cmin": low,
        "cmax": high,
        "colorscale": colour_scale(look),
        "showscale": panel == len(view.arrays) - 1,
        "colorbar": {
            "title": {"text": view.label, "side": "right"},
            "tickvals": [scale.height(level) for level in shown],
            "ticktext": numbers(shown),
            "len": 300,
            "lenmode": "pixels",
            "thickness": 16,
        },
        **_hover(surface, view),
    }


def _hover(surface: Surface, view: View) -> dict[str, Any]:
    """Return what plotly.js shows of the point under the pointer."""
    if not interpolated(surface).any():
        words = f"x = %{{x:.4g}}<br>y = %{{y:.4g}}<br>{view.name} = %{{z:.5g}}"
        return {"hovertemplate": f"{words}<extra></extra>"}
    # a template would take the text of the point with x and y exchanged
    formats = {"xhoverformat": ".4g", "yhoverformat": ".4g", "zhoverformat": ".5g"}
    return {"hoverinfo": "x+y+z+text", "text": hover_words(surface, view.value), **formats}


def _marks(surface: Surface, view: View, panel: int) -> list[dict[str, Any]]:
    """Return the solutions on the plane, at the height of the nearest point, as one trace; or no trace."""
    x, y = surface.x, np.asarray(surface.y)
    places = []
    for label, x_mark, y_mark in surface.marks:
        value = view.arrays[panel][np.abs(y - y_mark).argmin(), np.abs(x - x_mark).argmin()]
        inside = x[0] <= x_mark <= x[-1] and y[0] <= y_mark <= y[-1]
        if inside and np.isfinite(value):
            places.append((escaped(label), x_mark, y_mark, float(max(value, view.scale.low))))
    if not places:
        return []
    labels, xs, ys, zs = (list(column) for column in zip(*places, strict=True))
    return [
        {
            "type": "scatter3d",
            "mode": "markers+text",
            "x": xs,
            "y": ys,
            "z": zs,
            "text": labels,
            "textposition": "top center",
            "marker": {"size": 4, "color": "white", "line": {"color": INK, "width": 2}},
            "showlegend": False,
            "hoverinfo": "text",
        }
    ]


def _path(surface: Surface, view: View, panel: int) -> list[dict[str, Any]]:
    """Return the path of a training, on the surface, as one trace; or no trace."""
    path = draped(surface, view.scale.heights(view.arrays[panel]))
    if path is None:
        return []
    x, y, heights = path
    return [
        {
            "type": "scatter3d",
            "mode": "lines",
            "x": plain(x),
            "y": plain(y),
            "z": plain(10**heights if view.scale.log else heights),
            "line": {"color": ACCURACY, "width": 6},
            "showlegend": False,
            "hoverinfo": "skip",
        }
    ]


def _heights(
    view: View, surfaces: Sequence[Surface], titles: Sequence[str], words: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Return what a button changes of the layout. Dotted names leave the camera as the reader turned it.

    `words` stand above the panels now; their places stay.
    """
    axis = _height_axis(view, named=columns_of(len(titles)) < 3)
    change: dict[str, Any] = {
        f"{axis_name('scene', panel)}.zaxis.{key}": content
        for panel in range(len(titles))
        for key, content in axis.items()
    }
    new = panel_words(titles, surfaces, view.arrays)
    return {**change, "annotations": [{**each, "y": old["y"]} for each, old in zip(new, words, strict=True)]}


def _height_axis(view: View, *, named: bool) -> dict[str, Any]:
    """Return the height axis that all panels share. Where panels are narrow the colour bar alone names it."""
    return height_axis(view.scale, view.limits, view.name if named else "")
