"""Stored surfaces: read, measured, drawn."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landscape_cli import measures, store
from landscape_cli.api.options import with_options
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.files import write_text
from landscape_cli.keys import require
from landscape_cli.plots.options import Look
from landscape_cli.runs import open_run
from landscape_cli.store import Surface
from landscape_cli.store.descent import Descent, is_descent, read_descent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from landscape_cli.api.runs import OpenedRun
    from landscape_cli.plots.histories import History


def read(path: str | Path) -> "Surface | Descent":
    """Return the content of a file: of a surface ``x``, ``y``, ``values["train/loss"]``, …; of descents
    ``paths["adam"].points``, ….

    Raises:
        LandscapeError: there is no such file, or it is none of these.
    """
    return read_descent(Path(path)) if is_descent(Path(path)) else store.read(Path(path))


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


@with_options(Look)
def plot(
    surfaces: "Surface | Descent | OpenedRun | Sequence[Surface | Descent | OpenedRun]" = (),
    out: str | Path | None = None,
    *,
    run: str | Path | Sequence[str | Path] = (),
    kind: str = "auto",
    value: str | Sequence[str] = "auto",
    split: str = "auto",
    axis: str = "epochs",
    seeds: str = "mean",
    scale: str = "auto",
    levels: int | Sequence[float] | None = None,
    persistence: float | None = None,
    title: str | None = None,
    **options: Any,
) -> "Figure":
    """Draw surfaces, or the learning curves of runs; return the figure, and with `out` write it.

    Args:
        surfaces: all lines, or all planes; or descents; or what `open_run` returned.
        out: a picture that ends in .png, .pdf or .svg; a page to turn and zoom, .html; or, .gif or .mp4, a
            trajectory or descents that grow, or several planes one after the other; with
            ``kind="surface3d"`` planes that turn, with ``kind="layers"`` a training.
        run: run folders, in place of `surfaces`: their learning curves.
        kind: ``line``, ``contour``, ``heatmap``, ``surface3d``, ``path``, ``merge_tree`` or ``persistence``
            of the basins of lines and planes, of descents ``basins``, ``auto``; of a run that tracked
            its layers ``layers``.
        value: ``loss`` or ``accuracy``; lines show both. Of `hessian` also ``largest_eigenvalue``,
            ``smallest_eigenvalue`` or ``eigenvalue_ratio``; ``auto``: the last where all have it, else loss.
            Of runs one or several of ``loss``, ``accuracy``, ``lr``, ``weight_norm`` and ``gradient_norm``;
            ``auto``: all.
        split: ``train`` or ``test``, of planes and runs; ``auto``: ``train`` where there is one; of
            runs both.
        axis: of learning curves: ``epochs`` or ``steps``.
        seeds: of learning curves: ``mean`` (runs that differ in their seed alone are drawn as their mean and
            a band of one standard deviation) or ``each``.
        scale: ``linear``, ``log`` or ``auto``.
        levels: of contours: how many, or their values.
        persistence: of ``merge_tree`` and ``persistence``: of the basins that count, in units of the loss;
            None: a hundredth of the rise from the lowest to the median loss.
        title: in place of the model's class.
        options: OPTIONS

    Raises:
        LandscapeError: an option that does not fit the surfaces, or another ending of `out`.
    """
    from landscape_cli.plots.animation import ANIMATED
    from landscape_cli.plots.draw import draw, save  # Matplotlib takes half a second to import
    from landscape_cli.plots.film import animate

    look = Look(**options)
    folders = [run] if isinstance(run, str | Path) else list(run)
    given: list[Any] = list(surfaces) if isinstance(surfaces, Sequence) else [surfaces]
    if any(isinstance(one, Descent) for one in given):
        if not all(isinstance(one, Descent) for one in given):
            raise LandscapeError("plot takes descents or surfaces, got both; draw them in two pictures")
        from landscape_cli.plots.descents_written import write_descents

        place = None if out is None else Path(out)
        return write_descents(given, place, kind=kind, scale=scale, levels=levels, title=title, look=look)
    histories = _histories(given, folders)
    told: dict[str, Any] = {"value": value, "split": split, "scale": scale, "title": title, "look": look}
    if histories and kind == "layers":
        return _layers(histories, out, value=value, axis=axis, scale=scale, title=title, look=look)
    if histories:
        from landscape_cli.plots.learning_curves import write_learning_curves

        place = None if out is None else Path(out)
        return write_learning_curves(histories, place, kind=kind, axis=axis, seeds=seeds, **told)
    several: list[Surface] = given
    if not isinstance(value, str):
        raise LandscapeError(f"value must be one word for surfaces, got {value!r}")
    figure = draw(several, kind=kind, levels=levels, persistence=persistence, **told)
    if out is not None and Path(out).suffix.lower() == ".html":
        from landscape_cli.plots.interactive import interactive_html  # plotly takes long to import

        write_text(Path(out), interactive_html(several, **told))
    elif out is not None and Path(out).suffix.lower() in ANIMATED:
        animate(several, Path(out), kind=kind, levels=levels, **told)
    elif out is not None:
        save(figure, Path(out), look)
    return figure


def _layers(
    histories: "Sequence[History]", out: str | Path | None, *, value: Any, **options: Any
) -> "Figure":
    """Draw what one run tracked of its layers.

    Raises:
        LandscapeError: there are several, nothing was tracked, or a value was chosen.
    """
    from landscape_cli.plots.tracked import Tracked, write_tracked

    require(len(histories) == 1, "run", [str(one.path) for one in histories], "one run for kind=layers")
    require(value == "auto", "value", value, "auto for kind=layers, which draws all")
    run = open_run(histories[0].path)
    tracked = Tracked.of(run.path, run.config, run.layers())
    return write_tracked(tracked, None if out is None else Path(out), **options)


def _histories(given: Sequence[Any], told: Sequence[str | Path]) -> "list[History]":
    """Return what the runs recorded that are given, opened or by their folders; none: of surfaces.

    Raises:
        LandscapeError: runs and surfaces together, or a folder holds no run.
    """
    from landscape_cli.plots.histories import History

    opened = [one for one in given if not isinstance(one, Surface)]
    if (told or opened) and len(opened) < len(given):
        raise LandscapeError("plot takes surfaces or runs, got both; draw them in two pictures")
    runs = [open_run(path) for path in told]
    return [
        *(History.of(one.path, one.config, one.metrics) for one in opened),
        *(History.of(one.path, one.config, one.metrics()) for one in runs),
    ]
