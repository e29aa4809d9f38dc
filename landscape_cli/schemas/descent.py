"""The keys of `landscape descend`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from landscape_cli.analytic.options import Options
from landscape_cli.config import CIRCUMSTANCES, readable_name
from landscape_cli.errors import LandscapeError
from landscape_cli.keys import key
from landscape_cli.schemas.common import HDF5, Computing
from landscape_cli.surfaces.grid import as_grid


@dataclass
class DescendConfig(Options, Computing):
    """let optimizers descend on a function from one start or many at once, in float64. `landscape plot` draws
    the paths on level lines (kind=contour), in 3D (surface3d), as loss over steps (line), or by where each
    start ends (basins), and an animation into a .gif or .mp4.
    """

    out: str | None = key(None, HDF5)
    function: dict[str, Any] = key(
        {},
        "function.source=package.module:name: one's own, of a tensor of"
        " function.dimension=2 coordinates, with trust=true",
    )
    start: Any = key(
        None,
        "null: the function's own; a point [1,1.5]; several [[1,1],[0,2]]; random:n in its box; grid:n a"
        " side",
    )
    x: Any = key(None, "first:last:count of the function's picture; null: its box, or what holds the paths")
    y: Any = key(None, "likewise")
    trust: bool = key(False, "true: run the code that function.source= names")

    spellings: ClassVar[dict[str, str]] = {"optimizer": "optimizers"}
    lists: ClassVar[tuple[str, ...]] = ("optimizers", "function.eigenvalues", "adam.betas", "start")
    choices: ClassVar[str] = "Choices (group=option; `landscape list functions` describes them):"

    def default_out(self, overrides: list[str]) -> Path:
        """Return the HDF5 file that these overrides of the configuration name."""
        stem = f"{self.function['name']}-{'-'.join(self.optimizers)}"
        name = readable_name(stem, overrides, {*CIRCUMSTANCES, "function", "optimizers"})
        return Path(self.outputs_dir, "descents", f"{name}.h5")

    def __post_init__(self) -> None:
        """Take either spelling of a grid."""
        super().__post_init__()
        self.x = None if self.x is None else as_grid("x", self.x)
        self.y = None if self.y is None else as_grid("y", self.y)
        if (self.x is None) != (self.y is None):
            raise LandscapeError("x and y are told together, or both left out")
