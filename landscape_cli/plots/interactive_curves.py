"""Learning curves to read values from, with buttons for the scale of all panels but the accuracy."""

from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.interactive_layout import (
    ENTRY_PIXELS,
    axis_name,
    curve_axes,
    domains,
    escaped,
    page_layout,
    plain,
)
from landscape_cli.plots.learning_curves import Curve, LearningCurves, Panel
from landscape_cli.plots.lines import lone
from landscape_cli.plots.series import COLOURS

ROW_PIXELS = 360
SYMBOLS = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "x", "star")


def curve_figure(shown: LearningCurves) -> dict[str, Any]:
    """Return the figure, as plotly.js takes it: a panel a value, an entry of the legend a group and split."""
    untitled = [{"text": ""} for _ in shown.panels]  # the axes say what each shows
    places = domains(untitled)
    rows = len({bottom for _, (bottom, _) in places})
    scaled = [number for number, panel in enumerate(shown.panels) if panel.name != "accuracy"]
    buttons = []
    for label, types in (
        ("as in print", ["log" if panel.log else "linear" for panel in shown.panels]),
        ("linear", ["linear"] * len(shown.panels)),
        ("log", ["log"] * len(shown.panels)),
    ):
        change: dict[str, Any] = {f"{axis_name('yaxis', number)}.type": types[number] for number in scaled}
        change |= {f"{axis_name('yaxis', number)}.autorange": True for number in scaled}
        buttons.append({"label": label, "method": "relayout", "args": [change]})
    layout = page_layout(shown.title, untitled, buttons, 0) | {"annotations": []}
    for number, (panel, place) in enumerate(zip(shown.panels, places, strict=True)):
        names = (shown.axis, escaped(panel.label).replace("\n", "<br>"))
        layout |= curve_axes(number, place, 0.16, names, log=panel.log)
    layout["hovermode"] = "x unified"
    told: set[str] = set()
    data = [
        trace
        for number, panel in enumerate(shown.panels)
        for curve in panel.curves
        for trace in _traces(number, panel, curve, shown, told)
    ]
    below = ENTRY_PIXELS * (len(told) + bool(shown.note)) + 10
    layout["height"] = ROW_PIXELS * rows + layout["margin"]["t"] + below
    layout["margin"] |= {"b": below}
    layout["legend"] = {
        **{"x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "top"},
        "title": {"text": escaped(shown.note), "side": "top"},
    }
    return {"data": data, "layout": layout}


def _traces(
    number: int, panel: Panel, curve: Curve, shown: LearningCurves, told: set[str]
) -> list[dict[str, Any]]:
    """Return a curve and its band; `told` has the legend's entries so far."""
    group, several = shown.groups[curve.group], len(shown.groups) > 1
    words = {"train": "training", "test": "test", "": panel.label}[curve.split]
    named = shown.entries[curve.group : curve.group + 1]
    entry = ", ".join([*named, "test" if curve.split == "test" else "training"])
    listed = bool(curve.split) or not any(each.split for other in shown.panels for each in other.curves)
    colour = COLOURS[curve.group % len(COLOURS)]
    place = {"xaxis": axis_name("x", number), "yaxis": axis_name("y", number)}
    mean = curve.mean
    band = curve.band(log=True)
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": plain(curve.x),
        "y": plain(mean),
        "name": escaped(", ".join([*named, words])),
        "legendgroup": entry,
        "showlegend": listed and entry not in told,
        "line": {
            "color": colour,
            "width": 1 if not group.averaged and len(group.histories) > 1 else 2,
            "dash": "dash" if curve.split == "test" else "solid",
        },
        "marker": {
            "symbol": SYMBOLS[(curve.group + curve.group // len(COLOURS)) % len(SYMBOLS)],
            "size": np.where(lone(mean) | several, 5, 0).tolist(),
            "line": {"width": 0},
        },
        "hovertemplate": "%{y:.5g}" + (" ± %{text}" if band else ""),
        "text": None if band is None else [f"{sd:.2g}" for sd in band[1] - mean],
        **place,
    }
    told |= {entry} if listed else set()
    return [trace] if band is None else [*_band(curve.x, band, colour, entry, place), trace]


def _band(
    x: Array, band: tuple[Array, Array], colour: str, entry: str, place: dict[str, str]
) -> list[dict[str, Any]]:
    finite = np.isfinite(band[0] + band[1])
    common = {
        "type": "scatter",
        "mode": "lines",
        "x": plain(x[finite]),
        "line": {"width": 0, "color": colour},
        "legendgroup": entry,
        "showlegend": False,
        "hoverinfo": "skip",
        **place,
    }
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    fill = {"fill": "tonexty", "fillcolor": f"rgba({red},{green},{blue},0.18)"}
    return [common | {"y": plain(band[0][finite])}, common | fill | {"y": plain(band[1][finite])}]
