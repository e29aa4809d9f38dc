"""Descents over their steps, to read values from, with buttons for the scale."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.plots.descent_words import WORDS, title_of
from landscape_cli.plots.descents import over_steps
from landscape_cli.plots.interactive_layout import (
    axis_name,
    curve_axes,
    domains,
    escaped,
    legend_below,
    page_layout,
    plain,
    words_above,
)
from landscape_cli.plots.lines import lone
from landscape_cli.plots.series import COLOURS, Panel
from landscape_cli.store.descent import Descent

DASHES = ("solid", "dash", "dot", "dashdot")


def step_figure(descents: Sequence[Descent], *, scale: str, title: str | None) -> dict[str, Any]:
    """Return the figure of values over steps, as plotly.js takes it: what `over_steps` has, a panel a file.

    Raises:
        LandscapeError: as `over_steps`.
    """
    logarithmic = any(panel.log for panel in over_steps(descents, scale))
    views = {"linear": over_steps(descents, "linear")}
    if all(any((np.asarray(curve.values) > 0).any() for curve in panel.series) for panel in views["linear"]):
        views["log"] = over_steps(descents, "log")
    shown = views["log" if logarithmic else "linear"]
    curves = {name: [y for panel in panels for y in _curves(panel)] for name, panels in views.items()}
    axes = [axis_name("yaxis", panel) for panel in range(len(descents))]
    buttons = [
        {"label": name, "method": "update", "args": [{"y": values}, {f"{axis}.type": name for axis in axes}]}
        for name, values in curves.items()
    ]
    own = [title_of(descent) for descent in descents]
    own, common = ([""], title or own[0]) if len(own) == 1 else (own, title or "")
    words = words_above(own, [[]] * len(own))
    layout = page_layout(common, words, buttons, list(views).index("log" if logarithmic else "linear"))
    for number, (panel, domain) in enumerate(zip(shown, domains(words), strict=True)):
        layout |= curve_axes(number, domain, 0.1, (panel.x, panel.y), log=logarithmic)
    layout["hovermode"] = "x unified"
    names = list(dict.fromkeys(name for descent in descents for name in descent.paths))
    layout["legend"], below = legend_below([WORDS.get(name, name) for name in names])
    layout["height"] += below
    layout["margin"] |= {"b": below}
    data: list[dict[str, Any]] = []
    for number, (descent, panel) in enumerate(zip(descents, views["linear"], strict=True)):
        for name, curve in zip(descent.paths, panel.series, strict=True):
            place = names.index(name)
            values = np.asarray(curve.values)
            data.append(
                {
                    "type": "scatter",
                    "mode": "lines+markers",
                    "x": plain(np.asarray(curve.x)),
                    "y": curves["log" if logarithmic else "linear"][len(data)],
                    "customdata": plain(values),
                    "name": escaped(WORDS.get(name, name)),
                    "legendgroup": name,
                    "showlegend": all(name not in earlier.paths for earlier in descents[:number]),
                    "xaxis": axis_name("x", number),
                    "yaxis": axis_name("y", number),
                    "line": {
                        "color": COLOURS[place % len(COLOURS)],
                        "dash": DASHES[place % len(DASHES)],  # in grey some colours are alike
                        "width": 2,
                    },
                    "marker": {"size": np.where(lone(values), 5, 0).tolist(), "line": {"width": 0}},
                    "hovertemplate": "%{customdata:.6g}",
                }
            )
    return {"data": data, "layout": layout}


def _curves(panel: Panel) -> list[list[Any]]:
    return [plain(np.asarray(curve.values)) for curve in panel.series]
