"""The keys of the commands that evaluate: surface, interpolate, trajectory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import unknown
from landscape_cli.evaluation.options import Options
from landscape_cli.keys import key, require
from landscape_cli.schemas.common import EPOCH, GRID, HDF5, LOCATION, SPLITS, Computing, as_list
from landscape_cli.surfaces.grid import as_grid

RANDOM = "random (norm filter, layer, none; ignore biasbn, none; seed)"
WHERE = "where the run's data lie now, if elsewhere: dataset.source=, dataset.root="
TRUST = "true: run the code that the run's configuration names"


@dataclass
class EvaluationConfig(Options, Computing):
    """which samples the loss is a mean over, and how exactly."""

    out: str | None = key(None, HDF5)
    splits: Any = key(list(SPLITS), "train,test or one of them")
    dataset: dict[str, Any] = key(LOCATION, WHERE)
    trust: bool = key(False, TRUST)

    lists: ClassVar[tuple[str, ...]] = ("splits", "params")

    def __post_init__(self) -> None:
        """Check what these commands share."""
        self.splits = as_list("splits", self.splits)
        require(len(self.splits) >= 1, "splits", self.splits, "one or both of train and test")
        require(len(set(self.splits)) == len(self.splits), "splits", self.splits, "without repetition")
        for split in self.splits:
            if split not in SPLITS:
                raise unknown("splits", split, SPLITS)
        super().__post_init__()


@dataclass
class SurfaceConfig(EvaluationConfig):
    """evaluate the loss on a line or a plane through a run's weights. The same command again resumes it."""

    run: str = key(MISSING, "the run folder, as `landscape train` printed it")
    epoch: Any = key("last", EPOCH)
    direction: dict[str, Any] = key({}, f"{RANDOM} or runs (to; orthogonalize)")
    x: Any = key([-1, 1, 51], f"{GRID} the first direction")
    y: Any = key([-1, 1, 51], f"{GRID} the second; y=null for a line", null=True)

    lists: ClassVar[tuple[str, ...]] = (*EvaluationConfig.lists, "direction.to")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        return around_a_run("surfaces", self, overrides)

    def __post_init__(self) -> None:
        """Take either spelling of a grid."""
        super().__post_init__()
        self.x = as_grid("x", self.x)
        self.y = None if self.y is None else as_grid("y", self.y)


@dataclass
class InterpolateConfig(EvaluationConfig):
    """loss and accuracy at (1 - alpha) theta_from + alpha theta_to. The same command again resumes it."""

    from_run: str = key(MISSING, "the run folder at alpha 0")
    to_run: str = key(MISSING, "that at alpha 1")
    from_epoch: Any = key("last", EPOCH)
    to_epoch: Any = key("last", EPOCH)
    alpha: Any = key([-0.5, 1.5, 41], f"{GRID} the line")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        stem = f"{Path(self.from_run).name}_{self.from_epoch}_to_{Path(self.to_run).name}_{self.to_epoch}"
        told = {"from_run", "to_run", "from_epoch", "to_epoch"}
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, *told})
        return Path(self.outputs_dir, "interpolations", f"{name}.h5")

    def __post_init__(self) -> None:
        """Take either spelling of a grid."""
        super().__post_init__()
        self.alpha = as_grid("alpha", self.alpha)


@dataclass
class TrajectoryConfig(EvaluationConfig):
    """project a run's checkpoints onto their first two principal components, the last one at (0, 0), and
    evaluate the loss on that plane. `landscape plot` draws the path on it. The same command again resumes it.
    """

    run: str = key(
        MISSING, "the run folder; `landscape train checkpoint_every=1` keeps a checkpoint of each epoch"
    )
    epochs: list[Any] | None = key(
        None,
        "which of the kept checkpoints, say init,1,2,5,10,last, at least three; null: all. The last is"
        " (0, 0)",
    )
    ignore: str = key(
        "none", "none, or biasbn: parameters with one dimension do not move", choices=("none", "biasbn")
    )
    x: Any = key(None, f"{GRID} the first component, in lengths of weight space; null: what holds the path")
    y: Any = key(None, f"{GRID} the second, likewise")
    batchnorm: str = key(
        "keep",
        "running statistics: keep (those of the last checkpoint), or recompute (on the training split)",
        choices=("keep", "recompute"),
    )

    lists: ClassVar[tuple[str, ...]] = (*EvaluationConfig.lists, "epochs")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        name = readable_name(Path(self.run).name, overrides, {*CIRCUMSTANCES, "run"})
        return Path(self.outputs_dir, "trajectories", f"{name}.h5")

    def __post_init__(self) -> None:
        """Take either spelling of a grid."""
        super().__post_init__()
        self.x = None if self.x is None else as_grid("x", self.x)
        self.y = None if self.y is None else as_grid("y", self.y)


def around_a_run(folder: str, config: Any, overrides: list[str]) -> Path:
    """Return the default file of a command on the run `config.run` at `config.epoch`."""
    stem = f"{Path(config.run).name}_{config.epoch}"
    name = readable_name(stem, overrides, {*CIRCUMSTANCES, "run", "epoch"})
    return Path(config.outputs_dir, folder, f"{name}.h5")
