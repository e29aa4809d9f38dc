"""What moves, as a GIF or an MP4: a training's path that grows on its plane, or a landscape that turns."""

import math
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matplotlib.animation import AbstractMovieWriter, FFMpegWriter, PillowWriter
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d import Axes3D  # type: ignore[import-untyped]

from landscape_cli.errors import LandscapeError
from landscape_cli.files import naming, replacing
from landscape_cli.plots.draw import draw
from landscape_cli.plots.labels import panel_titles, value_label
from landscape_cli.plots.levels import number
from landscape_cli.plots.options import Look
from landscape_cli.plots.style import ACCURACY, INK, PAPER, styled
from landscape_cli.plots.surface3d import AZIMUTH, ELEVATION
from landscape_cli.plots.trajectory import PATH
from landscape_cli.plots.values import check_value, chosen
from landscape_cli.store import Surface, Trajectory

ANIMATED = (".gif", ".mp4")
"""Endings of the files that hold an animation."""

SECONDS = 6.0  # that the path grows for, where the rates allow
RATES = (3, 25)  # frames a second, the slowest and the fastest
HOLD = 1.5  # seconds that the whole path stays
TURN = 60  # frames of a landscape that turns, in as many seconds
DPI = 200
FLAT = ("auto", "contour", "heatmap")  # the kinds on which a path is drawn


def save_animation(
    surfaces: Sequence[Surface],
    path: Path,
    *,
    kind: str = "auto",
    value: str = "auto",
    split: str = "auto",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    title: str | None = None,
    look: Look = PAPER,
) -> None:
    """Write the animation of a trajectory or, with ``kind="surface3d"``, of planes that turn once around.

    A trajectory has a frame a checkpoint, titled with its epoch and the value that training recorded. The
    file appears whole or not at all. Arguments as for `draw`.

    Raises:
        LandscapeError: it is neither planes nor one file with a trajectory, they lack the value, no animation
            is of that kind, or ffmpeg is missing.
    """
    value, split = chosen(surfaces, value, split)
    options: dict[str, Any] = {"value": value, "split": split, "scale": scale, "levels": levels, "look": look}
    if kind == "surface3d":
        check_value(surfaces, value)
        writer = writer_for(path, round(TURN / SECONDS))
        figure = draw(surfaces, kind=kind, title=title, turning=True, **options)
        spaces = [axes for axes in figure.axes if isinstance(axes, Axes3D)]
        with written(figure, path, writer, look):
            for frame in range(TURN):
                for axes in spaces:
                    axes.view_init(ELEVATION, AZIMUTH + 360 * frame / TURN)
                writer.grab_frame()
        return
    if len(surfaces) != 1 or surfaces[0].trajectory is None:
        got = f"{len(surfaces)} files" if len(surfaces) != 1 else f"{surfaces[0].path}, which has none"
        raise LandscapeError(
            f"out={path} animates the trajectory of one file that `landscape trajectory` wrote, got {got};"
            " a plane turns with kind=surface3d"
        )
    if kind not in FLAT:
        raise LandscapeError(f"kind={kind} cannot be animated; choose kind={', '.join(FLAT)} or surface3d")
    check_value(surfaces, value)
    trajectory = surfaces[0].trajectory
    count = len(trajectory.epoch)
    rate = min(max(round(count / SECONDS), RATES[0]), RATES[1])
    writer = writer_for(path, rate)
    heading = panel_titles(surfaces, title)[1][0]
    told = [f"{heading}\n{_words(trajectory, index, split, value)}" for index in range(count)]
    figure = draw(surfaces, kind=kind, title=max(told, key=len), **options)
    figure.set_layout_engine("none")  # it is laid out: nothing moves from frame to frame
    axes = figure.axes[0]
    heading = axes.get_title().rpartition("\n")[0]  # broken into lines that fit
    with written(figure, path, writer, look):
        for index in range(count):
            axes.set_title(f"{heading}\n{_words(trajectory, index, split, value)}")
            _show_until(axes, trajectory, index)
            writer.grab_frame()
        for _ in range(round(HOLD * rate)):  # in a GIF these become one long frame
            writer.grab_frame()


@contextmanager
def written(figure: Figure, path: Path, writer: AbstractMovieWriter, look: Look) -> Iterator[None]:
    """Let the body grab frames of a figure with `writer`, which become the file, whole or not at all."""
    with styled(look), tempfile.TemporaryDirectory(prefix="landscape-") as folder:
        whole = Path(folder, f"animation{path.suffix.lower()}")
        with _telling_of_ffmpeg(path), writer.saving(figure, str(whole), look.dpi or DPI):
            yield
        with replacing(path) as temporary, naming(path):
            temporary.write_bytes(whole.read_bytes())


def writer_for(path: Path, rate: int) -> AbstractMovieWriter:
    """Return what writes a GIF or an MP4 of so many frames a second.

    Raises:
        LandscapeError: an MP4 needs ffmpeg, which is missing.
    """
    if path.suffix.lower() == ".gif":
        return PillowWriter(fps=rate)
    if not FFMpegWriter.isAvailable():
        raise LandscapeError(f"out={path} needs the program ffmpeg, which is not installed; choose out=….gif")
    return FFMpegWriter(fps=rate, codec="h264", extra_args=["-pix_fmt", "yuv420p"])


@contextmanager
def _telling_of_ffmpeg(path: Path) -> Iterator[None]:
    """Let a failure of ffmpeg be told as one."""
    try:
        yield
    except (subprocess.CalledProcessError, BrokenPipeError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise LandscapeError(f"ffmpeg cannot write {path} ({reason}); choose out=….gif") from error


def _words(trajectory: Trajectory, index: int, split: str, value: str) -> str:
    """Return the last line of a frame's title: ``epoch 12: training loss 0.0312``."""
    recorded = getattr(trajectory, f"{split}_{value}")[index]
    words = value_label(split, value, []).removesuffix(" (%)")
    if value == "accuracy":
        shown = f"{100 * recorded:.1f} %"
    else:
        shown = number(float(f"{recorded:.3g}")) if math.isfinite(recorded) else f"{recorded:g}"
    return f"epoch {trajectory.epoch[index]}: {words} {shown}"


def _show_until(axes: Axes, trajectory: Trajectory, index: int) -> None:
    """Show the path up to a checkpoint, and a larger dot there."""
    shown: dict[str, Any] = {str(line.get_label()): line for line in axes.lines if line.get_gid() == PATH}
    if "now" not in shown:
        (shown["now"],) = axes.plot(
            [],
            [],
            marker="o",
            markersize=6,
            markerfacecolor=ACCURACY,
            markeredgecolor=INK,
            zorder=5.5,
            label="now",
            gid=PATH,
        )
    for label, line in shown.items():
        start = index if label == "now" else 0
        line.set_data(trajectory.x[start : index + 1], trajectory.y[start : index + 1])
