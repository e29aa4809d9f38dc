"""Pictures to turn, zoom and read values from, as HTML that opens without a network.

Plotly takes long to import and plotly.js is 4 MB: both are touched only when a page is made.
"""

import hashlib
import html
from collections.abc import Sequence
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.interactive_lines import line_figure
from landscape_cli.plots.interactive_planes import plane_figure
from landscape_cli.plots.labels import panel_titles
from landscape_cli.plots.options import Look
from landscape_cli.plots.style import PAPER
from landscape_cli.plots.values import check_value, chosen
from landscape_cli.store import Surface

PIXELS = 96 / 72  # a point
# Without plotly's buttons that lead to its web site, one of which uploads the data.
_CONFIG = {"responsive": True, "displaylogo": False, "showSendToCloud": False}


def interactive_html(
    surfaces: Sequence[Surface],
    *,
    value: str = "auto",
    split: str = "auto",
    scale: str = "auto",
    title: str | None = None,
    look: Look = PAPER,
) -> str:
    """Return an HTML page with `interactive_fragment` and plotly.js in it; it loads nothing else."""
    picture = interactive_fragment(surfaces, value=value, split=split, scale=scale, title=title, look=look)
    common, own = panel_titles(surfaces)
    return _page(title or common or own[0] or surfaces[0].path.stem, picture)


def html_page(title: str, figures: Sequence[dict[str, Any]], look: Look = PAPER) -> str:
    """Return an HTML page with figures, as plotly.js takes them, one below the other; it loads nothing."""
    return _page(title, "\n".join(fragment(figure, look) for figure in figures))


def _page(title: str, body: str) -> str:
    name = html.escape(title)
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{name}</title>\n'
        f"<script>{plotly_js()}</script>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def interactive_fragment(
    surfaces: Sequence[Surface],
    *,
    value: str = "auto",
    split: str = "auto",
    scale: str = "auto",
    title: str | None = None,
    look: Look = PAPER,
) -> str:
    """Return the interactive picture as a piece of HTML, for a page that has `plotly_js` in it once.

    Planes are 3D surfaces with a button each for loss, accuracy and the Hessian's eigenvalues, where all
    files have them, training and test, linear and log;
    hovering shows the coordinates and the value. Lines show all curves, with buttons for the loss's scale.
    Several files stand side by side with shared ranges. Missing points are holes, counted below the title.

    Args:
        surfaces: all lines, or all planes.
        value: ``loss``, ``accuracy``, … or ``auto``, as for `draw`: which planes show first.
        split: ``train``, ``test`` or ``auto``: which planes show first.
        scale: ``auto``, ``linear`` or ``log``: how the loss shows first.
        title: in place of the one made of the runs' configurations.
        look: its colours, limits, font and size.

    Raises:
        LandscapeError: values are missing or not evaluated, or `scale` is unknown.
    """
    value, split = chosen(surfaces, value, split)
    if surfaces[0].y is None:
        check_value(surfaces, value)
        figure = line_figure(surfaces, value=value, scale=scale, title=title, look=look)
    else:
        figure = plane_figure(surfaces, value=value, split=split, scale=scale, title=title, look=look)
    return fragment(figure, look)


def fragment(content: dict[str, Any], look: Look = PAPER) -> str:
    """Return a figure, as plotly.js takes it, as a piece of HTML, for a page that has `plotly_js` in it.

    Raises:
        LandscapeError: the look has what a page has not.
    """
    if look.style is not None or look.dpi is not None:
        raise LandscapeError("style= and dpi= are of pictures; let out= end in .png, .pdf or .svg, not .html")
    import plotly.graph_objects as go

    figure = go.Figure(content)
    if look.font is not None:
        figure.update_layout(font_size=look.font * PIXELS, title_font_size=look.font * PIXELS * 1.2)
    if look.inches is not None:
        width, height = look.inches
        figure.update_layout(width=96 * width, height=96 * height)
    # The name depends on the content alone: equal files give equal pages, and two pictures fit in one.
    name = "plot-" + hashlib.sha256(figure.to_json().encode()).hexdigest()[:12]
    return str(figure.to_html(full_html=False, include_plotlyjs=False, config=_CONFIG, div_id=name))


def plotly_js() -> str:
    """Return the source text of plotly.js."""
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())
