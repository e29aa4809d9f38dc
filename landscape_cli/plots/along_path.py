"""The loss along a training's path beside that on its plane: how far the plane can be trusted."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.labels import panel_titles, value_label
from landscape_cli.plots.levels import number
from landscape_cli.plots.options import Look
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.plots.style import PAPER
from landscape_cli.plots.values import common_scale
from landscape_cli.store import Surface, Trajectory
from landscape_cli.store.trajectory import ALONG

PLACES = dict(zip(ALONG, ("at the checkpoint", "below it on the plane"), strict=True))


def draw_along_path(
    surfaces: Sequence[Surface],
    *,
    value: str,
    scale: str,
    title: str | None,
    titles: Sequence[str] | None,
    look: Look = PAPER,
) -> Figure:
    """Return the picture: of each file the loss at the checkpoints and below them on the plane, over epochs.

    Beside it is the share of each checkpoint's distance to the last one that lies outside of the plane.

    Args:
        surfaces: files of `landscape trajectory`.
        value: ``loss`` or ``accuracy``.
        scale: of the losses: ``auto``, ``linear`` or ``log``.
        title: in place of the one made of the runs' configurations.
        titles: of the files, likewise.
        look: size, font and style.

    Raises:
        LandscapeError: a file has no such values along a path.
    """
    common, own = panel_titles(surfaces, title, titles)
    if len(surfaces) == 1:
        common, own = own[0], [""]
    panels = []
    for surface, words in zip(surfaces, own, strict=True):
        path = _path_of(surface, value)
        factor = 100 if value == "accuracy" else 1
        curves = {
            (split, place): factor * getattr(path, place)[f"{split}_{value}"]
            for split in ("train", "test")
            for place in ALONG
            if f"{split}_{value}" in path.path
        }
        log = common_scale([*curves.values()], scale, may_be_log=value == "loss").log
        label = value_label("", value, [surface.run_config])
        series = [
            Series(f"{'training' if split == 'train' else split}, {PLACES[place]}", path.epoch, each)
            for (split, place), each in curves.items()
        ]
        panels.append(Panel(words, "epoch", label, series, log="y" if log else ""))
        share = Series("", path.epoch, 100 * path.outside, look=len(series))
        panels.append(
            Panel("", "epoch", "distance to the last checkpoint\noutside of the plane (%)", [share])
        )
    return draw_panels(panels, title=common, look=look)


def note(surfaces: Sequence[Surface]) -> str:
    """Return what a picture of planes says of the loss below their paths; empty where there is none."""
    ratios = []
    for surface in surfaces:
        path = surface.trajectory
        if path is None or "train_loss" not in path.path:
            continue
        there, below = path.path["train_loss"], path.plane["train_loss"]
        known = np.isfinite(there) & np.isfinite(below) & (there > 0)
        ratios += (below[known] / there[known]).tolist()
    if not ratios:
        return ""
    least, most = (number(float(f"{ratio:.2g}")) for ratio in (min(ratios), max(ratios)))
    return f"below the checkpoints the plane's training loss is {least} to {most} times theirs (kind=path)"


def _path_of(surface: Surface, value: str) -> Trajectory:
    path = surface.trajectory
    if path is None:
        raise LandscapeError(
            f"kind=path draws what `landscape trajectory` wrote, and {surface.path} has no path"
        )
    if not any(name.endswith(value) for name in path.path):
        raise LandscapeError(
            f"{surface.path} has no {value} along its path; run `landscape trajectory` again, to another out="
        )
    if all(np.isnan(values).all() for values in path.path.values()):
        raise LandscapeError(f"{surface.path}: its path is not evaluated yet; run the same command again")
    return path
