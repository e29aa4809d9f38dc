"""The ends of the Hessian's spectrum, layer by layer."""

from collections.abc import Sequence

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.labels import panel_titles
from landscape_cli.plots.panels import Picture, write_titles
from landscape_cli.plots.style import ACCURACY, COLUMN, INK, LOSS, PAGE
from landscape_cli.store import Surface

ROUNDING = 1e-9  # of the largest eigenvalue: a smallest one within it is zero
ROW = 0.14  # inches a layer
MARKS = {
    "largest_eigenvalue": {"marker": "o", "color": LOSS, "label": "largest eigenvalue"},
    "smallest_eigenvalue": {"marker": "<", "color": ACCURACY, "label": "|smallest|, where negative"},
    "trace": {"marker": "|", "color": INK, "label": "mean eigenvalue (trace / weights)"},
}


def _layers(surface: Surface) -> list[str] | None:
    return surface.layers if surface.spectrum is None else surface.spectrum.layers


def _values(surface: Surface, name: str) -> Array | None:
    """Return a value of each layer, of a spectrum's history at its last epoch; None: the file has it not."""
    if name not in surface.values or (name.endswith("trace") and surface.spectrum is None):
        return None
    values = surface.values[name]
    if surface.spectrum is None:
        return values
    values = values[:, -1]
    if name.endswith("trace"):
        return np.asarray(values / np.array(surface.spectrum.sizes))
    largest = surface.values[f"{name.partition('/')[0]}/largest_eigenvalue"][:, -1]
    return np.asarray(np.where(np.abs(values) > ROUNDING * largest, values, 0.0))


def titles_with_epoch(
    surfaces: Sequence[Surface], title: str | None, titles: Sequence[str] | None
) -> tuple[str, list[str]]:
    """Return titles as `panel_titles`; that of a single spectrum at a run's last epoch tells which one."""
    common, own = panel_titles(surfaces, title, titles)
    first = surfaces[0]
    if len(surfaces) > 1 or title is not None or titles is not None or first.spectrum is None:
        return common, own
    if first.run_config and (first.spectrum.layers is not None or first.config.get("epoch") == "last"):
        own = [f"{own[0]}, epoch {first.x[-1]:.0f}"]
    return common, own


def draw_layers(
    surfaces: Sequence[Surface],
    *,
    title: str | None = None,
    titles: Sequence[str] | None = None,
    size: tuple[float, float] | None = None,
) -> Figure:
    """Return the eigenvalues of each layer's block, a row a layer, the first one on top; a panel a file.

    The axis is logarithmic, so of the smallest eigenvalue there is the modulus where it is negative.

    Raises:
        LandscapeError: the files are not all of the same layers.
    """
    layers = _layers(surfaces[0])
    for other in surfaces:
        if _layers(other) != layers or layers is None:
            raise LandscapeError(
                f"{surfaces[0].path} and {other.path} are not of the same layers; draw them in two pictures"
            )
    common, own = titles_with_epoch(surfaces, title, titles)
    if len(own) == 1:  # the names of layers leave a single panel narrower than its title
        common, own = own[0] or common, [""]
    usual = (COLUMN if len(surfaces) == 1 else PAGE, 0.9 + ROW * len(layers or ()))
    figure = Picture(figsize=size or usual, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(surfaces), sharex=True, sharey=True, squeeze=False)
    for axis, surface in zip(axes[0], surfaces, strict=True):
        split = "train" if "train/loss" in surface.values else "test"
        for end, look in MARKS.items():
            values = _values(surface, f"{split}/{end}")
            if values is None:
                continue
            shown = -values if end.startswith("smallest") else values
            with np.errstate(invalid="ignore"):
                visible = np.where(shown > 0, shown, np.nan)
            if np.isfinite(visible).any():
                axis.plot(visible, range(len(values)), linestyle="none", markersize=3.5, **look)
        axis.set_xscale("log")
        axis.set_xlabel(f"eigenvalue of the block ({ {'train': 'training', 'test': 'test'}[split] } loss)")
        axis.grid(axis="y", color="0.9", linewidth=0.5)
    axes[0, 0].set_yticks(range(len(layers or ())), layers or [])
    low, high = axes[0, 0].get_xlim()
    axes[0, 0].set_xlim(10 ** np.floor(np.log10(low)), 10 ** np.ceil(np.log10(high)))
    axes[0, 0].set_ylim(len(layers or ()) - 0.5, -0.5)
    write_titles(figure, axes[0], own, common)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=1 if len(surfaces) == 1 else 3)
    return figure
