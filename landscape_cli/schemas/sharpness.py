"""The keys of `landscape sharpness`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.keys import key, require
from landscape_cli.schemas.common import EPOCH, LOCATION, SPLITS, Computing, as_list
from landscape_cli.schemas.evaluation import TRUST, WHERE


@dataclass
class SharpnessConfig(SharpnessOptions, Computing):
    """how sharp the minima of several runs are, by eight measures, raw and normalized, each with its error: a
    table with a row a run, pictures of how each goes with the test error and with the others, and the rank
    correlations in the terminal. The same command again resumes it; with more runs it adds theirs.
    """

    out: str | None = key(
        None, "the .csv file, beside which the pictures lie; default: a readable name under outputs_dir"
    )
    run: Any = key(MISSING, "a run folder, or several: a,b")
    epoch: Any = key("last", EPOCH)
    split: str = key("train", "of which the loss is: train or test", choices=SPLITS)
    dataset: dict[str, Any] = key(LOCATION, WHERE)
    trust: bool = key(False, TRUST)

    lists: ClassVar[tuple[str, ...]] = ("run", "measures", "params")

    def default_out(self, overrides: list[str]) -> Path:
        """Return the table that these overrides of the configuration name."""
        stem = "_".join([*(Path(run).name for run in self.run), str(self.epoch)])
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, "run", "epoch"})
        return Path(self.outputs_dir, "sharpness", f"{name}.csv")

    def __post_init__(self) -> None:
        """Take one run for a list of one."""
        self.run = as_list("run", self.run)
        require(len(self.run) > 0, "run", self.run, "a run folder, or several")
        suffix = Path(self.out or "table.csv").suffix
        require(suffix == ".csv", "out", self.out, "a .csv file")
        super().__post_init__()
