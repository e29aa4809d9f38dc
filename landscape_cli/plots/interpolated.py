"""Points whose values are interpolated, not evaluated: told in words, with dots at the evaluated ones."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize
from numpy.typing import NDArray

from landscape_cli.arrays import Array, Mask
from landscape_cli.plots.levels import number
from landscape_cli.plots.style import INK
from landscape_cli.store import Surface

_DOT = 0.35
"""Width of a dot relative to the spacing of the grid."""
_SMALLEST, _LARGEST = 0.5, 1.3
"""Widths of dots in points: what print still shows, and what stays in the background."""


def interpolated(surface: Surface) -> Mask:
    """Return which points, (ny, nx) or (nx,), have values without having been evaluated."""
    has_value = [~np.isnan(values) for values in surface.values.values()]
    return np.asarray(~surface.evaluated & np.any(has_value, axis=0))


def note(surfaces: Sequence[Surface], *, dots: bool = False) -> str:
    """Return how much is evaluated and how far off the rest may be; empty if nothing is interpolated.

    Args:
        surfaces: of one picture.
        dots: whether dots show the evaluated points.
    """
    masks = [interpolated(surface) for surface in surfaces]
    if not any(mask.any() for mask in masks):
        return ""
    # rounded down, so that only what is whole is 100 %
    shares = [max(100 * int(surface.evaluated.sum()) // surface.evaluated.size, 1) for surface in surfaces]
    words = " to ".join(map(str, sorted({min(shares), max(shares)}))) + " % of the points evaluated"
    words += f"{' (dots)' if dots else ''}, others interpolated"
    errors = [surface.interpolation_error[mask] for surface, mask in zip(surfaces, masks, strict=True)]
    largest = float(np.concatenate(errors).max())
    # a kill while a surface is finished leaves values before their errors
    return words if np.isnan(largest) else f"{words}, estimated error of log-loss ≤ {_rounded_up(largest)}"


def hover_words(surface: Surface, value: str) -> NDArray[np.str_]:
    """Return what to say of each point, (ny, nx) or (nx,): ``interpolated (±1.2 %)``, or nothing.

    An array, because plotly makes one text of each row of a nested list.
    """
    errors = 100 * np.expm1(surface.interpolation_error)
    with_error = np.char.add(np.char.mod("interpolated (±%.2g", errors), " %)")
    told = np.isfinite(errors) & (value == "loss")
    return np.where(interpolated(surface), np.where(told, with_error, "interpolated"), "")


def dot_evaluated(axes: Axes, surface: Surface, colours: tuple[Colormap, Normalize], heights: Array) -> None:
    """Put a dot on each evaluated point of a plane, dark on light colours and light on dark ones.

    The layout must be final: dots are as large as the grid's spacing on the page allows.

    Args:
        axes: where to draw.
        surface: a plane.
        colours: what the plane is painted with.
        heights: what is painted, (ny, nx); masked points have no dots.
    """
    assert surface.y is not None
    shown = surface.evaluated & ~np.ma.getmaskarray(heights)
    colormap, norm = colours
    red, green, blue, _ = np.moveaxis(colormap(norm(heights[shown])), -1, 0)
    dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
    box, dpi = axes.get_window_extent(), axes.figure.dpi
    spacing = 72 / dpi * min(box.width / len(surface.x), box.height / len(surface.y))
    size = float(np.clip(_DOT * spacing, _SMALLEST, _LARGEST))
    x, y = (coordinate[shown] for coordinate in np.meshgrid(surface.x, surface.y))
    axes.scatter(
        x,
        y,
        s=size**2,
        c=np.where(dark, "white", INK).tolist(),
        linewidths=0,
        alpha=0.8,
        zorder=1.6,
        label="evaluated",
    )


def _rounded_up(value: float) -> str:
    """Return a number, zero or more, with two digits, never below itself."""
    if value == 0:
        return "0"
    last = 10.0 ** (np.floor(np.log10(value)) - 1)
    return number(float(np.ceil(value / last - 1e-9) * last))
