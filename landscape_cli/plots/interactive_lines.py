"""Lines and interpolations to read values from, with buttons for the scale of the loss."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.interactive_layout import (
    axis_name,
    domains,
    escaped,
    page_layout,
    panel_words,
    plain,
)
from landscape_cli.plots.interpolated import hover_words, interpolated
from landscape_cli.plots.labels import axis_label, panel_titles, value_label
from landscape_cli.plots.lines import curves, left_value, lone
from landscape_cli.plots.options import Look
from landscape_cli.plots.style import ACCURACY, LOSS, PAPER
from landscape_cli.plots.values import LEVELS, common_scale
from landscape_cli.store import Surface


def line_figure(
    surfaces: Sequence[Surface], *, value: str = "loss", scale: str, title: str | None, look: Look = PAPER
) -> dict[str, Any]:
    """Return the figure of lines, as plotly.js takes it; arguments as for `interactive_fragment`.

    Raises:
        LandscapeError: no loss is evaluated, or `scale` is unknown.
    """
    main = left_value(value)
    drawn = [curves(surface, value) for surface in surfaces]
    losses = [[values for (_, name), values in each.items() if name == main] for each in drawn]
    ranges = _loss_ranges(np.concatenate([values for each in losses for values in each]), look)
    wanted = common_scale(
        [values for each in losses for values in each], scale, may_be_log=main not in LEVELS
    )
    loss_axes = [_left(panel, "yaxis") for panel in range(len(surfaces))]
    buttons = []
    for name, limits in ranges.items():
        change = {
            f"{axis}.{key}": new for axis in loss_axes for key, new in (("type", name), ("range", limits))
        }
        buttons.append({"label": f"{main.replace('_', ' ')}: {name}", "method": "relayout", "args": [change]})

    name = "log" if wanted.log else "linear"
    common, own = panel_titles(surfaces, title)
    words = panel_words(own, surfaces, [each[0] for each in losses])
    layout = page_layout(common, words, buttons, list(ranges).index(name))
    label = value_label("", main, [surface.run_config for surface in surfaces])
    for panel, surface in enumerate(surfaces):
        layout |= _axes(panel, domains(words)[panel], escaped(axis_label(surface, "x")), label)
        layout[loss_axes[panel]] |= {"type": name, "range": ranges[name]}
        if not any(value == "accuracy" for _, value in drawn[panel]):
            del layout[_right(panel, "yaxis")]
    layout["shapes"] = [shape for panel, surface in enumerate(surfaces) for shape in _marks(panel, surface)]
    layout["hovermode"] = "x unified"
    layout["legend"] = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "bottom"}
    data = [
        _curve(panel, split, value, surfaces[panel], values)
        for panel, each in enumerate(drawn)
        for (split, value), values in each.items()
    ]
    return {"data": data, "layout": layout}


def _loss_ranges(losses: Array, look: Look) -> dict[str, list[float]]:
    """Return the limits of the loss axis by its type; without a positive loss there is no logarithmic one."""
    finite = losses[np.isfinite(losses)]
    top = float(finite.max())
    ranges = {"linear": [min(0.0, 1.05 * float(finite.min())), 1.05 * top or 1.0]}
    if top > 0:
        low, high = np.log10(finite[finite > 0].min()), np.log10(top)
        margin = 0.05 * (high - low) or 0.5
        ranges["log"] = [float(low - margin), float(high + margin)]
    for end, limit in enumerate((look.vmin, look.vmax)):
        if limit is not None:
            ranges["linear"][end] = limit
        if limit is not None and limit > 0 and "log" in ranges:
            ranges["log"][end] = float(np.log10(limit))
    return ranges


def _axes(
    panel: int,
    place: tuple[tuple[float, float], tuple[float, float]],
    x_label: str,
    loss_label: str,
) -> dict[str, Any]:
    """Return the axes of a panel: the loss on the left, the accuracy in percent on the right."""
    (left, right), (bottom, top) = place
    width = right - left
    return {
        _x(panel, "xaxis"): {
            "domain": [left + 0.08 * width, right - 0.12 * width],
            "anchor": _left(panel),
            "title": {"text": x_label},
        },
        _left(panel, "yaxis"): {
            "domain": [bottom + 0.17 * (top - bottom), top],
            "anchor": _x(panel),
            "title": {"text": loss_label, "font": {"color": LOSS}, "standoff": 4},
            "exponentformat": "power",
            "nticks": 6,
        },
        _right(panel, "yaxis"): {
            "overlaying": _left(panel),
            "side": "right",
            "anchor": _x(panel),
            "range": [-2, 102],
            "tickvals": [0, 20, 40, 60, 80, 100],
            "showgrid": False,
            "title": {"text": "accuracy (%)", "font": {"color": ACCURACY}, "standoff": 4},
        },
    }


def _curve(panel: int, split: str, value: str, surface: Surface, values: Array) -> dict[str, Any]:
    words = value_label(split, value, []).removesuffix(" (%)")
    accuracy = value == "accuracy"
    partly = interpolated(surface).any()
    # A loss that is evaluated everywhere has markers only where no line leads to a point.
    marked = surface.evaluated if partly or accuracy else np.zeros(len(values), dtype=bool)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "x": plain(surface.x),
        "y": plain(values),
        "name": words,
        "legendgroup": words,
        "showlegend": panel == 0,
        "xaxis": _x(panel),
        "yaxis": _right(panel) if accuracy else _left(panel),
        "line": {
            "color": ACCURACY if accuracy else LOSS,
            "width": 1.5 if accuracy else 3,
            "dash": "solid" if split == "train" else "dash",
        },
        "marker": {
            "size": np.where(marked | lone(values), 5, 0).tolist(),
            "symbol": "circle-open" if accuracy else "circle",
            "opacity": 1,
            "line": {"width": 1 if accuracy else 0},
        },
        "text": hover_words(surface, value) if partly else None,
        "hovertemplate": "%{y:.5g}" + (" %" if accuracy else "") + (" %{text}" if partly else ""),
    }


def _marks(panel: int, surface: Surface) -> list[dict[str, Any]]:
    """Return a vertical line at each known solution within the line's ends, with its name above."""
    return [
        {
            "type": "line",
            "xref": _x(panel),
            "yref": f"{_left(panel)} domain",
            "x0": x,
            "x1": x,
            "y0": 0,
            "y1": 1,
            "line": {"color": "#737373", "width": 1, "dash": "dot"},
            "label": {"text": escaped(label), "textposition": "end", "textangle": 0, "yanchor": "bottom"},
        }
        for label, x, _ in surface.marks
        if surface.x[0] <= x <= surface.x[-1]
    ]


def _x(panel: int, letter: str = "x") -> str:
    return axis_name(letter, panel)


def _left(panel: int, letter: str = "y") -> str:
    """Return the name of a panel's loss axis."""
    return axis_name(letter, 2 * panel)


def _right(panel: int, letter: str = "y") -> str:
    """Return the name of a panel's accuracy axis."""
    return axis_name(letter, 2 * panel + 1)
