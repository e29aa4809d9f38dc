"""What the interactive pictures in three dimensions share: heights, their colours, the camera."""

import math
from typing import Any

import numpy as np
from matplotlib.colors import Colormap, to_hex

from landscape_cli.plots.options import Look
from landscape_cli.plots.style import PAPER, colormap
from landscape_cli.plots.values import Scale

EYE = (1.5, -1.75, 1.25)  # of the camera
ABOVE = (1.05, -1.25, 1.75)  # where it is to see into valleys
SHADES = 33


def height_limits(scale: Scale, look: Look) -> tuple[float, float]:
    """Return the least and the greatest height: those of the scale, or of the look's limits."""
    ends = [scale.low if look.vmin is None else look.vmin, scale.high if look.vmax is None else look.vmax]
    return scale.height(ends[0]), scale.height(ends[1])


def height_axis(scale: Scale, limits: tuple[float, float], name: str) -> dict[str, Any]:
    """Return the axis of heights between limits; the range of a logarithmic one is in powers of ten."""
    low, high = limits
    margin = 0.02 * (high - low) or 0.5
    axis = {"range": [low - margin, high + margin], "title": {"text": name}}
    if not scale.log:
        return {"type": "linear", "dtick": None, **axis}
    # whole decades: plotly's own ticks between them overlap
    return {"type": "log", "dtick": math.ceil((high - low) / 7) if high - low > 1 else None, **axis}


def colour_scale(look: Look) -> str | list[list[Any]]:
    """Return the look's colour map as plotly.js takes it."""
    return "Viridis" if look.cmap == PAPER.cmap else shades(colormap(look))


def shades(colours: Colormap) -> list[list[Any]]:
    """Return a colour map of Matplotlib as plotly.js takes it: places from 0 to 1, and their colours."""
    places = np.linspace(0, 1, SHADES)
    return [[float(place), to_hex(colour)] for place, colour in zip(places, colours(places), strict=True)]


def seen_from(eye: tuple[float, float, float], away: float) -> dict[str, Any]:
    """Return the shape of a space, and its camera at an eye, so many times as far away."""
    return {
        "aspectratio": {"x": 1, "y": 1, "z": 0.72},
        "camera": {
            "eye": dict(zip("xyz", (away * each for each in eye), strict=True)),
            "center": {"x": 0, "y": 0, "z": -0.1},
        },
    }
