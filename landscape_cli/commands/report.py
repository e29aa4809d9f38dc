"""`landscape report`: one HTML page of runs and stored files. Never imports torch."""

import math
from collections.abc import Sequence
from pathlib import Path

from landscape_cli.errors import LandscapeError
from landscape_cli.files import write_text
from landscape_cli.plots.descents import draw_descents, resolve_kind
from landscape_cli.plots.draw import draw, png
from landscape_cli.plots.histories import History
from landscape_cli.plots.interactive import fragment, interactive_fragment
from landscape_cli.plots.interactive_descents import descent_figure
from landscape_cli.plots.labels import run_title
from landscape_cli.plots.learning_curves import draw_learning_curves, learning_curves
from landscape_cli.plots.page import Section, page_html
from landscape_cli.plots.spectra import kind_of
from landscape_cli.plots.tracked import Tracked, write_tracked
from landscape_cli.plots.values import has_eigenvalues
from landscape_cli.runs import Run, open_run
from landscape_cli.schemas.files import ReportConfig
from landscape_cli.store import Surface, read
from landscape_cli.store.descent import is_descent, read_descent

CURVES = (
    "What training recorded: training solid, test dashed; runs that differ in their seed alone as their mean"
    " and standard deviation."
)
LAYERS = "What training tracked of its convolutions and linear layers, coloured by their depth."
RATIO = "How far from convex: the modulus of the smallest eigenvalue of the Hessian over the largest."
CAPTIONS = {
    "Between solutions": "Loss, and accuracy of classes, on the straight line between two solutions.",
    "Lines": "Loss, and accuracy of classes, along a line through the weights; training solid, test dashed.",
    "Planes": "The loss on a plane through the weights: level lines, on levels that the panels share.",
    "Curvature along lines": RATIO,
    "Curvature on planes": RATIO,
    "Curvature of layers": "The ends of the spectrum of the Hessian's block of each layer.",
    "Spectra": "The density of eigenvalues, with twice its standard error; marks: those at the ends.",
    "Spectra along trainings": "The density of eigenvalues over epochs; lines: the largest.",
    "Spectra of layers": "The ends of the spectrum of each layer's block, and the mean of its eigenvalues.",
}
"""Headings of the pictures, in their order -> captions."""
SPECTRA = {"one epoch": "Spectra", "a history": "Spectra along trainings", "layers": "Spectra of layers"}
TURNED = ("Planes", "Curvature on planes")
COLUMNS = {
    "epoch": ("epoch", ".0f"),
    "train_loss": ("training loss", ".4g"),
    "train_accuracy": ("training accuracy", ".1%"),
    "test_loss": ("test loss", ".4g"),
    "test_accuracy": ("test accuracy", ".1%"),
    "weight_norm": ("weight norm", ".4g"),
}
"""Of the table of runs: name in metrics.csv -> head and format."""
PATH = (
    "The loss at the checkpoints of a training, and on the plane below them: where the two differ, or much of"
    " the distance lies outside of the plane, the plane tells little of the training."
)
DESCENTS = {
    "contour": "Optimizers on a function, from the square to the circle; stars are minima.",
    "line": "The function along the descents.",
}
"""Kind of picture -> caption."""
PATHS = "The same descents on the function, to turn and zoom and to read the steps from."
TURN = "The same planes, to turn and zoom and to read values from."


def run(config: ReportConfig) -> Path:
    """Draw the runs and files into the page `config.out`; return it."""
    assert config.out is not None
    runs = [open_run(path) for path in config.run]
    paths = [Path(path) for path in config.file]
    descents = [read_descent(path) for path in paths if is_descent(path)]
    surfaces = [read(path) for path in paths if not is_descent(path)]
    if not runs and not paths:
        raise LandscapeError("nothing to report: say run= with run folders, file= with HDF5 files, or both")
    sections = [Section("Runs", table=_table(runs))] if runs else []
    histories = [History.of(run.path, run.config, run.metrics()) for run in runs]
    if any(len(history.columns["epoch"]) > 1 for history in histories):
        curves = draw_learning_curves(learning_curves(histories))
        sections.append(Section("Learning curves", CURVES, picture=png(curves)))
    for one in runs:
        if one.tracked and len((tracked := Tracked.of(one.path, one.config, one.layers())).epoch) > 1:
            sections.append(Section("Layers", LAYERS, picture=png(write_tracked(tracked, None))))
    groups: dict[str, list[Surface]] = {}
    for surface in surfaces:
        groups.setdefault(_heading(surface), []).append(surface)
    for heading, caption in CAPTIONS.items():
        if heading in groups:
            sections.append(Section(heading, caption, picture=png(draw(groups[heading]))))
    trajectories = [surface for surface in surfaces if surface.trajectory and surface.trajectory.path]
    if trajectories:
        sections.append(Section("Along the path", PATH, picture=png(draw(trajectories, kind="path"))))
    for descent in descents:
        kinds = dict.fromkeys([resolve_kind([descent], "auto"), "line"])
        for kind in kinds:
            drawn = png(draw_descents([descent], kind=kind))
            sections.append(Section(f"Descents: {descent.name}", DESCENTS[kind], picture=drawn))
    for descent in descents:
        if descent.values is not None:
            turned = fragment(descent_figure([descent]))
            sections.append(Section(f"Descents: {descent.name}, interactive", PATHS, interactive=turned))
    for heading in TURNED:
        if heading in groups:
            turned = interactive_fragment(groups[heading])
            sections.append(Section(f"{heading}, interactive", TURN, interactive=turned))
    out = Path(config.out)
    write_text(out, page_html(config.title, sections))
    return out


def _heading(surface: Surface) -> str:
    """Return under which heading a file is drawn."""
    if surface.spectrum is not None:
        return SPECTRA[kind_of(surface)]
    if surface.layers is not None:
        return "Curvature of layers"
    if surface.kind == "interpolation":
        return "Between solutions"
    if has_eigenvalues(surface):
        return "Curvature along lines" if surface.y is None else "Curvature on planes"
    return "Lines" if surface.y is None else "Planes"


def _table(runs: Sequence[Run]) -> list[list[str]]:
    """Return a row for each run: what it is, and its last metrics.

    Accuracies are left out where no run has one; in a row of a regression among others they are empty.
    """
    lasts = []
    for run in runs:
        metrics = run.metrics()
        if not metrics:
            raise LandscapeError(f"run {run.path} has no metrics yet; train it first")
        lasts.append(metrics[-1])
    columns = [column for column in COLUMNS if not all(math.isnan(last[column]) for last in lasts)]
    rows = [["run", *(COLUMNS[column][0] for column in columns)]]
    for run, last in zip(runs, lasts, strict=True):
        numbers = [format(last[column], COLUMNS[column][1]) for column in columns]
        rows.append(
            [run_title(run.config), *("" if number.startswith("nan") else number for number in numbers)]
        )
    return rows
