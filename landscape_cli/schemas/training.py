"""The keys of `landscape train` and `landscape import`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import LOSSES
from landscape_cli.keys import key, require
from landscape_cli.runs import LARGEST_EPOCH
from landscape_cli.schemas.common import Computing, as_list
from landscape_cli.training.options import EPOCHS_BETWEEN, Recipe

SOURCE = (
    "dataset.source=: a .npz file, a folder of class folders, or package.module:name with trust=true;"
    " floating-point labels are a regression, for loss=mse, l1 or huber;"
    " dataset.root=: where torchvision keeps its downloads"
)

SAM = (
    "optimizer.sam=0.05: the step of the gradient at the perturbed weights (SAM), or optimizer.asam=0.5: that"
    " scaled by |w| (ASAM); the number is rho, each step takes two passes"
)


@dataclass
class TrainConfig(Recipe, Computing):
    """train one network and keep it in a run folder. The same command again resumes it."""

    out: str | None = key(None, "the run folder; default: a readable name under outputs_dir")
    trust: bool = key(False, "true: run the code that architecture.source= and dataset.source= name")
    dataset: dict[str, Any] = key({}, SOURCE)
    architecture: dict[str, Any] = key({}, "")
    normalization: dict[str, Any] = key({}, "")
    init: dict[str, Any] = key({}, "")
    optimizer: dict[str, Any] = key({}, SAM)
    schedule: dict[str, Any] = key({}, "")
    checkpoint_every: Any = key(
        None,
        "epochs between kept checkpoints, or log: ten for each power of ten; the first and the last are"
        " always kept",
        EPOCHS_BETWEEN,
    )

    lists: ClassVar[tuple[str, ...]] = (
        *("architecture.widths", "architecture.blocks"),
        *("optimizer.betas", "schedule.epochs", "dataset.mean", "dataset.std"),
        *("dataset.labels", "track", "params", "gradient_noise", "grow_batch_at"),
    )
    choices: ClassVar[str] = (
        "Choices (group=option; `landscape list architectures` and the like describe them):"
    )

    def default_out(self, overrides: list[str]) -> Path:
        """Return the run folder that these overrides of the configuration name."""
        experiments = [word.partition("=")[2] for word in overrides if word.startswith("experiment=")]
        stem = experiments[-1] if experiments else f"{self.dataset['name']}-{self.architecture['name']}"
        told = {"dataset", "architecture"} if not experiments else {"experiment"}
        return Path(self.outputs_dir, "runs", readable_name(stem, overrides, {*CIRCUMSTANCES, *told}))

    def __post_init__(self) -> None:
        """Check the ranges, and what does not go together."""
        super().__post_init__()
        if self.batch_size == 1 and self.normalization.get("name") == "batch":
            raise LandscapeError(
                "normalization=batch needs at least two samples a batch, got batch_size=1; "
                "raise batch_size or choose normalization=group, layer or none"
            )
        if self.micro_batch == 1 and self.normalization.get("name") == "batch":
            raise LandscapeError(
                "normalization=batch needs at least two samples a forward pass, got micro_batch=1"
            )


@dataclass
class ImportConfig(Computing):
    """make a run folder of weights that were trained elsewhere, for all commands that work on a run.
    Network and data are named as in `landscape train`; the losses of each checkpoint are evaluated on them.
    """

    out: str | None = key(None, "the run folder; default: a readable name under outputs_dir")
    weights: Any = key(
        MISSING,
        "a file (.pt .pth .t7 .ckpt .bin .safetensors), files in training order, or a folder of them",
    )
    match: str = key(
        "names",
        "names (a prefix such as module. is found), or order: the same network in another code, whose tensors"
        " come in the same order",
        choices=("names", "order"),
    )
    entry: str | None = key(None, "which entry of the files holds the weights, say ema; null: found")
    epochs: Any = key(
        None,
        "of the checkpoints, say [0,10,20]; null: the numbers in the names, those in the files, or 1, 2, …",
    )
    trust: bool = key(False, "true: run the code that architecture.source= and dataset.source= name")
    loss: str = key("cross_entropy", "as in `landscape train`", choices=LOSSES)
    dataset: dict[str, Any] = key({}, SOURCE)
    architecture: dict[str, Any] = key({}, "")
    normalization: dict[str, Any] = key({}, "")
    # how the weights came about, as presets tell it; titles of pictures name it
    init: dict[str, Any] | None = key(None, "")
    optimizer: dict[str, Any] | None = key(None, "")
    schedule: dict[str, Any] | None = key(None, "")
    batch_size: Any = key(None, "")
    grow_batch_at: Any = key(None, "")
    grow_batch_by: float | None = key(None, "")
    micro_batch: int | None = key(None, "")
    augment: str | None = key(None, "")
    params: Any = key(None, "")
    l1: float | None = key(None, "")
    clip_grad_norm: float | None = key(None, "")
    gradient_noise: Any = key(None, "")
    stop_at_train_accuracy: float | None = key(None, "")
    stop_at_test_accuracy: float | None = key(None, "")
    steps: int | None = key(None, "")
    evaluate_every: Any = key(None, "")
    track: Any = key(None, "")
    precision: str | None = key(None, "")
    compile: bool | None = key(None, "")
    checkpointing: bool | None = key(None, "")
    sync_batchnorm: bool | None = key(None, "")
    checkpoint_every: Any = key(None, "")

    lists: ClassVar[tuple[str, ...]] = (*TrainConfig.lists, "weights", "epochs")
    choices: ClassVar[str] = TrainConfig.choices

    def default_out(self, overrides: list[str]) -> Path:
        """Return the run folder that these overrides of the configuration name."""
        stem = f"{self.dataset['name']}-{self.architecture['name']}_{Path(self.weights[0]).stem}"
        told = {*CIRCUMSTANCES, "weights", "dataset", "architecture"}
        return Path(self.outputs_dir, "runs", readable_name(stem, overrides, told))

    def __post_init__(self) -> None:
        """Check the ranges, and take one file for a list of one."""
        self.weights = as_list("weights", self.weights)
        require(len(self.weights) >= 1, "weights", self.weights, "a file, files or a folder")
        if self.epochs is not None:
            epochs = self.epochs if isinstance(self.epochs, list) else [self.epochs]
            whole = all(isinstance(one, int) and not isinstance(one, bool) for one in epochs)
            holds = whole and all(0 <= one <= LARGEST_EPOCH for one in epochs)
            require(holds, "epochs", self.epochs, "whole numbers of zero or more, one a file of weights")
        super().__post_init__()
