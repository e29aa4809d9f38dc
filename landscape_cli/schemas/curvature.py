"""The keys of the commands that look at curvature: hessian, spectrum."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.curvature.options import Options, SpectrumOptions
from landscape_cli.errors import LandscapeError
from landscape_cli.keys import check, key
from landscape_cli.schemas.common import EPOCH, GRID, HDF5, LOCATION, SPLITS, Computing
from landscape_cli.schemas.evaluation import RANDOM, TRUST, WHERE, around_a_run
from landscape_cli.surfaces.grid import as_grid


@dataclass
class HessianConfig(Options, Computing):
    """the largest and the smallest eigenvalue of the Hessian of the mean loss, on a line or a plane through
    a run's weights, or at these alone. The same command again resumes it. `landscape plot kind=heatmap
    value=eigenvalue_ratio` draws |smallest / largest| as in figure 7 of Li et al. (2018).
    """

    out: str | None = key(None, HDF5)
    run: str = key(MISSING, "the run folder, as `landscape train` printed it")
    epoch: Any = key("last", EPOCH)
    direction: dict[str, Any] = key({}, f"{RANDOM}: the same as those of `surface`")
    x: Any = key(
        [-1, 1, 11], f"{GRID} the first direction; x=null y=null for the run's weights alone", null=True
    )
    y: Any = key([-1, 1, 11], f"{GRID} the second; y=null for a line", null=True)
    by: str | None = key(
        None, "layer: of each layer's own block at the run's weights, as a table", choices=("layer",)
    )
    split: str = key("train", "train or test", choices=SPLITS)
    dataset: dict[str, Any] = key(LOCATION, WHERE)
    trust: bool = key(False, TRUST)

    lists: ClassVar[tuple[str, ...]] = ("params",)

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        return around_a_run("hessians", self, overrides)

    def __post_init__(self) -> None:
        """Take either spelling of a grid; check what is computed on it."""
        if self.by == "layer":
            self.x = self.y = None
        self.x = None if self.x is None else as_grid("x", self.x)
        self.y = None if self.y is None else as_grid("y", self.y)
        if self.x is None and self.y is not None:
            raise LandscapeError("x=null needs y=null, for the run's weights alone; a line is along x")
        check(self)


@dataclass
class SpectrumConfig(SpectrumOptions, Computing):
    """eigenvalues of the loss's Hessian (or of the Gauss-Newton or Fisher matrix), their density, trace and
    Frobenius norm, at one epoch of a run, at several or at all that were kept; of the whole matrix or layer
    by layer. The same command again resumes it. `landscape plot` draws it.
    """

    out: str | None = key(None, HDF5)
    run: str = key(MISSING, "the run folder, as `landscape train` printed it")
    epoch: Any = key("last", f"{EPOCH}; several: init,1,5,last; all: every kept one")
    by: str | None = key(None, "layer: of each layer's own block", choices=("layer",))
    split: str = key("train", "train or test", choices=SPLITS)
    dataset: dict[str, Any] = key(LOCATION, WHERE)
    trust: bool = key(False, TRUST)

    lists: ClassVar[tuple[str, ...]] = ("params", "epoch")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        epochs = self.epoch if isinstance(self.epoch, list) else [self.epoch]
        stem = f"{Path(self.run).name}_{'_'.join(map(str, epochs))}"
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, "run", "epoch"})
        return Path(self.outputs_dir, "spectra", f"{name}.h5")
