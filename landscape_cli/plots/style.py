"""How every picture looks: sizes, fonts and colours for a two-column paper, in one place."""

from contextlib import AbstractContextManager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.colors import Colormap, ListedColormap

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

STYLE: dict[str, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "mathtext.fontset": "dejavusans",
    "text.usetex": False,
    "font.size": NORMAL,
    "axes.labelsize": NORMAL,
    "axes.titlesize": NORMAL,
    "figure.titlesize": NORMAL,
    "figure.titleweight": "normal",
    "figure.labelsize": NORMAL,
    "figure.labelweight": "normal",
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.title_fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 2.4,
    "legend.columnspacing": 1.4,
    "axes.linewidth": 0.8,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
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
    "savefig.facecolor": "white",
    "savefig.bbox": None,
    "figure.constrained_layout.w_pad": 0.03,
    "figure.constrained_layout.h_pad": 0.03,
    # TrueType in PDF, as journals ask; outlines and fixed ids in SVG, so that equal data give equal files.
    "pdf.fonttype": 42,
    "svg.fonttype": "path",
    "svg.hashsalt": "landscape",
}


def styled() -> AbstractContextManager[None]:
    """Return the context in which pictures are made and written; the caller's rcParams come back after it."""
    return matplotlib.rc_context(STYLE)  # type: ignore[arg-type]


def colormap() -> Colormap:
    """Return viridis: perceptually uniform, monotone in grey, safe for colour-blind eyes."""
    return matplotlib.colormaps["viridis"]


def light_colormap() -> Colormap:
    """Return the same order of hues mixed with white: dark lines and labels stay readable on any of it."""
    light = 0.5 * colormap()(np.linspace(0, 1, 256)) + 0.5
    return ListedColormap(light, name="light_viridis")
