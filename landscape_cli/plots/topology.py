"""What pictures of basins share: those of each file that are persistent enough, on one scale, and colours."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from matplotlib.axes import Axes

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.measures.merge_tree import Basin, merge_tree
from landscape_cli.plots.labels import panel_titles, value_label
from landscape_cli.plots.levels import number
from landscape_cli.plots.series import COLOURS, MARKERS
from landscape_cli.plots.values import LEVELS, Scale, common_scale, values_of
from landscape_cli.store import Surface

COLOURED = 6  # basins that have a colour and a marker of their own: the most persistent
OTHERS = "0.45"  # the colour of the others
BASIN = "basin"  # label of the markers
SHARE = 0.01  # of the rise from the lowest to the median loss: the persistence that is asked for by default


@dataclass(frozen=True)
class Topology:
    """A surface with its basins.

    Attributes:
        surface: what is drawn.
        values: of it, (ny, nx) or (nx,), accuracies in percent.
        scale: from values to heights, shared by the picture's panels.
        basins: those at least as persistent as `persistence`, lowest first.
        smaller: the other ones.
        persistence: in the values' unit.
        label: of the values, with their unit.
    """

    surface: Surface
    values: Array
    scale: Scale
    basins: list[Basin]
    smaller: list[Basin]
    persistence: float
    label: str

    @property
    def coloured(self) -> dict[int, int]:
        """The most persistent basins -> the number of their colour and marker; the lowest has the first."""
        order = sorted(range(len(self.basins)), key=lambda one: -self.basins[one].persistence)
        return {one: look for look, one in enumerate(sorted(order[:COLOURED]))}

    def drawn(self, values: Array) -> Array:
        """Return values as an axis shows them: on a logarithmic one none is below the least positive one."""
        return np.maximum(values, self.scale.low) if self.scale.log else values

    def told(self) -> str:
        """Return in words how many basins there are."""
        count = len(self.basins) - 1
        words = f"{count or 'no'} basin{'s' * (count != 1)} besides the lowest"
        gaps = int(np.isnan(self.values).sum())
        return words + (f",\n{gaps:,} points not evaluated" if gaps else "")


def topologies(
    surfaces: Sequence[Surface], *, value: str, split: str, scale: str, persistence: float | None
) -> list[Topology]:
    """Return the basins of several files; arguments as for `draw`.

    Raises:
        LandscapeError: accuracies, whose solutions are summits; the persistence is not positive; a file has
            no such values, or -inf among them; the scale does not fit.
    """
    if value == "accuracy":
        raise LandscapeError("basins are where a value is low, and accuracies are high there; say value=loss")
    values = [values_of(surface, split, value) for surface in surfaces]
    shared = common_scale(values, scale, may_be_log=value not in LEVELS)
    if persistence is None:
        finite = np.concatenate([each[np.isfinite(each)] for each in values])
        persistence = float(f"{SHARE * (np.median(finite) - finite.min()):.1g}")
    elif not 0 < persistence < np.inf:
        raise LandscapeError(f"persistence must be positive, in units of the loss, got {persistence}")
    label = value_label(split, value, [surface.run_config for surface in surfaces]) + shared.note()
    found = []
    for surface, own in zip(surfaces, values, strict=True):
        try:
            every, basins = merge_tree(own), merge_tree(own, persistence)
        except ValueError as error:
            raise LandscapeError(f"{surface.path}: {error}") from error
        places = {basin.place for basin in basins}
        smaller = [replace(basin, into=None) for basin in every if basin.place not in places]
        found.append(Topology(surface, own, shared, basins, smaller, persistence, label))
    return found


def own_titles(
    found: Sequence[Topology], title: str | None, titles: Sequence[str] | None
) -> tuple[str, list[str]]:
    """Return the title above all and those of the files, each with how many basins it has."""
    common, own = panel_titles([each.surface for each in found], title, titles)
    if len(found) == 1:
        common, own = own[0], [""]
    return common, [f"{words}\n{each.told()}".strip() for words, each in zip(own, found, strict=True)]


def threshold_note(found: Sequence[Topology]) -> str:
    """Return which basins are counted, and how many minima are not."""
    smaller = sum(len(each.smaller) for each in found)
    words = f"basins of a persistence of at least {number(found[0].persistence)}"
    return words + (f"; {smaller:,} smaller one{'s' * (smaller != 1)} left out" if smaller else "")


def mark(axes: Axes, x: float, y: float, look: int | None, zorder: float = 4) -> None:
    """Put a basin's marker; `look` None: a grey dot."""
    if look is None:
        axes.plot(x, y, ".", color=OTHERS, markersize=3.0, zorder=zorder - 0.5, label=BASIN, clip_on=False)
        return
    axes.plot(
        x,
        y,
        label=BASIN,
        marker=MARKERS[look],
        color=COLOURS[look],
        markersize=6.0,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        zorder=zorder,
        clip_on=False,
    )
