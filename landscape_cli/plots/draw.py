"""From stored surfaces to a picture: the kinds there are, and writing them to a file."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import replacing
from landscape_cli.plots.along_path import draw_along_path
from landscape_cli.plots.contours import draw_contours
from landscape_cli.plots.heatmaps import draw_heatmaps
from landscape_cli.plots.layers import draw_layers
from landscape_cli.plots.lines import draw_lines
from landscape_cli.plots.merge_trees import draw_merge_trees
from landscape_cli.plots.options import Look
from landscape_cli.plots.persistence import draw_persistence
from landscape_cli.plots.planes import Planes, planes
from landscape_cli.plots.spectra import draw_spectra
from landscape_cli.plots.style import PAPER, styled
from landscape_cli.plots.surface3d import draw_surfaces
from landscape_cli.plots.values import EIGENVALUES, check_value, chosen
from landscape_cli.store import Surface

KINDS = {
    "auto": "line for lines and interpolations, contour for planes, heatmap for eigenvalues over them",
    "line": "loss (left axis) and accuracy (right axis) along a line; training solid, test dashed",
    "contour": "labelled level lines over a plane",
    "heatmap": "one coloured cell a point of a plane",
    "surface3d": "a plane's loss as a landscape",
    "path": "of a trajectory: the loss at its checkpoints, and below them on the plane, over epochs",
    "spectrum": "the density of eigenvalues, logarithmic; over epochs as a map; of layers the ends",
    "merge_tree": "the basins of a line or plane, and over which pass each merges into a lower one",
    "persistence": "the loss where each basin appears and that where it merges (persistence diagram)",
    "interactive": "an HTML page to turn, zoom and read values from; opens without a network",
}
"""Name of each kind of picture -> what it shows, in a line."""

OF_PLANES: dict[str, Callable[[Planes], Figure]] = {
    "contour": draw_contours,
    "heatmap": draw_heatmaps,
    "surface3d": draw_surfaces,
}
"""Kind of a picture of planes -> what draws it."""

OF_BASINS: dict[str, Callable[..., Figure]] = {
    "merge_tree": draw_merge_trees,
    "persistence": draw_persistence,
}
"""Kind of a picture of basins, of lines or of planes -> what draws it."""

_METADATA: dict[str, dict[str, Any]] = {
    ".png": {},
    ".pdf": {"CreationDate": None},
    ".svg": {"Date": None},
}


def resolve_kind(surfaces: Sequence[Surface], kind: str, value: str = "loss") -> str:
    """Return the kind that `kind` means for a value of these files: ``auto`` becomes one that fits.

    Raises:
        LandscapeError: no such kind, no file, lines and planes together, or a kind that does not fit a file.
    """
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    if not surfaces:
        raise LandscapeError("nothing to draw: say file= with one or several HDF5 files")
    first = surfaces[0]
    spectra = next((surface for surface in surfaces if surface.spectrum is not None), None)
    if spectra is not None and kind not in ("auto", "spectrum"):
        raise LandscapeError(
            f"kind={kind} does not draw the spectrum in {spectra.path}; choose kind=spectrum"
        )
    if kind == "spectrum" or spectra is not None:
        return "spectrum"
    for other in surfaces:
        if (other.y is None) != (first.y is None):
            raise LandscapeError(
                f"{first.path} holds {_shape(first)} and {other.path} {_shape(other)}; "
                "draw them in two pictures"
            )
    if len(first.x) == 1:
        raise LandscapeError(f"{first.path} holds a single point; a picture needs a line or a plane")
    if kind == "auto":
        if first.y is None:
            return "line"
        return "heatmap" if value in EIGENVALUES else "contour"  # these maps are coarse and rough
    if first.y is None and kind in OF_PLANES:
        raise LandscapeError(
            f"kind={kind} draws planes and {first.path} holds a line; choose kind=line or interactive"
        )
    if first.y is not None and kind == "line":
        fitting = ", ".join([*OF_PLANES, "interactive"])
        raise LandscapeError(f"kind=line draws lines and {first.path} holds a plane; choose kind={fitting}")
    return kind


def draw(
    surfaces: Sequence[Surface],
    *,
    kind: str = "auto",
    value: str = "auto",
    split: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    persistence: float | None = None,
    title: str | None = None,
    titles: Sequence[str] | None = None,
    look: Look = PAPER,
    turning: bool = False,
) -> Figure:
    """Return the picture of one or several stored files, several side by side on shared levels and limits.

    Args:
        surfaces: all lines, or all planes.
        kind: one of `KINDS` but ``interactive``, which is no figure.
        value: ``loss``, ``accuracy`` or another one that the files hold; lines show these two together.
            ``auto``: the eigenvalue ratio of files that `landscape hessian` wrote, otherwise the loss.
        split: ``train`` or ``test``, of planes; lines show both. ``auto``: ``train`` where every file has it.
        scale: of the values: ``linear``, ``log`` or ``auto`` (logarithmic for losses over a factor of 30).
        levels: of contours: how many, or their values; a list's ends also limit heat maps and 3D surfaces.
        persistence: of basins that are drawn, in units of the loss; None: a hundredth of the rise from the
            lowest to the median loss.
        title: in place of the one made of the runs' configurations.
        titles: of the panels, likewise.
        look: size, fonts, colours and limits, where they are not those of a paper.
        turning: leave room for a landscape to be seen from all sides.

    Raises:
        LandscapeError: the kind does not fit a file or an option, values are missing, or an option is out of
            range.
    """
    value, split = chosen(surfaces, value, split)
    kind = resolve_kind(surfaces, kind, value)
    if persistence is not None and kind not in OF_BASINS:
        raise LandscapeError(
            f"persistence={persistence:g} is of kind={' and '.join(OF_BASINS)}; leave it out for kind={kind}"
        )
    if kind == "interactive":
        raise LandscapeError("kind=interactive is an HTML page; choose out= with the ending .html")
    if kind == "spectrum":
        return draw_spectra(surfaces, title=title, titles=titles, look=look)
    if any(surface.layers is not None for surface in surfaces):
        with styled(look):
            return draw_layers(surfaces, title=title, titles=titles, size=look.inches)
    check_value(surfaces, value)
    with styled(look):
        if kind in OF_BASINS:
            told = {"value": value, "split": split, "scale": scale, "persistence": persistence}
            return OF_BASINS[kind](surfaces, **told, title=title, titles=titles, look=look)
        if kind == "path":
            return draw_along_path(surfaces, value=value, scale=scale, title=title, titles=titles, look=look)
        if kind == "line":
            return draw_lines(surfaces, value=value, scale=scale, title=title, titles=titles, look=look)
        shared = planes(
            surfaces,
            value=value,
            split=split,
            scale=scale,
            levels=levels,
            title=title,
            titles=titles,
            look=look,
        )
        return (
            draw_surfaces(shared, turning=True)
            if turning and kind == "surface3d"
            else OF_PLANES[kind](shared)
        )


def save(figure: Figure, path: Path, look: Look = PAPER) -> None:
    """Write a picture as PNG (200 dots per inch), PDF or SVG, as the ending of `path` says.

    The file appears whole or not at all. Equal pictures give equal files: no date is written into them.

    Raises:
        LandscapeError: another ending.
    """
    suffix = path.suffix.lower()
    if suffix not in _METADATA:
        raise LandscapeError(
            f"cannot write {path}: pictures end in {', '.join(_METADATA)}, interactive pages in .html"
        )
    # In PDF and SVG only the cells of heat maps are pixels, and those should not show.
    dpi = look.dpi or (200 if suffix == ".png" else 600)
    content = io.BytesIO()  # on a full disk matplotlib's own writers fail in ways of their own
    with styled(look):
        figure.savefig(content, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix])
    with replacing(path) as temporary:
        temporary.write_bytes(content.getbuffer())


def png(figure: Figure) -> bytes:
    """Return a picture as the content of a PNG file, 200 dots per inch."""
    content = io.BytesIO()
    with styled():
        figure.savefig(content, format="png", dpi=200)
    return content.getvalue()


def _shape(surface: Surface) -> str:
    return "a line" if surface.y is None else "a plane"
