"""`landscape report`: one HTML page of runs and stored files. Never imports torch."""

from collections.abc import Sequence
from pathlib import Path

from landscape_cli.errors import LandscapeError
from landscape_cli.files import write_text
from landscape_cli.plots.draw import draw, png
from landscape_cli.plots.interactive import interactive_fragment
from landscape_cli.plots.labels import run_title
from landscape_cli.plots.page import Section, page_html
from landscape_cli.plots.values import default_split
from landscape_cli.runs import Run, open_run
from landscape_cli.schemas.files import ReportConfig
from landscape_cli.store import read

INTERPOLATIONS = "Loss and accuracy on the straight line between two solutions."
LINES = "Loss and accuracy along a line through the weights; training solid, test dashed."
PLANES = "The loss on a plane through the weights: level lines, on levels that the panels share."
TURN = "The same planes, to turn and zoom and to read values from."


def run(config: ReportConfig) -> Path:
    """Draw the runs and files into the page `config.out`; return it."""
    assert config.out is not None
    runs = [open_run(path) for path in config.run]
    surfaces = [read(Path(path)) for path in config.file]
    if not runs and not surfaces:
        raise LandscapeError(
            "nothing to report: say run=[…] with run folders, file=[…] with HDF5 files, or both"
        )
    sections = [Section("Runs", table=_table(runs))] if runs else []
    interpolations = [surface for surface in surfaces if surface.kind == "interpolation"]
    lines = [surface for surface in surfaces if surface.y is None and surface.kind == "surface"]
    planes = [surface for surface in surfaces if surface.y is not None]
    for heading, caption, group in (
        ("Between solutions", INTERPOLATIONS, interpolations),
        ("Lines", LINES, lines),
        ("Planes", PLANES, planes),
    ):
        if group:
            sections.append(
                Section(heading, caption, picture=png(draw(group, split=default_split(group, "loss"))))
            )
    if planes:
        sections.append(
            Section(
                "Planes, interactive",
                TURN,
                interactive=interactive_fragment(planes, split=default_split(planes, "loss")),
            )
        )
    out = Path(config.out)
    write_text(out, page_html(config.title, sections))
    return out


def _table(runs: Sequence[Run]) -> list[list[str]]:
    """Return a row for each run: what it is, and its last metrics."""
    rows = [
        ["run", "epoch", "training loss", "training accuracy", "test loss", "test accuracy", "weight norm"]
    ]
    for run in runs:
        metrics = run.metrics()
        if not metrics:
            raise LandscapeError(f"run {run.path} has no metrics yet; train it first")
        last = metrics[-1]
        numbers = [f"{last['train_loss']:.4g}", f"{last['train_accuracy']:.1%}", f"{last['test_loss']:.4g}"]
        numbers += [f"{last['test_accuracy']:.1%}", f"{last['weight_norm']:.4g}"]
        rows.append([run_title(run.config), f"{last['epoch']:.0f}", *numbers])
    return rows
