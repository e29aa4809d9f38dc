"""Files of pictures of descents: pictures, animations of paths that grow, interactive pages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from mpl_toolkits.mplot3d.art3d import Line3D, Poly3DCollection  # type: ignore[import-untyped]

from landscape_cli.errors import LandscapeError
from landscape_cli.files import write_text
from landscape_cli.plots.animation import ANIMATED, writer_for, written
from landscape_cli.plots.descents import draw_descents, resolve_kind
from landscape_cli.plots.descents_on_planes import END, PATH
from landscape_cli.plots.draw import save
from landscape_cli.plots.options import Look
from landscape_cli.plots.style import PAPER, small
from landscape_cli.store.descent import Descent

FRAMES = 90  # of an animation, at most
RATE = 15  # frames a second
SHADES = 32  # of a landscape that is animated
HOLD = 1.5  # seconds that the whole paths stay


def write_descents(
    descents: Sequence[Descent],
    out: Path | None,
    *,
    kind: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
    look: Look = PAPER,
) -> Figure:
    """Draw descents into `out` and return the figure.

    `out` is a picture; or, .gif or .mp4, an animation of the paths; or, .html, an interactive page.

    Arguments as for `draw_descents`.

    Raises:
        LandscapeError: the kind does not fit a file or the ending of `out`.
    """
    suffix = "" if out is None else out.suffix.lower()
    options: dict[str, Any] = {"scale": scale, "levels": levels, "title": title, "look": look}
    if out is not None and suffix == ".html":
        if kind not in ("auto", "interactive"):
            raise LandscapeError(f"kind={kind} is a picture; let out= end in .png, .pdf or .svg, not .html")
        from landscape_cli.plots.interactive import html_page
        from landscape_cli.plots.interactive_descents import descent_figure

        figure = draw_descents(descents, **options)
        page = descent_figure(descents, scale=scale, title=title, look=look)
        write_text(out, html_page(title or descents[0].name, [page], look))
        return figure
    moving = suffix in ANIMATED
    if moving and resolve_kind(descents, kind) not in ("contour", "surface3d"):
        raise LandscapeError(
            f"kind={kind} of these files cannot be animated; choose kind=contour or surface3d"
        )
    figure = draw_descents(descents, kind=kind, **options)
    if out is not None and moving:
        _save_growing(figure, descents, out, look)
    elif out is not None:
        save(figure, out, look)
    return figure


def _save_growing(figure: Figure, descents: Sequence[Descent], out: Path, look: Look) -> None:
    """Write a frame for each kept step, or for as many as there is time for: the paths up to there."""
    writer = writer_for(out, RATE)
    figure.draw_without_rendering()
    figure.set_layout_engine("none")  # it is laid out: nothing moves from frame to frame
    panels = [found for axes in figure.axes if (found := _drawn(axes, PATH))]
    lines = [line for found in panels for line in found]
    whole = [_points(line) for line in lines]
    ends = [line for axes in figure.axes for line in _drawn(axes, END)]
    told_at = [next(iter(descent.paths.values())).steps for descent in descents]
    steps = np.unique(np.concatenate(told_at))
    for space in figure.axes:
        for ground in space.collections:
            if isinstance(ground, Poly3DCollection):  # a GIF has 256 colours, and the paths need theirs
                ground.set_cmap(ListedColormap(ground.get_cmap()(np.linspace(0, 1, SHADES))))
                ground.set_alpha(1.0)
                ground.set_antialiased(False)
    with written(figure, out, writer, look):
        told = figure.text(0.01, 0.99, "", va="top", fontsize=small())
        for step in steps[_frames(len(steps))]:
            told.set_text(f"step {step:.0f}")
            indices = [
                int(np.searchsorted(kept, step, side="right")) - 1  # the last one that is kept, up to it
                for kept, found in zip(told_at, panels, strict=True)
                for _ in found
            ]
            _show_until(lines, whole, indices)
            # a path is drawn twice, on a white band, and has one end
            for end, points, index in zip(ends, whole[1::2], indices[1::2], strict=False):
                here = points[:2, index]
                end.set_data([here[0]], [here[1]])
            writer.grab_frame()
        for _ in range(round(HOLD * RATE)):
            writer.grab_frame()


def _drawn(axes: Axes, gid: str) -> list[Line2D]:
    """Return the lines of a panel that are paths, or ends of paths."""
    return [line for line in axes.lines if line.get_gid() == gid]


def _frames(count: int) -> list[int]:
    """Return the indices of the frames: denser at the beginning, where most happens; the last is the last."""
    if count <= FRAMES:
        return list(range(count))
    places = (count - 1) * np.linspace(0, 1, FRAMES) ** 2
    return [int(place) for place in np.unique(np.round(places))]


def _points(line: Line2D) -> Any:
    """Return the coordinates of a drawn line, (2 or 3, k)."""
    return np.array(line.get_data_3d() if isinstance(line, Line3D) else line.get_data())


def _show_until(lines: Sequence[Line2D], whole: Sequence[Any], indices: Sequence[int]) -> None:
    for line, points, index in zip(lines, whole, indices, strict=True):
        shown = points[:, : index + 1]
        if isinstance(line, Line3D):
            line.set_data_3d(*shown)
        else:
            line.set_data(*shown)
