"""How wide text is on the page, and breaking it into lines that fit."""

import re

import numpy as np
from matplotlib.font_manager import FontProperties
from matplotlib.path import Path
from matplotlib.textpath import TextPath

from landscape_cli.terminal import printable


def text_width(text: str, points: float) -> float:
    """Return the width in inches of a line of text at a font size of `points`."""
    if not text.strip():
        return 0.0
    font = FontProperties(size=points)  # of the family in use
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
    between words, and in a long word after a hyphen between letters or the ``_`` and ``/`` of files' names.
    Another word is never broken, and line breaks stay.
    All of it is drawn `verbatim`.
    """
    return "\n".join(line for given in text.split("\n") for line in lines(verbatim(given), inches, points))


def lines(text: str, inches: float, points: float) -> list[str]:
    """Return `text` in lines as `wrapped` breaks it, nothing else changed."""

    def fits(words: str) -> bool:
        return text_width(words, points) <= inches

    broken, glue = [""], ""
    # after commas outside parentheses, and before these
    for phrase in re.split(r"(?<=,) (?![^(]*\))| (?=\()", text):
        for word in [phrase] if fits(phrase) else phrase.split(" "):
            for part in [word] if fits(phrase) else re.split(r"(?<=[a-z]-)(?=[a-z])", word):
                for piece in [part] if fits(part) else re.split(r"(?<=[_/])(?=[^_/])", part):
                    if broken[-1] and not fits(broken[-1] + glue + piece):
                        broken.append(piece)
                    else:
                        broken[-1] += glue + piece
                    glue = ""
            glue = " "
    return broken
