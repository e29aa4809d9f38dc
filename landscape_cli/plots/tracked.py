"""What a training tracked of its layers: over epochs, coloured by depth; and over layers, as an animation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.plots.animation import ANIMATED, HOLD, RATES, SECONDS, writer_for, written
from landscape_cli.plots.draw import save
from landscape_cli.plots.labels import run_title
from landscape_cli.plots.learning_curves import AXES
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import panels, write_axis_labels, write_titles
from landscape_cli.plots.style import PAPER, colormap, styled
from landscape_cli.plots.values import common_scale
from landscape_cli.terminal import printable

GROUPS = {
    "activations": {
        "activation_mean": "activation mean",
        "activation_variance": "activation variance",
        "activation_dead": "dead units (%)",
    },
    "gradients": {
        "gradient_norm": "gradient norm",
        "gradient_mean": "gradient mean",
        "gradient_variance": "gradient variance",
    },
    "weights": {
        "weight_norm": "weight norm",
        "weight_mean": "weight mean",
        "weight_variance": "weight variance",
        "weight_update": "weight change / norm",
    },
}
"""What `track=` can name, a row of panels -> quantity -> label of its axis."""
DEAD = "activation_dead"  # a fraction, drawn in percent
LINEAR = (DEAD, "activation_mean", "gradient_mean", "weight_mean")  # never on a logarithmic axis
NAMED = 10  # layers that the colour bar names; more are numbered
DARK = 0.9  # the part of the colour map that stands out from white
FRAMES = 150  # of an animation, at most


@dataclass(frozen=True)
class Tracked:
    """A training's layers.csv.

    Attributes:
        path: the run folder.
        config: of the training.
        epoch: of its rows, (epochs,).
        step: likewise.
        layers: their names, from the input to the output.
        values: quantity -> (epochs, layers), NaN where it was not measured.
    """

    path: Path
    config: Mapping[str, Any]
    epoch: Array
    step: Array
    layers: Sequence[str]
    values: Mapping[str, Array]

    @classmethod
    def of(cls, path: Path, config: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> "Tracked":
        """Return the table of these rows of layers.csv.

        Raises:
            LandscapeError: there is none.
        """
        if not rows:
            raise LandscapeError(f"run {path} has nothing in its layers.csv yet; train it first")
        steps = {row["epoch"]: row["step"] for row in rows}
        places = {epoch: place for place, epoch in enumerate(steps)}
        columns = {name: place for place, name in enumerate(dict.fromkeys(row["layer"] for row in rows))}
        values = {row["quantity"]: np.full((len(places), len(columns)), np.nan) for row in rows}
        for row in rows:
            values[row["quantity"]][places[row["epoch"]], columns[row["layer"]]] = row["value"]
        epoch, step = (np.array(list(each), dtype=float) for each in (steps, steps.values()))
        return cls(path, config, epoch, step, [printable(name) for name in columns], values)


def write_tracked(
    tracked: Tracked,
    out: Path | None,
    *,
    axis: str = "epochs",
    scale: str = "auto",
    title: str | None = None,
    look: Look = PAPER,
) -> Figure:
    """Draw what was tracked into a picture, or an animation; return the figure of the picture.

    Args:
        tracked: of one training.
        out: ends in .png, .pdf or .svg; or in .gif or .mp4; None: nothing is written.
        axis: ``epochs`` or ``steps``.
        scale: of norms, variances and changes: ``linear``, ``log`` or ``auto``.
        title: in place of the one made of the configuration.
        look: size, font, dpi, style and colour map.

    Raises:
        LandscapeError: an option is unknown, a curve has one epoch alone, or another ending.
    """
    if axis not in AXES:
        raise unknown("axis", axis, AXES)
    told = run_title(tracked.config) if title is None else title
    figure = draw_tracked(tracked, axis=axis, scale=scale, title=told, look=look)
    if out is not None and out.suffix.lower() in ANIMATED:
        save_tracked_animation(tracked, out, scale=scale, title=told, look=look)
    elif out is not None:
        save(figure, out, look)
    return figure


def draw_tracked(
    tracked: Tracked, *, axis: str = "epochs", scale: str = "auto", title: str = "", look: Look = PAPER
) -> Figure:
    """Return the curves over epochs or steps, a panel a quantity, a curve a layer, coloured by its depth."""
    if len(tracked.epoch) < 2:
        raise LandscapeError(f"a curve needs two epochs of layers.csv, and run {tracked.path} has one")
    x = tracked.epoch if axis == "epochs" else tracked.step
    with styled(look):
        figure, shown = _panels(tracked, scale, AXES[axis], title, look)
        colours = _colours(tracked, look)
        for quantity, axes in shown.items():
            for place in range(len(tracked.layers)):
                axes.plot(x, _finite(tracked, quantity)[:, place], color=colours(place), linewidth=1.0)
            axes.set_xlim(x[0] - 0.04 * (x[-1] - x[0]), x[-1] + 0.04 * (x[-1] - x[0]))
        _colour_bar(figure, list(shown.values()), tracked, colours)
        return figure


def save_tracked_animation(
    tracked: Tracked, path: Path, *, scale: str = "auto", title: str = "", look: Look = PAPER
) -> None:
    """Write a frame an epoch: each quantity over the layers; grey, where it was at first."""
    count = len(tracked.epoch)
    frames = np.unique(np.round(np.linspace(0, count - 1, min(count, FRAMES))).astype(int))
    rate = min(max(round(len(frames) / SECONDS), RATES[0]), RATES[1])
    writer, numbers = writer_for(path, rate), np.arange(1, len(tracked.layers) + 1)
    longest = f"{title}\n{_told(tracked, count - 1)}"
    with styled(look):
        figure, shown = _panels(tracked, scale, "layer", longest, look)
        colours = _colours(tracked, look)(np.arange(len(numbers)))
        lines, dots = [], []
        for quantity, axes in shown.items():
            values = _finite(tracked, quantity)
            axes.plot(numbers, _first(values), color="0.75", linewidth=1.0, zorder=1)
            lines.append(axes.plot(numbers, values[-1], color="0.45", linewidth=0.8, zorder=2)[0])
            dots.append(axes.scatter(numbers, values[-1], s=10, c=colours, linewidth=0, zorder=3))
            axes.set_xlim(0.5, len(numbers) + 0.5)
            _limit(axes, values)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")  # it is laid out: nothing moves from frame to frame
        (heading,) = figure.texts
        words = heading.get_text().rpartition("\n")[0]  # broken into lines that fit
    with written(figure, path, writer, look):
        for frame in [*frames, *[frames[-1]] * round(HOLD * rate)]:
            heading.set_text(f"{words}\n{_told(tracked, frame)}")
            for quantity, line, dot in zip(shown, lines, dots, strict=True):
                values = _finite(tracked, quantity)[frame]
                line.set_ydata(values)
                dot.set_offsets(np.stack([numbers, values], axis=-1))
            writer.grab_frame()


def _told(tracked: Tracked, row: int) -> str:
    return f"epoch {tracked.epoch[row]:.0f} (grey: at first)"


def _panels(tracked: Tracked, scale: str, x: str, title: str, look: Look) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure with a panel a quantity, a row a group."""
    rows = [[name for name in names if name in tracked.values] for names in GROUPS.values()]
    rows = [row for row in rows if row]
    if not rows:
        raise LandscapeError(f"{tracked.path / 'layers.csv'} has no quantity that can be drawn")
    columns = max(map(len, rows))
    figure, axes = panels(len(rows) * columns, ratio=0.85, margin=0.7, per_row=columns, size=look.inches)
    shown: dict[str, Axes] = {}
    for place, each in enumerate(axes):
        row, column = divmod(place, columns)
        if column < len(rows[row]):
            shown[rows[row][column]] = each
        else:
            each.remove()
    for quantity, each in shown.items():
        values = _finite(tracked, quantity)
        if quantity not in LINEAR and np.isfinite(values).any() and common_scale([values], scale).log:
            each.set_yscale("log")
        elif quantity != DEAD:
            each.ticklabel_format(axis="y", scilimits=(-2, 3))
        each.xaxis.set_major_locator(MaxNLocator(4, integer=True, steps=[1, 2, 5, 10]))
    words = {name: label for names in GROUPS.values() for name, label in names.items()}
    write_axis_labels(figure, list(shown.values()), [x] * len(shown), "x")
    write_axis_labels(figure, list(shown.values()), [words[name] for name in shown], "y")
    write_titles(figure, list(shown.values()), [""] * len(shown), title)
    return figure, shown


def _finite(tracked: Tracked, quantity: str) -> Array:
    """Return the values of a quantity, NaN where they are not finite; of dead units in percent."""
    values = tracked.values[quantity]
    shown = np.where(np.isfinite(values), values, np.nan)
    return 100 * shown if quantity == DEAD else shown


def _first(values: Array) -> Array:
    """Return the earliest epoch's values of which any is known."""
    known = np.isfinite(values).any(axis=1)
    return np.asarray(values[int(known.argmax())])


def _limit(axes: Axes, values: Array) -> None:
    """Let the axis span what there is at any epoch."""
    finite = values[np.isfinite(values)]
    if axes.get_yscale() == "log":
        finite = finite[finite > 0]
        axes.set_ylim(finite.min() / 1.3, finite.max() * 1.3)
    elif finite.size:
        margin = 0.05 * (finite.max() - finite.min()) or 1.0
        axes.set_ylim(finite.min() - margin, finite.max() + margin)


def _colours(tracked: Tracked, look: Look) -> ListedColormap:
    """Return a colour a layer, in the order of a colour map that ends before it is too light for a line."""
    return ListedColormap(colormap(look)(np.linspace(0, DARK, len(tracked.layers))))


def _colour_bar(figure: Figure, axes: Sequence[Axes], tracked: Tracked, colours: ListedColormap) -> None:
    count = len(tracked.layers)
    edges = np.arange(count + 1) + 0.5
    mappable = ScalarMappable(BoundaryNorm(edges, count), colours)
    bar = figure.colorbar(mappable, ax=list(axes), aspect=40, spacing="proportional", drawedges=False)
    bar.ax.invert_yaxis()  # the input on top, as in a network's printed form
    bar.ax.minorticks_off()
    if count <= NAMED:
        bar.set_ticks(range(1, count + 1), labels=list(tracked.layers))
    else:
        bar.ax.yaxis.set_major_locator(MaxNLocator(8, integer=True))
    bar.set_label("layer, from input to output")
