"""`landscape plot`: pictures of HDF5 files, learning curves and layers of runs. Never imports torch."""

from pathlib import Path
from typing import Any

from landscape_cli.errors import LandscapeError
from landscape_cli.files import write_text
from landscape_cli.plots.animation import ANIMATED
from landscape_cli.plots.descents_written import write_descents
from landscape_cli.plots.draw import draw, resolve_kind, save
from landscape_cli.plots.film import animate
from landscape_cli.plots.histories import History
from landscape_cli.plots.learning_curves import write_learning_curves
from landscape_cli.plots.options import Look
from landscape_cli.plots.tracked import Tracked, write_tracked
from landscape_cli.runs import open_run
from landscape_cli.schemas.files import PlotConfig
from landscape_cli.store import read
from landscape_cli.store.descent import is_descent, read_descent


def run(config: PlotConfig) -> Path:
    """Draw the files, or the learning curves or layers of the runs, into `config.out`; return it."""
    assert config.out is not None
    out = Path(config.out)
    options: dict[str, Any] = {key: getattr(config, key) for key in ("value", "split", "scale", "title")}
    options["look"] = config.part(Look)
    if config.run:
        runs = [open_run(path) for path in config.run]
        if config.kind == "layers":
            tracked = Tracked.of(runs[0].path, runs[0].config, runs[0].layers())
            told = {key: getattr(config, key) for key in ("axis", "scale", "title")}
            write_tracked(tracked, out, look=options["look"], **told)
            return out
        options |= {key: getattr(config, key) for key in ("kind", "axis", "seeds")}
        histories = [History.of(run.path, run.config, run.metrics()) for run in runs]
        write_learning_curves(histories, out, **options)
        return out
    if any(is_descent(Path(path)) for path in config.file):
        write_descents(
            [read_descent(Path(path)) for path in config.file],
            out,
            kind=config.kind,
            scale=config.scale,
            levels=config.levels,
            title=config.title,
            look=options["look"],
        )
        return out
    surfaces = [read(Path(path)) for path in config.file]
    if out.suffix.lower() == ".html":
        from landscape_cli.plots.interactive import interactive_html

        if config.kind not in ("auto", "interactive"):
            raise LandscapeError(
                f"kind={config.kind} is a picture; let out= end in .png, .pdf or .svg, not {out.suffix}"
            )
        resolve_kind(surfaces, "interactive")
        write_text(out, interactive_html(surfaces, **options))
        return out
    if out.suffix.lower() in ANIMATED:
        animate(surfaces, out, kind=config.kind, levels=config.levels, **options)
        return out
    options |= {"kind": config.kind, "levels": config.levels, "persistence": config.persistence}
    save(draw(surfaces, **options), out, options["look"])
    return out
