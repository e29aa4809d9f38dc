"""What the interactive pictures share: places of panels, their titles, numbers as plotly.js takes them.

Figures are plain dictionaries in the form of plotly.js, so that nothing here imports plotly.
"""

import html
from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.missing import missing
from landscape_cli.plots.style import INK
from landscape_cli.store import Surface

ROW_PIXELS, MARGIN_PIXELS = 540, 90
_FONT = {"family": "system-ui, 'DejaVu Sans', sans-serif", "size": 13, "color": INK}


def escaped(text: str) -> str:
    """Return a text for plotly.js to show as it is: it takes tags for bold, links, …"""
    return html.escape(text, quote=False)


def page_layout(title: str, count: int, buttons: list[dict[str, Any]], active: int) -> dict[str, Any]:
    """Return the layout of a picture with `count` panels: its title and a row of buttons, one pressed."""
    rows = len({bottom for _, (bottom, _) in domains(count)})
    return {
        "title": {"text": escaped(title), "x": 0.5, "y": 0.99, "yanchor": "top", "font": {"size": 16}},
        "height": ROW_PIXELS * rows + MARGIN_PIXELS,
        "margin": {"l": 60, "r": 60, "t": MARGIN_PIXELS, "b": 0},
        "font": _FONT,
        "template": "plotly_white",
        "updatemenus": [
            {
                "type": "buttons",
                "direction": "right",
                "buttons": buttons,
                "active": active,
                "x": 0,
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "bottom",
                "pad": {"b": 14},
            }
        ],
    }


def domains(count: int) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the share of the picture, left to right and bottom to top, of each panel: up to three a row.

    Room for the title stays free above each.
    """
    columns = count if count <= 3 else 2 if count == 4 else 3
    rows = -(-count // columns)
    places = []
    for index in range(count):
        row, column = divmod(index, columns)
        top = 1 - row / rows
        places.append(((column / columns, (column + 1) / columns), (top - 0.98 / rows, top - 0.1 / rows)))
    return places


def panel_words(
    titles: Sequence[str], surfaces: Sequence[Surface], arrays: Sequence[Array]
) -> list[dict[str, Any]]:
    """Return the title above each panel, with what is interpolated and the number of missing points."""
    words = []
    for (x_domain, y_domain), title, surface, values in zip(
        domains(len(titles)), titles, surfaces, arrays, strict=True
    ):
        counts = [f"{int(mask.sum())} points {kind}" for kind, mask in missing(values).items() if mask.any()]
        notes = [note([surface]), f"holes: {', '.join(counts)}" if counts else ""]
        small = [f"<span style='font-size:11px'>{text}</span>" for text in notes if text]
        words.append(
            {
                "text": "<br>".join([escaped(title), *small] if title else small),
                "xref": "paper",
                "yref": "paper",
                "x": sum(x_domain) / 2,
                "y": y_domain[1],
                "xanchor": "center",
                "yanchor": "bottom",
                "yshift": 16,
                "showarrow": False,
            }
        )
    return words


def plain(array: Array) -> list[Any]:
    """Return numbers as nested lists of six digits, None where masked or not finite: JSON has no infinity."""
    if array.ndim > 1:
        return [plain(row) for row in array]
    filled = np.ma.filled(array, np.nan).tolist()
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in filled]
