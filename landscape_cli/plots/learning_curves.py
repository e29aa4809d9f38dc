"""Learning curves of trainings: loss, accuracy, learning rate and norms, side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import write_text
from landscape_cli.plots.draw import save
from landscape_cli.plots.histories import SEEDS, Group, History, grouped
from landscape_cli.plots.labels import value_label
from landscape_cli.plots.lines import lone
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import panels, write_axis_labels, write_legend, write_titles
from landscape_cli.plots.series import COLOURS, MARKERS
from landscape_cli.plots.style import INK, PAPER, SPLIT_LINES, small, styled
from landscape_cli.plots.text import text_width, wrapped
from landscape_cli.plots.values import LOG_FROM, SCALES, common_scale

PANELS = ("loss", "accuracy", "lr", "weight_norm", "gradient_norm")
"""What can be drawn of a run, a panel each."""
AXES = {"epochs": "epoch", "steps": "step"}
"""What the horizontal axis can count -> its column in metrics.csv."""
KINDS = ("auto", "line", "interactive")

LABELS = {"lr": "learning rate", "weight_norm": "weight norm", "gradient_norm": "gradient norm"}
MARKED = 8  # markers along a curve
HANDLE = 0.62  # inches that an entry of a legend takes beside its words
BRIEF = 0.2  # the share of the lowest learning rates that alone make no logarithmic axis


@dataclass(frozen=True)
class Curve:
    """A line of a panel.

    Attributes:
        group: number of its group.
        split: ``train``, ``test`` or empty.
        x: (n,).
        values: (runs, n), in the panel's unit.
    """

    group: int
    split: str
    x: Array
    values: Array

    @property
    def mean(self) -> Array:
        """Over the runs, NaN where one is not finite, (n,)."""
        return np.asarray(np.where(np.isfinite(self.values), self.values, np.nan).mean(axis=0))

    def band(self, *, log: bool) -> tuple[Array, Array] | None:
        """Return one standard deviation below and above the mean; None: it is of a single run.

        On a logarithmic axis the lower one stays above half of the least value.
        """
        if len(self.values) < 2:
            return None
        values = np.where(np.isfinite(self.values), self.values, np.nan)
        sd = values.std(axis=0, ddof=1)
        low = np.maximum(self.mean - sd, values.min(axis=0) / 2) if log else self.mean - sd
        return low, self.mean + sd


@dataclass(frozen=True)
class Panel:
    """What a panel shows.

    Attributes:
        name: one of `PANELS`.
        label: of its vertical axis, with the unit.
        curves: at least one.
        log: whether that axis is logarithmic.
    """

    name: str
    label: str
    curves: Sequence[Curve]
    log: bool


@dataclass(frozen=True)
class LearningCurves:
    """All that a picture of learning curves says.

    Attributes:
        title: above all.
        panels: what is drawn.
        groups: whose colours are told apart.
        axis: what x counts: ``epoch`` or ``step``.
        note: on means, their spread and their ends.
    """

    title: str
    panels: Sequence[Panel]
    groups: Sequence[Group]
    axis: str
    note: str

    @property
    def entries(self) -> list[str]:
        """The legend's entry of each group, or of none where there is one alone."""
        if len(self.groups) == 1:
            return []
        counts = [len(group.histories) for group in self.groups]
        told = len(set(counts)) > 1
        return [
            f"{group.label} (n = {count})" if told else group.label
            for group, count in zip(self.groups, counts, strict=True)
        ]


def learning_curves(
    histories: Sequence[History],
    *,
    value: str | Sequence[str] = "auto",
    split: str = "auto",
    axis: str = "epochs",
    seeds: str = "mean",
    scale: str = "auto",
    title: str | None = None,
) -> LearningCurves:
    """Return what the learning curves of some runs show.

    Args:
        histories: of the runs, finished or not.
        value: one or several of `PANELS`, in order; ``auto``: all that were measured.
        split: ``train``, ``test``, or ``auto``: both.
        axis: ``epochs`` or ``steps``.
        seeds: ``mean``: runs that differ in their seed alone are drawn as their mean and a band of one
            standard deviation; ``each``: as a curve each, of one colour.
        scale: ``linear`` or ``log``, of all panels but the accuracy; ``auto``: logarithmic where values range
            over a factor of 30.
        title: in place of what the configurations have in common.

    Raises:
        LandscapeError: an option is unknown, or nothing that was asked for was measured more than once.
    """
    choices = {"split": ("auto", *SPLIT_LINES), "axis": AXES, "seeds": SEEDS, "scale": SCALES}
    for key, got in {"split": split, "axis": axis, "seeds": seeds, "scale": scale}.items():
        if got not in choices[key]:
            raise unknown(key, got, choices[key])
    wanted = PANELS if value == "auto" else [value] if isinstance(value, str) else list(value)
    for name in wanted:
        if name not in PANELS:
            raise unknown("value", name, PANELS)
    common, groups = grouped(histories, seeds)
    configs = [history.config for history in histories]
    shown = [_panel(name, groups, AXES[axis], split, scale, configs) for name in wanted]
    if value != "auto" and None in shown:
        missing = wanted[shown.index(None)]
        raise LandscapeError(f"no {missing} was measured in {_named(histories)}; choose another value=")
    drawn = [panel for panel in shown if panel is not None]
    if not any(len(curve.x) > 1 for panel in drawn for curve in panel.curves):
        raise LandscapeError(f"a curve needs two rows of metrics.csv; {_named(histories)} has one")
    return LearningCurves(common if title is None else title, drawn, groups, AXES[axis], _note(groups))


def draw_learning_curves(shown: LearningCurves, look: Look = PAPER) -> Figure:
    """Return the picture: a panel a value, training solid, test dashed, a colour and a marker a group."""
    with styled(look):
        ratio = {1: 0.72, 2: 0.72}.get(len(shown.panels), 0.85)
        figure, axes = panels(len(shown.panels), ratio=ratio, margin=0.6, size=look.inches)
        for each, panel in zip(axes, shown.panels, strict=True):
            for curve in panel.curves:
                _draw(each, curve, panel, shown)
            each.xaxis.set_major_locator(MaxNLocator(5, integer=True, steps=[1, 2, 5, 10]))
            if panel.log:
                each.set_yscale("log")
            else:
                each.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
                _from_zero(each, panel)
        write_axis_labels(figure, axes, [shown.axis] * len(axes), "x")
        write_axis_labels(figure, axes, [panel.label for panel in shown.panels], "y")
        write_titles(figure, axes, [""] * len(axes), shown.title)
        room = 0.95 * figure.get_figwidth() - HANDLE
        entries = [wrapped(entry, room, small()) for entry in shown.entries]
        handles = [
            Line2D([], [], label=entry, **_look(number, several=True)) for number, entry in enumerate(entries)
        ]
        splits = {curve.split for panel in shown.panels for curve in panel.curves} - {""}
        words = {"train": "training", "test": "test"}
        handles += [
            Line2D([], [], color=INK, linestyle=line, label=words[split])
            for split, line in SPLIT_LINES.items()
            if split in splits
        ]
        lines = chain.from_iterable(str(handle.get_label()).split("\n") for handle in handles)
        widest = max((text_width(line, small()) for line in lines), default=0.0)
        write_legend(
            figure, handles, max(1, int(0.95 * figure.get_figwidth() / (widest + HANDLE))), shown.note
        )
        return figure


def write_learning_curves(
    histories: Sequence[History],
    out: Path | None,
    *,
    kind: str = "auto",
    look: Look = PAPER,
    **options: Any,
) -> Figure:
    """Draw the learning curves of some runs, into a picture or a page; return the figure.

    Args:
        histories: of the runs.
        out: ends in .png, .pdf or .svg, or in .html; None: nothing is written.
        kind: one of `KINDS`.
        look: size, font, dpi and style of a picture.
        options: of `learning_curves`.

    Raises:
        LandscapeError: as `learning_curves`, or another kind or ending.
    """
    if kind not in KINDS:
        raise LandscapeError(f"kind={kind} is of files; choose kind=line, or layers of a run with track=")
    is_page = out is not None and out.suffix.lower() == ".html"
    if kind == "interactive" and not is_page:
        raise LandscapeError("kind=interactive is an HTML page; choose out= with the ending .html")
    if kind == "line" and is_page:
        raise LandscapeError(f"kind={kind} is a picture; let out= end in .png, .pdf or .svg, not .html")
    shown = learning_curves(histories, **options)
    figure = draw_learning_curves(shown, look)
    if out is not None and is_page:
        from landscape_cli.plots.interactive import html_page
        from landscape_cli.plots.interactive_curves import curve_figure

        write_text(out, html_page(shown.title or "Learning curves", [curve_figure(shown)]))
    elif out is not None:
        save(figure, out, look)
    return figure


def _panel(
    name: str, groups: Sequence[Group], axis: str, split: str, scale: str, configs: Sequence[Any]
) -> Panel | None:
    """Return what a panel shows; None: that was not measured."""
    splits = [""]
    if name in ("loss", "accuracy"):
        splits = [each for each in SPLIT_LINES if split in ("auto", each)]
    unit = 100.0 if name == "accuracy" else 1.0
    curves = [
        Curve(number, each, x, unit * values)
        for number, group in enumerate(groups)
        for each in splits
        for x, values in group.curves(f"{each}_{name}".strip("_"), axis)
    ]
    finite = [values[np.isfinite(values)] for values in (curve.values for curve in curves)]
    if not sum(map(len, finite)):
        return None
    asked = scale
    if name == "accuracy" or (name == "lr" and scale == "auto" and not _ranges(np.concatenate(finite))):
        asked = "linear"
    shared = common_scale(finite, asked)
    if shared.floored:
        curves = [
            Curve(each.group, each.split, each.x, np.maximum(each.values, shared.low)) for each in curves
        ]
    words = LABELS.get(name) or value_label(splits[0] if len(splits) == 1 else "", name, configs)
    return Panel(name, words + shared.note(), curves, shared.log)


def _ranges(rates: Array) -> bool:
    """Whether learning rates range far: more than those that a schedule ends with for a moment."""
    return bool(np.quantile(rates, BRIEF) * LOG_FROM < rates.max()) and bool((rates > 0).all())


def _note(groups: Sequence[Group]) -> str:
    """Return what the bands are, and where means end before their runs do."""
    repeated = [group for group in groups if len(group.histories) > 1]
    averaged = [group for group in repeated if group.averaged]
    counts = {len(group.histories) for group in groups}
    n = f" = {counts.pop()}" if len(counts) == 1 else ""
    notes = [f"mean ± standard deviation over n{n} seeds"] if averaged else []
    if len(averaged) < len(repeated):
        notes.append(f"thin: a curve for each of n{n} runs")
    for group in averaged:
        if len(group.ends) > 1:
            of = f" of {group.label}" if group.label else ""
            notes.append(f"the mean{of} ends at epoch {group.ends[0]}, as one of its runs does")
    return "; ".join(notes)


def _look(number: int, *, several: bool) -> dict[str, Any]:
    """Return colour and marker of a group: both, for in grey some colours are alike."""
    look: dict[str, Any] = {"color": COLOURS[number % len(COLOURS)]}
    if several:
        look["marker"] = MARKERS[(number + number // len(COLOURS)) % len(MARKERS)]
    return look


def _draw(axes: Axes, curve: Curve, panel: Panel, shown: LearningCurves) -> None:
    several = len(shown.groups) > 1
    look = _look(curve.group, several=several)
    group = shown.groups[curve.group]
    thin = not group.averaged and len(group.histories) > 1
    mean, dots = curve.mean, lone(curve.mean)
    line = SPLIT_LINES.get(curve.split, "-")
    (drawn,) = axes.plot(
        curve.x,
        mean,
        linestyle=line,
        linewidth=0.8 if thin else 1.3,
        markersize=3.5,
        markeredgewidth=0,
        label=f"{group.label} {curve.split}".strip(),
        **look,
    )
    # each group's markers begin elsewhere, so that curves that coincide show all of theirs
    step = max(len(mean) // MARKED, 1)
    drawn.set_markevery((curve.group * step // len(shown.groups), step))
    axes.plot(curve.x[dots], mean[dots], linestyle="none", marker=".", color=look["color"])
    band = curve.band(log=panel.log)
    if band is not None:
        axes.fill_between(curve.x, *band, color=look["color"], alpha=0.18, linewidth=0, zorder=1)


def _from_zero(axes: Axes, panel: Panel) -> None:
    """Let a linear axis of a learning rate begin at zero, and that of a loss or a gradient near to it."""
    high = axes.get_ylim()[1]
    least, most = axes.dataLim.intervaly
    if panel.name == "lr" and 0 <= least <= most != 0:
        high = max(high, 1.1 * most)
        axes.set_ylim(-0.03 * high, high)
    elif panel.name in ("loss", "gradient_norm") and 0 <= least < 0.5 * most:
        axes.set_ylim(-0.03 * high, high)


def _named(histories: Sequence[History]) -> str:
    return "run " * (len(histories) == 1) + ", ".join(str(history.path) for history in histories)
