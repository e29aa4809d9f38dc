"""How a picture looks where it is not one of a paper: for slides, or to the taste of its reader."""

import math
import re
from dataclasses import dataclass
from typing import Any

from landscape_cli.keys import POSITIVE, Range, check, key, require

LARGEST = 100  # inches
FINITE = Range("a finite number", math.isfinite)
DOTS = Range("a whole number from 20 to 2400", lambda value: 20 <= value <= 2400)


@dataclass
class Look:
    """What may be chosen of a picture's look; the rest is in `style`.

    Raises:
        LandscapeError: a value is out of range; `styled` checks the names of colour maps and styles.
    """

    cmap: str = key("viridis", "any of Matplotlib's colour maps: magma, cividis, RdBu_r, …")
    vmin: float | None = key(None, "the least value that colours and heights tell apart", FINITE)
    vmax: float | None = key(None, "the greatest one", FINITE)
    size: Any = key(None, "width x height in inches: 8x4; null: those of a column or page of a paper")
    font: float | None = key(
        None, "size of text in points: of titles and labels, the others follow; null: 8", POSITIVE
    )
    dpi: int | None = key(None, "dots per inch; null: 200", DOTS)
    style: str | None = key(None, "a style of Matplotlib, such as dark_background, or a .mplstyle file")

    def __post_init__(self) -> None:
        """Check the ranges, and what must fit together."""
        check(self)
        if self.inches is not None:
            fits = min(self.inches) >= 1 and max(self.inches) <= LARGEST
            require(fits, "size", self.size, f"from 1 to {LARGEST} inches")
        if self.vmin is not None and self.vmax is not None:
            require(self.vmin < self.vmax, "vmin", self.vmin, f"below vmax={self.vmax:g}")

    @property
    def inches(self) -> tuple[float, float] | None:
        """Width and height, if they were asked for."""
        return None if self.size is None else _inches(self.size)


def _inches(size: Any) -> tuple[float, float]:
    words = "x".join(map(str, size)) if isinstance(size, list | tuple) else str(size)
    found = re.fullmatch(r"(\d+(?:\.\d+)?)x(\d+(?:\.\d+)?)", words)
    require(found is not None, "size", size, "width x height in inches, such as 8x4")
    assert found is not None
    return float(found[1]), float(found[2])
