"""How every picture looks: sizes, fonts and colours for a two-column paper, in one place."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, ListedColormap
from matplotlib.font_manager import FontProperties

from landscape_cli.errors import LandscapeError, nearest
from landscape_cli.plots.options import Look

COLUMN = 3.4
"""Width of one column, in inches: a picture with one panel."""
PAGE = 7.0
"""Width of both columns, in inches: a picture with several panels."""

SMALL, NORMAL = 7.0, 8.0
"""Font sizes in points: ticks, level labels and legends; axis labels and titles."""

# Blue and vermillion of Okabe and Ito (2008), which colour-blind eyes tell apart. In grey they are alike, so
# that loss and accuracy also differ in width and markers (lines.py).
LOSS = "#0072B2"
ACCURACY = "#D55E00"
INK = "#262626"

SPLIT_LINES: dict[str, Any] = {"train": "-", "test": (0, (3.2, 1.6))}
"""Line style of each split: training solid, test dashed."""

PAPER = Look()
"""The look of a picture in a paper."""

FONTS = {
    "font.size": NORMAL,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "figure.titlesize": NORMAL,
    "figure.labelsize": NORMAL,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
}
"""Sizes of all text, which `font=` scales."""

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "text.usetex": False,
    **FONTS,
    "figure.titleweight": "normal",
    "figure.labelweight": "normal",
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.4,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": "auto",
    "axes.facecolor": "white",
    "axes.grid": False,
    "axes.unicode_minus": True,
    "axes.labelpad": 3.0,
    "axes.titlepad": 5.0,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.direction": "out",
    "ytick.direction": "out",
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "text.color": INK,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "hatch.linewidth": 0.7,
    "figure.facecolor": "white",
    "savefig.facecolor": "auto",
    "savefig.bbox": None,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    # TrueType in PDF, as journals ask; outlines and fixed ids in SVG, so that equal data give equal files.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "landscape",
}


# What pictures rely on, whatever a style says.
_OURS = (
    *("axes.grid", "axes.titlecolor", "savefig.bbox", "savefig.facecolor"),
    *("text.usetex", "pdf.fonttype", "svg.fonttype", "svg.hashsalt"),
)


def styled(look: Look = PAPER) -> AbstractContextManager[None]:
    """Return the context in which pictures are made and written; the caller's rcParams come back after it.

    Raises:
        LandscapeError: there is no such style, or no such colour map.
    """
    colormap(look)
    scale = 1.0 if look.font is None else look.font / NORMAL
    sizes = {name: size * scale for name, size in FONTS.items()}
    if look.style is None:
        return _context(STYLE, sizes)
    ours = {name: STYLE[name] for name in _OURS} | ({} if look.font is None else sizes)
    return _context(STYLE, _style(look.style), ours)


def _context(*layers: dict[str, Any]) -> AbstractContextManager[None]:
    """Return the context of settings, of which the later layers win."""
    settings: dict[Any, Any] = {}
    for layer in layers:
        settings |= layer
    return matplotlib.rc_context(settings)


def _style(name: str) -> dict[str, Any]:
    """Return the settings of a style of Matplotlib, or of a file."""
    import matplotlib.style as styles

    if name in styles.available:
        found = styles.library[name]
    elif Path(name).is_file():
        try:
            found = matplotlib.rc_params_from_file(name, use_default_template=False)
        except (OSError, ValueError) as error:
            raise LandscapeError(f"style={name} cannot be read ({error}); choose another") from error
    else:
        raise LandscapeError(
            f"no style {name!r}, and no file of that name; choose one of Matplotlib's, such as ggplot or"
            f" dark_background{nearest(name, styles.available)}"
        )
    return {key: value for key, value in found.items() if key != "backend"}


def small() -> float:
    """Return the size in points of ticks, level labels and legends, in the style in use."""
    return _points("xtick.labelsize")


def normal() -> float:
    """Return the size in points of titles and axis labels, in the style in use."""
    return _points("axes.titlesize")


def _points(name: str) -> float:
    settings: dict[Any, Any] = matplotlib.rcParams
    return float(FontProperties(size=settings[name]).get_size_in_points())


def colormap(look: Look = PAPER) -> Colormap:
    """Return the colour map, viridis unless asked otherwise: perceptually uniform, monotone in grey.

    Raises:
        LandscapeError: there is no such colour map.
    """
    if look.cmap not in matplotlib.colormaps:
        shown = [name for name in matplotlib.colormaps if not name.endswith("_r")]
        raise LandscapeError(
            f"no colour map {look.cmap!r}; choose one of Matplotlib's {len(shown)}, such as"
            f" cividis, magma or RdBu{nearest(look.cmap, list(matplotlib.colormaps))}"
        )
    return matplotlib.colormaps[look.cmap]


def light_colormap(look: Look = PAPER) -> Colormap:
    """Return the same order of hues mixed with white: dark lines and labels stay readable on any of it."""
    light = 0.5 * colormap(look)(np.linspace(0, 1, 256)) + 0.5
    return ListedColormap(light, name=f"light_{look.cmap}")
