"""The keys of each command, their types and ranges, and what it calls what was not named.

Groups (dataset, architecture, …) stay plain dictionaries, checked where they are built.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import LandscapeError, unknown

LOSSES = ("cross_entropy", "mse")
SPLITS = ("train", "test")
PRECISIONS = ("fp32", "bf16")
VALUES = ("loss", "accuracy", "largest_eigenvalue", "smallest_eigenvalue", "eigenvalue_ratio")
BATCHNORM = ("interpolate", "recompute", "keep")
SCALES = ("small", "paper")
LOCATION = {
    "root": None,
    "source": None,
}  # of the data, for commands that work on a run: null, where the run had it


def _require(holds: bool, key: str, got: object, expected: str) -> None:
    if not holds:
        raise LandscapeError(f"{key} must be {expected}, got {got!r}")


def _require_choice(key: str, got: str, choices: Iterable[str]) -> None:
    if got not in choices:
        raise unknown(key, got, choices)


def _require_grid(key: str, got: list[Any]) -> None:
    holds = (
        len(got) == 3
        and all(isinstance(value, int | float) and not isinstance(value, bool) for value in got)
        and all(math.isfinite(value) for value in got)
        and got[0] < got[1]
        and got[2] == int(got[2])
        and got[2] >= 2
    )
    _require(holds, key, got, "[first, last, count] with first < last and a whole count of at least 2")


def _as_list(key: str, got: Any) -> list[str]:
    """Return one word as a list of one."""
    words = got if isinstance(got, list) else [got]
    _require(all(isinstance(word, str) for word in words), key, got, "a word or a list of words")
    return words


@dataclass
class Common:
    """What every command takes: where it works and what it writes."""

    out: str | None = None
    outputs_dir: str = "outputs"
    device: str = "auto"
    seed: int = 0


@dataclass
class TrainConfig(Common):
    """`landscape train`: one run."""

    trust: bool = False
    dataset: dict[str, Any] = field(default_factory=dict)
    architecture: dict[str, Any] = field(default_factory=dict)
    normalization: dict[str, Any] = field(default_factory=dict)
    init: dict[str, Any] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    schedule: dict[str, Any] = field(default_factory=dict)
    loss: str = "cross_entropy"
    batch_size: Any = 128
    micro_batch: int | None = None
    epochs: int = 20
    augment: str = "none"
    l1: float = 0.0
    clip_grad_norm: float | None = None
    stop_at_train_accuracy: float | None = None
    checkpoint_every: int | None = None
    precision: str = "fp32"
    compile: bool = False

    def default_out(self, overrides: list[str]) -> Path:
        """Return the run folder that these overrides of the configuration name."""
        experiments = [word.partition("=")[2] for word in overrides if word.startswith("experiment=")]
        stem = experiments[-1] if experiments else f"{self.dataset['name']}-{self.architecture['name']}"
        told = {"dataset", "architecture"} if not experiments else {"experiment"}
        return Path(self.outputs_dir, "runs", readable_name(stem, overrides, {*CIRCUMSTANCES, *told}))

    def __post_init__(self) -> None:
        """Check the ranges of what is not checked where it is built."""
        size = self.batch_size
        whole = isinstance(size, int) and not isinstance(size, bool) and size >= 1
        _require(whole or size == "full", "batch_size", size, "a positive whole number or full")
        micro = self.micro_batch
        _require(micro is None or micro >= 1, "micro_batch", micro, "a positive whole number or null")
        _require(self.epochs >= 0, "epochs", self.epochs, "zero or more")
        _require(0 <= self.seed < 2**63, "seed", self.seed, "a whole number from 0 to 2^63 - 1")
        _require(self.l1 >= 0, "l1", self.l1, "zero or more")
        clip = self.clip_grad_norm
        _require(clip is None or clip > 0, "clip_grad_norm", clip, "a positive number or null")
        stop = self.stop_at_train_accuracy
        _require(
            stop is None or 0 < stop <= 1, "stop_at_train_accuracy", stop, "a fraction in (0, 1] or null"
        )
        every = self.checkpoint_every
        _require(every is None or every >= 1, "checkpoint_every", every, "a positive whole number or null")
        _require_choice("loss", self.loss, LOSSES)
        _require_choice("precision", self.precision, PRECISIONS)
        if self.batch_size == 1 and self.normalization.get("name") == "batch":
            raise LandscapeError(
                "normalization=batch needs at least two samples a batch, got batch_size=1; "
                "raise batch_size or choose normalization=group, layer or none"
            )
        if micro == 1 and self.normalization.get("name") == "batch":
            raise LandscapeError(
                "normalization=batch needs at least two samples a forward pass, got micro_batch=1"
            )


@dataclass
class EvaluationConfig(Common):
    """What `surface` and `interpolate` share: which samples the loss is a mean over, and how exactly."""

    splits: Any = field(default_factory=lambda: list(SPLITS))
    samples: int | None = None
    anchors: int | None = None
    tolerance: float | None = None
    precision: str = "fp32"
    batch_size: int | None = None
    batchnorm: str = "interpolate"
    dataset: dict[str, Any] = field(default_factory=lambda: dict(LOCATION))
    trust: bool = False

    def __post_init__(self) -> None:
        """Check what both commands share."""
        self.splits = _as_list("splits", self.splits)
        _require(len(self.splits) >= 1, "splits", self.splits, "one or both of train and test")
        _require(len(set(self.splits)) == len(self.splits), "splits", self.splits, "without repetition")
        for split in self.splits:
            _require_choice("splits", split, SPLITS)
        _require(
            self.samples is None or self.samples >= 1,
            "samples",
            self.samples,
            "a positive whole number or null",
        )
        anchors = self.anchors
        _require(anchors is None or anchors >= 1, "anchors", anchors, "a positive whole number or null")
        if anchors is not None and self.samples is None:
            raise LandscapeError(f"anchors={anchors} is for a subset of the samples; say samples= too")
        tolerance = self.tolerance
        _require(tolerance is None or tolerance > 0, "tolerance", tolerance, "a positive number or null")
        _require_choice("precision", self.precision, PRECISIONS)
        size = self.batch_size
        _require(size is None or size >= 1, "batch_size", size, "a positive whole number or null")
        _require_choice("batchnorm", self.batchnorm, BATCHNORM)
        _require(self.seed >= 0, "seed", self.seed, "zero or more")


@dataclass
class SurfaceConfig(EvaluationConfig):
    """`landscape surface`: the loss on a line or a plane through a run's weights."""

    run: str = MISSING
    epoch: Any = "last"
    direction: dict[str, Any] = field(default_factory=dict)
    x: list[Any] = field(default_factory=lambda: [-1, 1, 51])
    y: list[Any] | None = field(default_factory=lambda: [-1, 1, 51])

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        name = readable_name(
            f"{Path(self.run).name}_{self.epoch}", overrides, {*CIRCUMSTANCES, "run", "epoch"}
        )
        return Path(self.outputs_dir, "surfaces", f"{name}.h5")

    def __post_init__(self) -> None:
        """Check the grid."""
        super().__post_init__()
        _require_grid("x", self.x)
        if self.y is not None:
            _require_grid("y", self.y)


@dataclass
class InterpolateConfig(EvaluationConfig):
    """`landscape interpolate`: the loss on the line from one run's weights to another's."""

    from_run: str = MISSING
    to_run: str = MISSING
    from_epoch: Any = "last"
    to_epoch: Any = "last"
    alpha: list[Any] = field(default_factory=lambda: [-0.5, 1.5, 41])

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        stem = f"{Path(self.from_run).name}_{self.from_epoch}_to_{Path(self.to_run).name}_{self.to_epoch}"
        told = {"from_run", "to_run", "from_epoch", "to_epoch"}
        return Path(
            self.outputs_dir,
            "interpolations",
            f"{readable_name(stem, overrides, {*CIRCUMSTANCES, *told})}.h5",
        )

    def __post_init__(self) -> None:
        """Check the grid."""
        super().__post_init__()
        _require_grid("alpha", self.alpha)


@dataclass
class TrajectoryConfig(EvaluationConfig):
    """`landscape trajectory`: a run's path through weight space, and the loss on the plane of its PCA."""

    run: str = MISSING
    epochs: list[Any] | None = None
    ignore: str = "none"
    x: list[Any] | None = None
    y: list[Any] | None = None
    batchnorm: str = "keep"

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        name = readable_name(Path(self.run).name, overrides, {*CIRCUMSTANCES, "run"})
        return Path(self.outputs_dir, "trajectories", f"{name}.h5")

    def __post_init__(self) -> None:
        """Check the grid, and what of the rest is different here."""
        super().__post_init__()
        for axis in ("x", "y"):
            if getattr(self, axis) is not None:
                _require_grid(axis, getattr(self, axis))
        _require_choice("ignore", self.ignore, ("none", "biasbn"))
        _require_choice("batchnorm", self.batchnorm, ("keep", "recompute"))


@dataclass
class HessianConfig(Common):
    """`landscape hessian`: the extreme eigenvalues of the loss's Hessian on a line or a plane."""

    run: str = MISSING
    epoch: Any = "last"
    direction: dict[str, Any] = field(default_factory=dict)
    x: list[Any] | None = field(default_factory=lambda: [-1, 1, 11])
    y: list[Any] | None = field(default_factory=lambda: [-1, 1, 11])
    split: str = "train"
    samples: int | None = None
    params: str = "weights"
    tolerance: float = 0.01
    precision: str = "fp32"
    batch_size: int | None = None
    dataset: dict[str, Any] = field(default_factory=lambda: dict(LOCATION))
    trust: bool = False

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        name = readable_name(
            f"{Path(self.run).name}_{self.epoch}", overrides, {*CIRCUMSTANCES, "run", "epoch"}
        )
        return Path(self.outputs_dir, "hessians", f"{name}.h5")

    def __post_init__(self) -> None:
        """Check the grid and what is computed on it."""
        for axis in ("x", "y"):
            if getattr(self, axis) is not None:
                _require_grid(axis, getattr(self, axis))
        if self.x is None and self.y is not None:
            raise LandscapeError("x=null needs y=null, for the run's weights alone; a line is along x")
        _require_choice("split", self.split, SPLITS)
        _require_choice("params", self.params, ("weights", "all"))
        _require_choice("precision", self.precision, ("fp32", "fp64"))
        _require(0 < self.tolerance < 1, "tolerance", self.tolerance, "a number between 0 and 1")
        for key in ("samples", "batch_size"):
            value = getattr(self, key)
            _require(value is None or value >= 1, key, value, "a positive whole number or null")
        _require(self.seed >= 0, "seed", self.seed, "zero or more")


@dataclass
class PlotConfig(Common):
    """`landscape plot`: stored files, drawn."""

    file: Any = MISSING
    kind: str = "auto"
    value: str = "loss"
    split: str = "auto"
    scale: str = "auto"
    levels: Any = None
    title: str | None = None

    def __post_init__(self) -> None:
        """Take one file for a list of one."""
        self.file = _as_list("file", self.file)
        _require_choice("value", self.value, VALUES)
        _require_choice("split", self.split, ("auto", *SPLITS))
        _require_choice("scale", self.scale, ("auto", "linear", "log"))

    def default_out(self, overrides: list[str]) -> Path:
        """Return the picture that these overrides of the configuration name."""
        suffix = "html" if self.kind == "interactive" else "png"
        name = readable_name(
            "_and_".join(Path(path).stem for path in self.file), overrides, {*CIRCUMSTANCES, "file"}
        )
        return Path(self.outputs_dir, "plots", f"{name}.{suffix}")


@dataclass
class ReportConfig(Common):
    """`landscape report`: runs and stored files on one page."""

    file: Any = field(default_factory=list)
    run: Any = field(default_factory=list)
    title: str = "Loss landscapes"

    def __post_init__(self) -> None:
        """Take one file or run for a list of one."""
        self.file = _as_list("file", self.file)
        self.run = _as_list("run", self.run)
        suffix = Path(self.out or "report.html").suffix
        _require(suffix == ".html", "out", self.out, "an .html file")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the page."""
        return Path(
            self.outputs_dir, f"{readable_name('report', overrides, {*CIRCUMSTANCES, 'file', 'run'})}.html"
        )


@dataclass
class ReproduceConfig(Common):
    """`landscape reproduce`: a phenomenon of the literature, trained, measured, drawn and judged."""

    id: Any = MISSING
    scale: str = "small"
    seeds: int | None = None
    dataset: dict[str, Any] = field(default_factory=lambda: {"root": "data"})

    def __post_init__(self) -> None:
        """Take one id for a list of one."""
        self.id = _as_list("id", self.id)
        _require(len(self.id) >= 1, "id", self.id, "a phenomenon or a list of them")
        _require_choice("scale", self.scale, SCALES)
        seeds = self.seeds
        _require(seeds is None or seeds >= 1, "seeds", seeds, "a positive whole number or null")
        _require(self.seed >= 0, "seed", self.seed, "zero or more")


@dataclass
class GalleryConfig(Common):
    """`landscape gallery`: a page of all reproductions."""

    scale: str = "small"

    def default_out(self, overrides: list[str]) -> Path:
        """Return the folder of the page."""
        return Path(self.outputs_dir, "gallery" if self.scale == "small" else f"gallery_{self.scale}")

    def __post_init__(self) -> None:
        """Check the scale."""
        _require_choice("scale", self.scale, SCALES)


@dataclass
class ListConfig(Common):
    """`landscape list`: what there is to choose from."""

    kind: str | None = None


SCHEMAS: dict[str, type[Any]] = {
    "train": TrainConfig,
    "surface": SurfaceConfig,
    "interpolate": InterpolateConfig,
    "trajectory": TrajectoryConfig,
    "hessian": HessianConfig,
    "plot": PlotConfig,
    "report": ReportConfig,
    "reproduce": ReproduceConfig,
    "gallery": GalleryConfig,
    "list": ListConfig,
}
