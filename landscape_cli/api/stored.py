"""Stored surfaces: read, measured, drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli import measures, store
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import write_text
from landscape_cli.store import Surface

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def read(path: str | Path) -> Surface:
    """Return the content of a surface file: ``x``, ``y``, ``values["train/loss"]``, ….

    Raises:
        LandscapeError: there is no such file, or it is none of a surface.
    """
    return store.read(Path(path))


def barrier(line: Surface, split: str = "train") -> tuple[float, float]:
    """Return the largest rise of the loss over the chord between alpha 0 and 1, and the alpha where it is.

    Raises:
        LandscapeError: the file is none of a line, lacks that split, or has no finite loss at 0 and 1.
    """
    if line.y is not None:
        raise LandscapeError(f"a barrier is that of a line, and {line.path} holds a plane")
    key = f"{split}/loss"
    if key not in line.values:
        raise unknown("values", key, line.values)
    try:
        return measures.barrier(line.x, line.values[key])
    except ValueError as error:
        raise LandscapeError(f"{line.path}: {error}") from error


def plot(
    surfaces: Surface | Sequence[Surface],
    out: str | Path | None = None,
    *,
    kind: str = "auto",
    value: str = "auto",
    split: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
) -> "Figure":
    """Draw one or several surfaces; return the figure, and with `out` write it.

    Args:
        surfaces: all lines, or all planes.
        out: a picture that ends in .png, .pdf or .svg; a page to turn and zoom, .html; or a trajectory that
            grows, .gif or .mp4.
        kind: ``line``, ``contour``, ``heatmap``, ``surface3d``, or ``auto``.
        value: ``loss`` or ``accuracy``; lines show both. Of `hessian` also ``largest_eigenvalue``,
            ``smallest_eigenvalue`` or ``eigenvalue_ratio``; ``auto``: the last where all have it, else loss.
        split: ``train`` or ``test``, of planes; ``auto``: ``train`` where there is one.
        scale: ``linear``, ``log`` or ``auto``.
        levels: of contours: how many, or their values.
        title: in place of the model's class.

    Raises:
        LandscapeError: an option that does not fit the surfaces, or another ending of `out`.
    """
    from landscape_cli.plots.animation import ANIMATED, save_animation
    from landscape_cli.plots.draw import draw, save  # Matplotlib takes half a second to import

    several = [surfaces] if isinstance(surfaces, Surface) else list(surfaces)
    options: dict[str, Any] = {"value": value, "split": split, "scale": scale, "title": title}
    figure = draw(several, kind=kind, levels=levels, **options)
    if out is not None and Path(out).suffix.lower() == ".html":
        from landscape_cli.plots.interactive import interactive_html  # plotly takes long to import

        write_text(Path(out), interactive_html(several, **options))
    elif out is not None and Path(out).suffix.lower() in ANIMATED:
        save_animation(several, Path(out), kind=kind, levels=levels, **options)
    elif out is not None:
        save(figure, Path(out))
    return figure
