"""The density of eigenvalues over a logarithmic axis, and how it changes along a training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.layers import draw_layers, titles_with_epoch
from landscape_cli.plots.missing import edges
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import (
    hide_inner_ticks,
    panels,
    write_axis_labels,
    write_legend,
    write_titles,
)
from landscape_cli.plots.style import ACCURACY, INK, LOSS, colormap, styled
from landscape_cli.store import Spectra, Surface
from landscape_cli.store.spectrum import NAMES

SMOOTHED = 0.01  # of the range of all eigenvalues: the standard deviation of the Gaussians
PLACES = 1000
MARKED = 10  # eigenvalues at either end, of all that there are
FLOOR = 1e-6  # of a density that is even over the range: below it nothing is drawn


def draw_spectra(
    surfaces: Sequence[Surface], *, title: str | None, titles: Sequence[str] | None, look: Look
) -> Figure:
    """Return the picture of files of `landscape spectrum`, side by side on shared axes.

    Of one epoch it is the density, with two standard errors over the random vectors around it and the
    eigenvalues at the ends as marks; of several a map of the density over the epochs, with the largest
    eigenvalues as lines; of layers the ends of each layer's spectrum, at the last epoch.

    Raises:
        LandscapeError: the files do not fit into one picture, or nothing is computed yet.
    """
    kinds = {kind_of(surface) for surface in surfaces}
    if len(kinds) > 1:
        raise LandscapeError(
            f"{surfaces[0].path} and the others hold {' and '.join(sorted(kinds))}; draw them apart"
        )
    (kind,) = kinds
    with styled(look):
        if kind == "layers":
            return draw_layers(surfaces, title=title, titles=titles, size=look.inches)
        common, own = titles_with_epoch(surfaces, title, titles)
        figure, axes = panels(len(surfaces), ratio=0.72, margin=0.6, size=look.inches)
        if kind == "one epoch":
            _densities(figure, axes, surfaces)
        else:
            _histories(figure, axes, surfaces, look)
        write_titles(figure, axes, own, common)
        return figure


def kind_of(surface: Surface) -> str:
    """Return what a file of `landscape spectrum` holds: ``layers``, ``one epoch`` or ``a history``."""
    if _spectra(surface).layers is not None:
        return "layers"
    return "one epoch" if len(surface.x) == 1 else "a history"


def _spectra(surface: Surface) -> Spectra:
    if surface.spectrum is None:
        raise LandscapeError(
            f"kind=spectrum draws what `landscape spectrum` wrote, and {surface.path} is of another command"
        )
    return surface.spectrum


def _range(surfaces: Sequence[Surface]) -> tuple[Array, float]:
    """Return places that hold all eigenvalues, and the width of the Gaussians."""
    known = []
    for surface in surfaces:
        spectra = _spectra(surface)
        found = np.concatenate([spectra.eigenvalues.ravel(), spectra.nodes.ravel()])
        if not np.isfinite(found).any():
            raise LandscapeError(f"{surface.path}: nothing is computed yet; run the same command again")
        known.append(found[np.isfinite(found)])
    low, high = (float(end(np.concatenate(known))) for end in (np.min, np.max))
    span = (high - low) or abs(high) or 1.0
    return np.linspace(low - 0.05 * span, high + 0.05 * span, PLACES), SMOOTHED * span


def _densities(figure: Figure, axes: Sequence[Axes], surfaces: Sequence[Surface]) -> None:
    places, width = _range(surfaces)
    span = places[-1] - places[0]
    densities = [_spectra(surface).quadrature(0) for surface in surfaces]
    if all(density is None for density in densities):
        _by_rank(figure, axes, surfaces)
        return
    handles: dict[str, Artist] = {}
    for axis, surface, density in zip(axes, surfaces, densities, strict=True):
        if density is not None:
            mean, error = density.smooth(places, width)
            (handles[f"density, smoothed by {width:.2g}"],) = axis.plot(places, mean, color=LOSS)
            band = axis.fill_between(
                places, np.maximum(mean - 2 * error, 0), mean + 2 * error, color=LOSS, alpha=0.2, linewidth=0
            )
            if (error > 0).any():
                handles["two standard errors"] = band
        ends = _ends(_spectra(surface))
        (marks,) = axis.plot(
            ends,
            np.full(len(ends), 0.03),
            transform=axis.get_xaxis_transform(),
            linestyle="none",
            marker="^",
            color=ACCURACY,
            markeredgewidth=0,
        )
        if len(ends):
            handles["eigenvalues at the ends"] = marks
        axis.set_yscale("log")
        axis.set_xlim(places[0], places[-1])
        axis.set_ylim(FLOOR / span, 3 / width)
        if density is None:
            axis.set_yticks([])
    hide_inner_ticks(axes, "y")
    write_axis_labels(figure, axes, [f"eigenvalue of the {_of(surface)}" for surface in surfaces], "x")
    write_axis_labels(figure, axes, ["density of eigenvalues"] * len(axes), "y")
    entries = list(handles.items())
    for name, handle in entries:
        handle.set_label(name)
    write_legend(figure, [handle for _, handle in entries], 2 if len(axes) == 1 else 4)


def _by_rank(figure: Figure, axes: Sequence[Axes], surfaces: Sequence[Surface]) -> None:
    """Draw the eigenvalues that are known, in order, where no density is."""
    for axis, surface in zip(axes, surfaces, strict=True):
        values = _ends(_spectra(surface))
        axis.plot(np.arange(1, len(values) + 1), values, linestyle="none", marker="o", color=LOSS)
        axis.axhline(0.0, color="0.45", linewidth=1.0, linestyle=":", zorder=1)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    write_axis_labels(figure, axes, ["in ascending order"] * len(axes), "x")
    write_axis_labels(figure, axes, [f"eigenvalue of the {_of(surface)}" for surface in surfaces], "y")


def _ends(spectra: Spectra) -> Array:
    """Return the eigenvalues to mark."""
    values = spectra.eigenvalues[0][np.isfinite(spectra.eigenvalues[0])]
    if not spectra.whole or len(values) <= 2 * MARKED:
        return np.asarray(values)
    return np.concatenate([values[:MARKED], values[-MARKED:]])


def _histories(figure: Figure, axes: Sequence[Axes], surfaces: Sequence[Surface], look: Look) -> None:
    places, width = _range(surfaces)
    span = places[-1] - places[0]
    norm, cells = LogNorm(FLOOR / span, 1 / width, clip=True), None
    for axis, surface in zip(axes, surfaces, strict=True):
        spectra = _spectra(surface)
        columns = np.full((len(places), len(surface.x)), np.nan)
        for column in range(len(surface.x)):
            density = spectra.quadrature(column)
            if density is not None:
                columns[:, column] = np.maximum(density.smooth(places, width)[0], FLOOR / span)
        if np.isfinite(columns).any():
            cells = axis.pcolormesh(
                edges(surface.x),
                edges(places),
                columns,
                cmap=colormap(look),
                norm=norm,
                rasterized=True,
            )
        count = min(MARKED, spectra.eigenvalues.shape[1])
        lines = spectra.eigenvalues[:, spectra.eigenvalues.shape[1] - count :]
        color = "white" if cells is not None else INK
        axis.plot(surface.x, lines, color=color, linewidth=0.7, marker=".", clip_on=False)
        axis.set_xlim(surface.x[0], surface.x[-1])  # cells at the ends are halves: there is no later epoch
        axis.set_ylim(places[0], places[-1])
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    hide_inner_ticks(axes, "y")
    write_axis_labels(figure, axes, ["epoch"] * len(axes), "x")
    write_axis_labels(figure, axes, [f"eigenvalue of the {_of(surface)}" for surface in surfaces], "y")
    if cells is not None:
        figure.colorbar(cells, ax=list(axes), label="density of eigenvalues", extend="min")


def _of(surface: Surface) -> str:
    split = "training" if any(name.startswith("train/") for name in surface.values) else "test"
    return f"{NAMES[_spectra(surface).operator]}\n({split} loss)"
