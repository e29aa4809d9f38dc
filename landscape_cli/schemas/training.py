"""The keys of `landscape train`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import LandscapeError
from landscape_cli.keys import COUNT, key
from landscape_cli.schemas.common import Common
from landscape_cli.training.options import Recipe

SOURCE = (
    "dataset.source=: a .npz file, a folder of class folders, or package.module:name with trust=true;"
    " dataset.root=: where torchvision keeps its downloads"
)


@dataclass
class TrainConfig(Recipe, Common):
    """train one network and keep it in a run folder. The same command again resumes it."""

    out: str | None = key(None, "the run folder; default: a readable name under outputs_dir")
    trust: bool = key(False, "true: run the code that architecture.source= and dataset.source= name")
    dataset: dict[str, Any] = key({}, SOURCE)
    architecture: dict[str, Any] = key({}, "")
    normalization: dict[str, Any] = key({}, "")
    init: dict[str, Any] = key({}, "")
    optimizer: dict[str, Any] = key({}, "")
    schedule: dict[str, Any] = key({}, "")
    checkpoint_every: int | None = key(
        None, "epochs between kept checkpoints; the first and the last are always kept", COUNT
    )

    help_end: ClassVar[str] = (
        "Choices (group=option; `landscape list architectures` and the like describe them):\n\n"
        "$APP_CONFIG_GROUPS"
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
