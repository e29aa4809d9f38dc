"""What the interactive pictures share: places of panels, titles, legends, numbers as plotly.js takes them.

Figures are plain dictionaries in the form of plotly.js, so that nothing here imports plotly.
"""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.plots.interpolated import note
from landscape_cli.plots.missing import missing
from landscape_cli.plots.style import INK
from landscape_cli.plots.text import lines
from landscape_cli.store import Surface

NARROW = 940
"""Width in pixels that a page is laid out for: that of a report; titles fit where it is wider."""
ROW_PIXELS = {1: 540, 2: 440, 3: 310}
"""Height of a panel by the number of columns, such that no landscape is cut off at its sides."""
LINE, TITLE_LINE = 18, 21  # pixels
BUTTONS, MODEBAR, GAP = 34, 200, 12
ENTRY_PIXELS = 22  # of a legend
TITLE_SIZE, FONT_SIZE, SMALL_SIZE = 16, 13, 11  # pixels
_FONT = {"family": "system-ui, 'DejaVu Sans', sans-serif", "size": FONT_SIZE, "color": INK}


def escaped(text: str) -> str:
    """Return a text for plotly.js to show as it is: it takes tags for bold, links, …"""
    return html.escape(text, quote=False)


def columns_of(count: int) -> int:
    """Return how many panels stand side by side: up to three."""
    return count if count <= 3 else 2 if count == 4 else 3


def page_layout(
    title: str, words: Sequence[Mapping[str, Any]], buttons: list[dict[str, Any]], active: int
) -> dict[str, Any]:
    """Return the layout of a picture: its title, a row of buttons, one pressed, and room for all panels.

    Args:
        title: above all.
        words: of each panel, `panel_words`.
        buttons: what they change.
        active: the one that is pressed.
    """
    columns, rows, above = _grid(words)
    broken = lines(title, (NARROW - MODEBAR) / 96, TITLE_SIZE * 0.75)
    margin = GAP + (TITLE_LINE * len(broken) if title else GAP) + GAP + BUTTONS + GAP
    many = sum(9 * len(button["label"]) + 26 for button in buttons) > NARROW
    return {
        "title": {
            "text": "<br>".join(map(escaped, broken)),
            "x": 0.02,
            "y": 1,
            "yref": "container",
            "yanchor": "top",
            "pad": {"t": GAP},
            "font": {"size": TITLE_SIZE},
        },
        "height": rows * (above + ROW_PIXELS[columns]) + margin,
        "margin": {"l": 20, "r": 20, "t": margin, "b": 0},
        "font": _FONT,
        "template": "plotly_white",
        "annotations": list(words),
        "updatemenus": [
            {
                "type": "dropdown" if many else "buttons",
                "direction": "down" if many else "right",
                "buttons": buttons,
                "active": active,
                "x": 0,
                "xanchor": "left",
                "y": 1.0,
                "yanchor": "bottom",
                "pad": {"b": GAP},
            }
        ],
    }


def domains(words: Sequence[Mapping[str, Any]]) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return the share of the picture, left to right and bottom to top, of each panel, below its words."""
    columns, rows, above = _grid(words)
    row_height = above + ROW_PIXELS[columns]
    places = []
    for index in range(len(words)):
        row, column = divmod(index, columns)
        top = 1 - row / rows
        free = (above - GAP / 2) / row_height / rows
        places.append(((column / columns, (column + 1) / columns), (top - 1 / rows, top - free)))
    return places


def _grid(words: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Return the columns, the rows, and the pixels that the highest words above a panel take."""
    columns = columns_of(len(words))
    heights = [LINE * text.count("<br>") + LINE if (text := str(each["text"])) else 0 for each in words]
    return columns, -(-len(words) // columns), max(heights) + GAP


def panel_words(
    titles: Sequence[str], surfaces: Sequence[Surface], arrays: Sequence[Array]
) -> list[dict[str, Any]]:
    """Return the title above each panel, with what is interpolated and the number of missing points."""
    notes = []
    for surface, values in zip(surfaces, arrays, strict=True):
        counts = [f"{int(mask.sum())} points {kind}" for kind, mask in missing(values).items() if mask.any()]
        notes.append([note([surface]), f"holes: {', '.join(counts)}" if counts else ""])
    return words_above(titles, notes)


def words_above(titles: Sequence[str], notes: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Return the title above each panel, and its notes below that in small; empty ones are left out."""
    inches = (NARROW / columns_of(len(titles)) - 2 * GAP) / 96
    texts = []
    for title, told in zip(titles, notes, strict=True):
        broken = [escaped(line) for line in lines(title, inches, FONT_SIZE * 0.75)] if title else []
        small = [line for text in told if text for line in lines(text, inches, SMALL_SIZE * 0.75)]
        broken += [f"<span style='font-size:{SMALL_SIZE}px'>{escaped(line)}</span>" for line in small]
        texts.append("<br>".join(broken))
    words: list[dict[str, Any]] = [{"text": text} for text in texts]
    for each, (x_domain, y_domain) in zip(words, domains(words), strict=True):
        each |= {
            "xref": "paper",
            "yref": "paper",
            "x": sum(x_domain) / 2,
            "y": y_domain[1],
            "xanchor": "center",
            "yanchor": "bottom",
            "showarrow": False,
        }
    return words


def curve_axes(
    number: int, place: Sequence[Sequence[float]], room: float, names: tuple[str, str], *, log: bool
) -> dict[str, Any]:
    """Return the two axes of a panel of curves, for its layout.

    Args:
        number: of the panel.
        place: its domains, (left, right) and (bottom, top).
        room: for numbers and label beside it, as a share of its width.
        names: of the horizontal and the vertical axis.
        log: whether the vertical one is logarithmic.
    """
    (left, right), (bottom, top) = place
    width, height = right - left, top - bottom
    horizontal = {
        "domain": [left + room * width, right - 0.02 * width],
        "anchor": axis_name("y", number),
        "title": {"text": names[0], "standoff": 4},
    }
    vertical = {
        "domain": [bottom + 0.16 * height, top],
        "anchor": axis_name("x", number),
        "title": {"text": names[1], "standoff": 4},
        "type": "log" if log else "linear",
        "exponentformat": "power",
        "nticks": 6,
    }
    return {axis_name("xaxis", number): horizontal, axis_name("yaxis", number): vertical}


def legend_below(names: Sequence[str]) -> tuple[dict[str, Any], int]:
    """Return the legend of a picture, in rows below it, and the pixels that it takes."""
    rows = -(-sum(8 * len(name) + 60 for name in names) // NARROW)
    place = {"orientation": "h", "x": 0.5, "xanchor": "center", "y": 0.0, "yanchor": "top"}
    return place, ENTRY_PIXELS * rows + GAP


def axis_name(kind: str, number: int) -> str:
    """Return the name that plotly.js gives an axis or a scene: the first, 0, has no number."""
    return f"{kind}{number + 1}" if number else kind


def plain(array: Array) -> list[Any]:
    """Return numbers as nested lists of six digits, None where masked or not finite: JSON has no infinity."""
    if array.ndim > 1:
        return [plain(row) for row in array]
    filled = np.ma.filled(array, np.nan).tolist()
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in filled]
