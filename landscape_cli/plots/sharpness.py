"""Pictures of a table of `landscape sharpness`: measures beside the test error, and rank correlations."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FormatStrFormatter, LogLocator, NullFormatter

from landscape_cli.arrays import Array
from landscape_cli.measures.correlation import FEWEST, rank_correlations
from landscape_cli.plots.draw import save
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import hide_inner_ticks, panels, write_axis_labels, write_legend, write_titles
from landscape_cli.plots.series import COLOURS, MARKERS, SHORT
from landscape_cli.plots.style import PAGE, PAPER, small, styled
from landscape_cli.store.sharpness import LABELS, TEST_ERROR, measured, target
from landscape_cli.store.table import ERROR, Table

TARGETS = {TEST_ERROR: "test error (%)"}
DECADE = 10.0  # of the largest value over the smallest one, from which on an axis is logarithmic
ROWS_TOLD = 8  # rows, up to which the legend names each
DARK = 0.6  # of a correlation's magnitude: on its colour numbers are white


def write_pictures(table: Table, out: Path, look: Look = PAPER) -> list[Path]:
    """Draw a table beside its file: ``<out>.png`` from two rows on, ``<out>_ranks.png`` from three on."""
    written = []
    if len(table) > 1:
        written.append(out.with_suffix(".png"))
        save(draw_measures(table, look), written[-1], look)
    if len(table) >= FEWEST:
        written.append(out.with_name(f"{out.stem}_ranks.png"))
        save(draw_rank_correlations(table, look), written[-1], look)
    return written


def draw_measures(table: Table, look: Look = PAPER) -> Figure:
    """Return the picture of each measure beside the test error: a marker a row, with its error.

    Spearman's rank correlation of the two stands above each panel, from three rows on.
    """
    columns, error = measured(table), target(table)
    heights = table.numbers(error)
    ranks = rank_correlations([*columns.values(), heights])[:-1, -1]
    with styled(look):
        figure, axes = panels(len(columns), ratio=0.95, margin=0.6, size=look.inches)
        for each, (name, values) in zip(axes, columns.items(), strict=True):
            _draw(each, table, name, values, heights)
        words = TARGETS.get(error, "test loss")
        write_axis_labels(figure, axes, [words] * len(axes), "y")
        titles = [
            LABELS[name] + (f" ({_rank(rank)})" if np.isfinite(rank) else "")
            for name, rank in zip(columns, ranks, strict=True)
        ]
        few = "" if len(table) < FEWEST else " (Spearman's rank correlation)"
        write_titles(figure, axes, titles, f"{words.partition(' (')[0].capitalize()} by sharpness{few}")
        hide_inner_ticks(axes, "y")
        if len(table) <= ROWS_TOLD:
            write_legend(figure, axes[0].collections[: len(table)], 4)
        return figure


def draw_rank_correlations(table: Table, look: Look = PAPER) -> Figure:
    """Return the matrix of Spearman's rank correlations of all measures and the test error."""
    columns, error = measured(table), target(table)
    matrix = rank_correlations([*columns.values(), table.numbers(error)])
    names = [*(LABELS[name] for name in columns), TARGETS.get(error, "test loss").partition(" (")[0]]
    return draw_matrix(names, matrix, f"Spearman's rank correlation over {len(table)} rows", look)


def draw_matrix(names: Sequence[str], matrix: Array, label: str, look: Look = PAPER) -> Figure:
    """Return a matrix of correlations as colours with numbers, the last row and column set apart.

    Args:
        names: of the rows and columns, k.
        matrix: of -1 to 1, (k, k); NaN is left empty.
        label: what the colours are.
        look: size, font and style.
    """
    with styled(look):
        side = 0.62 * PAGE if len(names) < 8 else PAGE
        figure, (axes,) = panels(1, ratio=1.0, margin=0.0, size=look.inches or (side, 0.8 * side))
        image = axes.imshow(matrix, cmap="RdBu_r", vmin=-1, vmax=1, aspect="auto")
        axes.set_xticks(range(len(names)), names, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(names)), names)
        for (row, column), rank in np.ndenumerate(matrix):
            colour = "white" if abs(rank) > DARK else "black"
            text = "" if np.isnan(rank) else f"{rank:.2f}".replace("-", "\N{MINUS SIGN}")
            axes.text(column, row, text, ha="center", va="center", color=colour, fontsize=small() - 1)
        axes.axhline(len(names) - 1.5, color="black", linewidth=1.0)
        axes.axvline(len(names) - 1.5, color="black", linewidth=1.0)
        figure.colorbar(image, ax=axes, fraction=0.04, pad=0.02).set_label(label)
        return figure


def told(table: Table) -> list[str]:
    """Return the rank correlation of each measure with the test error as lines; none of fewer than three."""
    if len(table) < FEWEST:
        return []
    columns, error = measured(table), target(table)
    ranks = rank_correlations([*columns.values(), table.numbers(error)])[:-1, -1]
    head = f"rank correlation with the {TARGETS.get(error, 'test loss').partition(' (')[0]}"
    width = max(map(len, columns))
    return [
        f"{f'over {len(table)} rows':<{width}}  {head}",
        *(f"{name:<{width}}  {_signed(rank)}" for name, rank in zip(columns, ranks, strict=True)),
    ]


def _rank(rank: float) -> str:
    return f"{rank:+.2f}".replace("-", "\N{MINUS SIGN}")


def _signed(rank: float) -> str:
    return "not known" if np.isnan(rank) else f"{rank:+.2f}"


def _draw(axes: Axes, table: Table, name: str, values: Array, heights: Array) -> None:
    errors = table.numbers(f"{name}{ERROR}") if f"{name}{ERROR}" in table.columns else 0 * values
    known = np.isfinite(values) & np.isfinite(heights)
    for row, label in enumerate(table.texts("run")):
        look = row if len(table) <= ROWS_TOLD else 0
        style = {"marker": MARKERS[look], "facecolor": COLOURS[look], "edgecolor": "white", "linewidth": 0.4}
        place = np.where(known[row], values[row], np.nan)  # what is not known is in the legend all the same
        axes.scatter(place, heights[row], s=22, zorder=3, label=Path(label).name, **style)  # type: ignore[arg-type]
    bars = np.where(np.isfinite(errors), errors, 0.0)[known]
    axes.errorbar(
        values[known], heights[known], xerr=bars, fmt="none", ecolor="0.45", elinewidth=0.9, zorder=2
    )
    shown = values[known]
    if len(shown) and shown.min() > 0 and shown.max() > DECADE * shown.min():
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
        if shown.max() < SHORT * shown.min():
            axes.xaxis.set_major_locator(LogLocator(subs=(1, 4)))
            axes.xaxis.set_major_formatter(FormatStrFormatter("%g"))
