"""What pictures of descents share: titles, names and colours of optimizers, the scale of values."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.levels import number
from landscape_cli.plots.panels import write_legend, write_titles
from landscape_cli.plots.series import COLOURS, LINES
from landscape_cli.plots.style import INK
from landscape_cli.plots.text import verbatim
from landscape_cli.plots.values import Scale, common_scale
from landscape_cli.store.descent import Descent

WORDS = {
    "gd": "gradient descent",
    "heavy_ball": "heavy ball",
    "nesterov": "Nesterov",
    "adagrad": "Adagrad",
    "rmsprop": "RMSprop",
    "adam": "Adam",
    "newton": "Newton",
    "damped_newton": "damped Newton",
    "sam": "SAM",
    "noisy_gd": "noisy gradient descent",
    "annealed_gd": "annealed noise",
    "perturbed_gd": "perturbed gradient descent",
    "sgd": "SGD",
}
"""Optimizer -> its name in a legend."""

STAR: dict[str, Any] = {"marker": "*", "color": "white", "markeredgecolor": INK, "markeredgewidth": 0.6}
"""How a minimum is drawn."""

BOTTOM = 2e-3  # share of a function's values that a logarithmic scale draws at its lower end


def title_of(descent: Descent) -> str:
    """Return the function's name, and its formula where that tells more."""
    words = descent.name.replace("_", " ").capitalize()
    formula = descent.formula.replace("^2", "\N{SUPERSCRIPT TWO}").replace("^3", "\N{SUPERSCRIPT THREE}")
    if not formula:
        return words
    return f"{words}: {formula}" if any(sign in formula for sign in "=+-|^/") else formula


def word_of(optimizer: str) -> str:
    """Return the name of an optimizer as a legend has it."""
    return WORDS.get(optimizer) or verbatim(optimizer)


def looks(descents: Sequence[Descent]) -> dict[str, dict[str, Any]]:
    """Return colour and line style of each optimizer, the same in all panels."""
    names = dict.fromkeys(name for descent in descents for name in descent.paths)
    return {
        name: {"color": COLOURS[place % len(COLOURS)], "linestyle": LINES[place // len(COLOURS) % len(LINES)]}
        for place, name in enumerate(names)
    }


def heights_of(descent: Descent, scale: str) -> tuple[Scale, Array, str]:
    """Return the scale of the function's values, these values, (ny, nx), and the label of both.

    A grid point beside a minimum of value zero would give a logarithmic scale decades in which there is no
    other; it begins where a few of all values lie below.

    Raises:
        LandscapeError: no value is finite, or the scale does not fit them.
    """
    assert descent.values is not None
    values = np.where(np.isfinite(descent.values), descent.values, np.nan)
    if not np.isfinite(values).any():
        raise LandscapeError(f"{descent.path}: no value of the function is finite; choose kind=line")
    shared = common_scale([values], scale)
    if not shared.log:
        return shared, values, "f"
    low = float(np.nanquantile(np.maximum(values, shared.low), BOTTOM))
    told = (
        f"f (less than {number(float(f'{low:.1g}'))} drawn at that)"
        if low > shared.low or shared.floored
        else "f"
    )
    return replace(shared, low=low, floored=False), values, told


def finish(figure: Figure, axes: Sequence[Axes], descents: Sequence[Descent], title: str | None) -> None:
    """Write titles, and a legend of the optimizers, the starts and the minima."""
    if len(descents) == 1 and title is not None:
        write_titles(figure, axes, [title], "")
    else:
        write_titles(figure, axes, [title_of(descent) for descent in descents], title or "")
    handles: list[Any] = [
        Line2D([], [], **look, label=word_of(name)) for name, look in looks(descents).items()
    ]
    handles.append(Line2D([], [], marker="s", color=INK, markersize=4, linestyle="", label="start"))
    if any(len(descent.minima) for descent in descents):
        handles.append(Line2D([], [], **STAR, markersize=8, linestyle="", label="minimum"))
    write_legend(figure, handles, 4)
