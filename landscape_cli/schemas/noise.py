"""The keys of `landscape noise`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.curvature.noise_options import Options
from landscape_cli.keys import COUNT, key, require
from landscape_cli.schemas.common import LOCATION, SPLITS, Computing, as_list
from landscape_cli.schemas.evaluation import TRUST, WHERE


@dataclass
class NoiseConfig(Options, Computing):
    """a table of the noise in the gradients of batches, a row a run and epoch: gradient noise scale, tail
    index, kurtosis, and the gradient's share in the Hessian's top eigenspace, with standard errors. Networks
    are in evaluation mode, where BatchNorm does not couple samples. A picture lies beside it. The same
    command again resumes it.
    """

    out: str | None = key(None, "the .csv file; the picture beside it ends in .png")
    run: Any = key(MISSING, "a run folder, or several: a,b")
    epochs: Any = key(None, "which of the kept checkpoints, say init,1,2,5,10,last; null: all")
    batch_size: int | None = key(
        None, "samples of a batch whose noise is measured; null: that of the training", COUNT
    )
    split: str = key("train", "train or test", choices=SPLITS)
    dataset: dict[str, Any] = key(LOCATION, WHERE)
    trust: bool = key(False, TRUST)

    lists: ClassVar[tuple[str, ...]] = ("run", "epochs", "measures", "params")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the table that these overrides of the configuration name."""
        stem = "_and_".join(Path(run).name for run in self.run)
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, "run"})
        return Path(self.outputs_dir, "noise", f"{name}.csv")

    def __post_init__(self) -> None:
        """Take one run or epoch for a list of one."""
        self.run = as_list("run", self.run)
        require(len(set(self.run)) == len(self.run), "run", self.run, "without repetition")
        if self.epochs is not None and not isinstance(self.epochs, list):
            self.epochs = [self.epochs]
        suffix = Path(self.out or "noise.csv").suffix
        require(suffix == ".csv", "out", self.out, "a .csv file")
        super().__post_init__()
