"""How wide text is on the page, and breaking it into lines that fit."""

import re

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from landscape_cli.plots.style import STYLE
from landscape_cli.terminal import printable


def text_width(text: str, points: float) -> float:
    """Return the width in inches of a line of text at a font size of `points`."""
    if not text.strip():
        return 0.0
    font = FontProperties(family=STYLE["font.sans-serif"], size=points)
    path = TextPath((0, 0), text, prop=font)
    # outlines have control points at their ends: as exact as get_extents(), which takes 15 ms a line
    across = path.vertices[path.codes != Path.CLOSEPOLY, 0]
    return float(np.ptp(across)) / 72


def verbatim(text: str) -> str:
    """Return a line for Matplotlib to draw as it is: a name may have dollars in it, which begin formulas."""
    return printable(text).replace("$", r"\$")


def wrapped(text: str, inches: float, points: float) -> str:
    """Return `text` broken into lines of at most `inches` at a font size of `points`.

    Lines end after a comma or before a parenthesis where that is enough; what is still too long is broken
    between words, or after a hyphen between letters. A single word is never broken, and line breaks stay.
    All of it is drawn `verbatim`.
    """
    return "\n".join(line for given in text.split("\n") for line in _lines(verbatim(given), inches, points))


def _lines(text: str, inches: float, points: float) -> list[str]:
    lines = [""]
    for phrase in re.split(
        r"(?<=,) (?![^(]*\))| (?=\()", text
    ):  # after commas outside parentheses, and before these
        whole = text_width(phrase, points) <= inches
        for piece in [phrase] if whole else re.split(r" |(?<=[a-z]-)(?=[a-z])", phrase):
            glue = "" if re.search(r"(^|[a-z]-)$", lines[-1]) else " "
            if lines[-1] and text_width(lines[-1] + glue + piece, points) > inches:
                lines.append(piece)
            else:
                lines[-1] += glue + piece
    return lines
