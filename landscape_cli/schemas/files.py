"""The keys of the commands that show what is stored: plot, report, export, list."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.keys import POSITIVE, key, require
from landscape_cli.plots.options import Look
from landscape_cli.schemas.common import SPLITS, Common, as_list

# of `store.export`, which takes long to import, with what their default names end in
FORMATS = {
    "csv": ".csv",
    "path": "_path.csv",
    "eigenvalues": "_eigenvalues.csv",
    "npz": ".npz",
    "vtp": ".vtp",
    "tg": "_tg.h5",
}

VALUES = ("loss", "accuracy", "largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio")
OF_RUNS = ("loss", "accuracy", "lr", "weight_norm", "gradient_norm")


@dataclass
class PlotConfig(Look, Common):
    """draw one or several HDF5 files, or the learning curves of one or several runs. Several files are drawn
    side by side on shared levels; several runs in the same panels, those that differ in their seed alone as
    their mean and standard deviation.
    """

    out: str | None = key(
        None,
        "a .png, .pdf, .svg or .html file; .gif or .mp4: a trajectory or descents that grow, several planes"
        " one after the other or, with kind=surface3d, planes that turn, with kind=layers a training;"
        " default: a readable name under outputs_dir",
    )
    file: Any = key([], "a file, or several: a.h5,b.h5")
    run: Any = key([], "a run folder, or several: a,b; in place of file=, for learning curves")
    kind: str = key(
        "auto",
        "auto, line, contour, heatmap, surface3d, path, spectrum, basins, interactive; of lines and planes"
        " also merge_tree, which basin merges into which over what pass, and persistence, the diagram of"
        " these; of a run with track= layers",
    )
    value: Any = key(
        "auto",
        "loss or accuracy; of `landscape hessian`: largest_eigenvalue, smallest_eigenvalue, eigenvalue_ratio;"
        " auto: the last of these where all files have it, otherwise loss; of runs all (auto), or some of"
        f" {','.join(OF_RUNS)}",
    )
    split: str = key(
        "auto",
        "auto (train where it is stored; of runs both), train or test",
        choices=("auto", *SPLITS),
    )
    axis: str = key("epochs", "of learning curves: epochs or steps", choices=("epochs", "steps"))
    seeds: str = key(
        "mean",
        "of learning curves: mean (and standard deviation, of runs that differ in their seed alone) or each",
        choices=("mean", "each"),
    )
    scale: str = key("auto", "auto, linear or log", choices=("auto", "linear", "log"))
    levels: Any = key(None, "how many level lines, or their values: 0.1,1,10")
    persistence: float | None = key(
        None,
        "of kind=merge_tree and persistence: how far the loss rises from a basin's minimum to the pass into a"
        " lower one, at least, for the basin to count; twice the noise of the losses or more; null: a"
        " hundredth of the rise from the lowest to the median loss",
        POSITIVE,
    )
    title: str | None = key(None, "in place of the one made of the run's configuration")

    lists: ClassVar[tuple[str, ...]] = ("file", "run", "value", "levels")

    def __post_init__(self) -> None:
        """Take one file or run for a list of one.

        Raises:
            LandscapeError: files and runs together, neither, or a value that neither has.
        """
        self.file = as_list("file", self.file)
        self.run = as_list("run", self.run)
        if self.file and self.run:
            raise LandscapeError(
                f"file= has {self.file[0]} and run= has {self.run[0]}: learning curves are a picture of their"
                " own; draw them in two"
            )
        if not self.file and not self.run:
            raise LandscapeError(
                "nothing to draw: say file= with one or several HDF5 files, or run= with run folders"
            )
        choices = OF_RUNS if self.run else VALUES
        values = as_list("value", self.value)
        for value in values:
            if value not in ("auto", *choices):
                raise unknown("value", value, choices)
        if self.kind == "layers" and self.run:
            require(len(self.run) == 1, "run", self.run, "one run folder for kind=layers")
            require(values == ["auto"], "value", self.value, "auto for kind=layers, which draws all")
        if self.file or values == ["auto"]:
            require(len(values) == 1, "value", self.value, "one value for files")
            self.value = values[0]
        super().__post_init__()

    def default_out(self, overrides: list[str]) -> Path:
        """Return the picture that these overrides of the configuration name."""
        suffix = "html" if self.kind == "interactive" else "png"
        stem = "_and_".join([*(Path(path).stem for path in self.file), *(Path(run).name for run in self.run)])
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, "file", "run"})
        return Path(self.outputs_dir, "plots", f"{name}.{suffix}")


@dataclass
class ReportConfig(Common):
    """one self-contained HTML page: a table of runs, and all files drawn, planes and descents to turn too."""

    out: str | None = key(None, "the .html file")
    file: Any = key([], "HDF5 files: a.h5,b.h5")
    run: Any = key([], "run folders: a,b")
    title: str = key("Loss landscapes", "of the page")

    lists: ClassVar[tuple[str, ...]] = ("file", "run")

    def __post_init__(self) -> None:
        """Take one file or run for a list of one."""
        self.file = as_list("file", self.file)
        self.run = as_list("run", self.run)
        suffix = Path(self.out or "report.html").suffix
        require(suffix == ".html", "out", self.out, "an .html file")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the page."""
        name = readable_name("report", overrides, {*CIRCUMSTANCES, "file", "run"})
        return Path(self.outputs_dir, f"{name}.html")


@dataclass
class ExportConfig(Common):
    """write an HDF5 file for other programs. csv: a row a point, x, y, and every value; what is not evaluated
    is empty, a loss that is not finite inf. path: CSV of a trajectory's path, a row a checkpoint. npz: all
    arrays, for numpy.load, by their names in the file. vtp: for ParaView, the loss as heights and a
    trajectory's path as lines. tg: a surface file as Goldstein's tools read it.
    """

    out: str | None = key(None, "the file; default: a readable name under outputs_dir")
    file: str = key(
        MISSING,
        "an HDF5 file of surface, interpolate, trajectory, hessian or descend; or of Goldstein's tools",
    )
    format: str = key("csv", ", ".join(FORMATS), choices=FORMATS)

    def default_out(self, overrides: list[str]) -> Path:
        """Return the file that these overrides of the configuration name."""
        name = readable_name(Path(self.file).stem, overrides, {*CIRCUMSTANCES, "file", "format"})
        return Path(self.outputs_dir, "exports", f"{name}{FORMATS[self.format]}")


@dataclass
class ListConfig(Common):
    """the kinds there are; landscape list <kind>: its choices, a line each."""

    kind: str | None = None
