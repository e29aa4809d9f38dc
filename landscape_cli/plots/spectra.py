"""The density of eigenvalues over a logarithmic axis, and how it changes along a training."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.labels import panel_titles
from landscape_cli.plots.layers import draw_layers
from landscape_cli.plots.missing import edges
from landscape_cli.plots.options import Look
from landscape_cli.plots.panels import hide_inner_ticks, panels, write_axis_labels, write_titles
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
        common, own = panel_titles(surfaces, title, titles)
        figure, axes = panels(len(surfaces), ratio=0.72, margin=0.6, size=look.inches)
        draw = _densities if kind == "one epoch" else _histories
        draw(figure, axes, surfaces)
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
    for axis, surface in zip(axes, surfaces, strict=True):
        density = _spectra(surface).quadrature(0)
        if density is not None:
            mean, error = density.smooth(places, width)
            axis.plot(places, mean, color=LOSS)
            axis.fill_between(
                places, np.maximum(mean - 2 * error, 0), mean + 2 * error, color=LOSS, alpha=0.2, linewidth=0
            )
        ends = _ends(_spectra(surface))
        axis.plot(
            ends,
            np.full(len(ends), 0.03),
            transform=axis.get_xaxis_transform(),
            linestyle="none",
            marker="^",
            color=ACCURACY,
            markeredgewidth=0,
        )
        axis.set_yscale("log")
        axis.set_xlim(places[0], places[-1])
        axis.set_ylim(FLOOR / span, 3 / width)
        if density is None:
            axis.set_yticks([])
    hide_inner_ticks(axes, "y")
    write_axis_labels(figure, axes, [f"eigenvalue of the {_of(surface)}" for surface in surfaces], "x")
    write_axis_labels(figure, axes, ["density of eigenvalues"] * len(axes), "y")


def _ends(spectra: Spectra) -> Array:
    """Return the eigenvalues to mark."""
    values = spectra.eigenvalues[0][np.isfinite(spectra.eigenvalues[0])]
    if not spectra.whole or len(values) <= 2 * MARKED:
        return np.asarray(values)
    return np.concatenate([values[:MARKED], values[-MARKED:]])


def _histories(figure: Figure, axes: Sequence[Axes], surfaces: Sequence[Surface]) -> None:
    places, width = _range(surfaces)
    span = places[-1] - places[0]
    norm, cells = LogNorm(FLOOR / span, 1 / width, clip=True), None
    for axis, surface in zip(axes, surfaces, strict=True):
        spectra = _spectra(surface)
        columns = np.full((len(places), len(surface.x)), np.nan)
        for number in range(len(surface.x)):
            density = spectra.quadrature(number)
            if density is not None:
                columns[:, number] = np.maximum(density.smooth(places, width)[0], FLOOR / span)
        if np.isfinite(columns).any():
            cells = axis.pcolormesh(
                edges(surface.x),
                edges(places),
                columns,
                cmap=colormap(Look()),
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
