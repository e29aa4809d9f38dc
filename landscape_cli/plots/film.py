"""Pictures one after the other, as a GIF or an MP4: a landscape as training goes on, a curve that grows."""

import dataclasses
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.animation import DPI, HOLD, RATES, SECONDS, save_animation, writer_for, written
from landscape_cli.plots.draw import OF_PLANES, resolve_kind
from landscape_cli.plots.options import Look
from landscape_cli.plots.planes import planes
from landscape_cli.plots.style import PAPER, styled
from landscape_cli.plots.values import check_value, chosen
from landscape_cli.store import Surface

SLOWEST = 1  # frames a second, of a few pictures


def frames(
    surfaces: Sequence[Surface],
    *,
    kind: str = "auto",
    value: str = "auto",
    split: str = "auto",
    look: Look = PAPER,
    **options: Any,
) -> list[Figure]:
    """Return a picture of each plane, all on the same levels and limits.

    Args:
        surfaces: planes.
        kind: one of `OF_PLANES`, or auto.
        value: as for `draw`, as are the others.
        split: of planes.
        look: size, fonts, colours and limits.
        options: ``scale``, ``levels``, ``title`` and ``titles``.

    Raises:
        LandscapeError: a file is no plane or lacks the values; the kind, the scale or the levels do not fit.
    """
    value, split = chosen(surfaces, value, split)
    kind = resolve_kind(surfaces, kind, value)
    if kind not in OF_PLANES:
        raise LandscapeError(f"kind={kind} is no film; planes follow each other with {', '.join(OF_PLANES)}")
    check_value(surfaces, value)
    with styled(look):
        shared = planes(surfaces, value=value, split=split, look=look, **options)
        each = zip(shared.surfaces, shared.values, shared.lines, shared.own, strict=True)
        return [
            OF_PLANES[kind](
                dataclasses.replace(shared, surfaces=[surface], values=[values], lines=[lines], own=[own])
            )
            for surface, values, lines, own in each
        ]


def animate(
    surfaces: Sequence[Surface], path: Path, *, kind: str = "auto", look: Look = PAPER, **options: Any
) -> None:
    """Write what there is to move: several planes one after the other, else as `save_animation` does.

    Raises:
        LandscapeError: as `frames` and `save_animation`.
    """
    if len(surfaces) > 1 and kind != "surface3d":  # those turn
        save_film(frames(surfaces, kind=kind, look=look, **options), path, look)
    else:
        save_animation(surfaces, path, kind=kind, look=look, **options)


def save_film(pictures: Sequence[Figure], path: Path, look: Look = PAPER) -> None:
    """Write pictures of one size as an animation, the last one held; the file appears whole or not at all.

    Raises:
        LandscapeError: an MP4 needs ffmpeg, which is missing.
    """
    rate = min(max(round(len(pictures) / SECONDS), SLOWEST), RATES[1])
    writer = writer_for(path, rate)
    stage = Figure(figsize=tuple(pictures[0].get_size_inches()))
    with written(stage, path, writer, look):
        for picture in pictures:
            stage.clear()
            stage.figimage(_pixels(picture, look.dpi or DPI))
            writer.grab_frame()
        for _ in range(round(HOLD * rate)):
            writer.grab_frame()


def _pixels(picture: Figure, dpi: float) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Return a picture as (height, width, 4)."""
    content = io.BytesIO()
    picture.savefig(content, format="rgba", dpi=dpi)
    width, height = (int(inches * dpi) for inches in picture.get_size_inches())
    return np.frombuffer(content.getvalue(), np.uint8).reshape(height, width, 4)
