"""The keys of the commands about the literature: reproduce, gallery."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from omegaconf import MISSING

from landscape_cli.keys import COUNT, NOT_NEGATIVE, key, require
from landscape_cli.reproduction.catalogue import SCALES
from landscape_cli.schemas.common import Common, Computing, as_list


@dataclass
class ReproduceConfig(Computing):
    """train what a phenomenon needs, measure it, draw it like the paper's figure, and judge its claims. The
    same command again resumes it, and judges or draws anew what has changed; runs and surfaces are shared.
    """

    out: str | None = key(
        None, "the folder: result.json, data/, pictures; default: <outputs_dir>/reproduce/<id>_<scale>"
    )
    seed: int = key(0, "the first of the seeds", NOT_NEGATIVE)
    id: Any = key(MISSING, "a phenomenon, or several: a,b; `landscape list phenomena` describes them")
    scale: str = key(
        "small",
        "small: minutes on two cores; medium, where there is one: hours; paper: the paper's own setting, for"
        " a GPU",
        choices=SCALES,
    )
    seeds: int | None = key(
        None,
        "how many are measured: seed, seed+1, …; null: what the phenomenon says, three or more. Those that"
        " were measured are kept",
        COUNT,
    )
    dataset: dict[str, Any] = key(
        {"root": "data"}, "dataset.root=: where image sets are, or are downloaded to"
    )

    lists: ClassVar[tuple[str, ...]] = ("id",)

    def __post_init__(self) -> None:
        """Take one id for a list of one."""
        self.id = as_list("id", self.id)
        require(len(self.id) >= 1, "id", self.id, "a phenomenon or a list of them")
        super().__post_init__()


@dataclass
class GalleryConfig(Common):
    """README.md with the figures, claims and verdicts of all that `landscape reproduce` has finished, beside
    those that the folder has already.
    """

    out: str | None = key(None, "the folder; default: <outputs_dir>/gallery")
    scale: str = key("all", f"of the reproductions: all, {', '.join(SCALES)}", choices=("all", *SCALES))

    def default_out(self, overrides: list[str]) -> Path:
        """Return the folder of the page."""
        return Path(self.outputs_dir, "gallery" if self.scale == "all" else f"gallery_{self.scale}")
