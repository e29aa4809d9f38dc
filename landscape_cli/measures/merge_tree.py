"""Basins of a line or plane, and at which height each merges into a lower one: persistence of sublevel sets.

Edelsbrunner, Letscher, Zomorodian 2002, "Topological persistence and simplification"; that a change of the
losses by at most e changes no persistence by more than 2 e: Cohen-Steiner, Edelsbrunner, Harer 2007.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from landscape_cli.arrays import Array, Index


@dataclass(frozen=True)
class Basin:
    """A component of {L <= h} while h grows, from the minimum where it appears to where it merges.

    Attributes:
        place: of its lowest grid point, (row, column) or (column,), the first in row-major order.
        birth: the loss there.
        death: the loss of the pass over which it merges into a lower basin; +inf: it never does.
        into: number of that basin in its tree; None: it never merges.
    """

    place: Index
    birth: float
    death: float
    into: int | None

    @property
    def persistence(self) -> float:
        """How far the loss must rise from the minimum before a way leads to a lower one."""
        return self.death - self.birth


def merge_tree(loss: Array, persistence: float = 0.0) -> list[Basin]:
    """Return the basins of a line or plane, lowest first: the merge tree of its sublevel sets.

    Points are neighbours as for `minima`: of eight, or of two on a line. Where basins meet the one with the
    lowest minimum goes on (the elder rule), of equally low ones the first in row-major order; of several that
    meet at one height all merge into that which goes on above it. A plateau is one point. Unlike for
    `minima` a lowest point may lie on the border.

    Args:
        loss: of shape (n,) or (ny, nx). No sublevel set holds +inf, or NaN, a point not evaluated: basins
            that only such points join never merge.
        persistence: leave out basins that merge earlier; the others' tree is what it was, for a basin that
            is merged into is never the less persistent one. Zero: all of them.

    Raises:
        ValueError: the loss is neither a line nor a plane, or somewhere -inf, or the persistence is no
            finite number of zero or more.
    """
    loss = np.asarray(loss, dtype=np.float64)
    if loss.ndim not in (1, 2):
        raise ValueError(f"a line or plane has losses of shape (n,) or (ny, nx), not {loss.shape}")
    if np.isneginf(loss).any():
        raise ValueError("a loss is -inf")
    if not 0 <= persistence < np.inf:
        raise ValueError(f"the persistence is {persistence}, and must be finite and not negative")
    kept = [each for each in _merged(loss) if each[2] - each[1] >= persistence and each[2] > each[1]]
    number = {own: place for place, (own, *_) in enumerate(kept)}
    places = [np.unravel_index(point, loss.shape) for *_, point in kept]
    return [
        Basin(tuple(map(int, place)), birth, death, None if into is None else number[into])
        for place, (_, birth, death, into, _) in zip(places, kept, strict=True)
    ]


def basins_above(loss: Array, persistence: float) -> int:
    """Return how many basins, besides the lowest one, are at least so persistent.

    That is a number of minima that noise does not change: if no loss is off by more than e, basins more
    persistent than p + 2 e are counted, those less persistent than p - 2 e are not, and between there is
    nothing to find in a landscape whose basins are clear. `minima` has a new one at every ripple.

    Args:
        loss: of shape (n,) or (ny, nx); +inf is higher than every pass.
        persistence: in units of the loss, above zero.

    Raises:
        ValueError: as `merge_tree`; or a loss is NaN, none is finite, or the persistence is zero.
    """
    loss = np.asarray(loss, dtype=np.float64)
    if np.isnan(loss).any():
        raise ValueError(f"{int(np.isnan(loss).sum())} of {loss.size} losses are NaN: not evaluated yet")
    if persistence == 0:
        raise ValueError("the persistence is 0, and must be positive: rounding makes minima too")
    basins = merge_tree(loss, persistence)
    if not basins:
        raise ValueError("no loss is finite")
    return len(basins) - 1


def arms(loss: Array, basins: Sequence[Basin]) -> np.ndarray[Index, np.dtype[np.int64]]:
    """Return the number of the basin that each point belongs to alone, of the shape of the loss; else -1.

    A basin has its points to itself below the pass at which it first meets another of these: the leaf of the
    tree, from its lowest point to its first branching.

    Args:
        loss: of shape (n,) or (ny, nx).
        basins: what `merge_tree` returned for it, at any persistence.
    """
    from scipy.ndimage import label  # a tenth of a second, which only pictures wait for

    numbers = np.full(loss.shape, -1)
    for number, basin in enumerate(basins):
        level = min([basin.death, *(each.death for each in basins if each.into == number)])
        components, _ = label(loss < level, structure=np.ones((3,) * loss.ndim))
        numbers[components == components[basin.place]] = number
    return numbers


def _merged(loss: Array) -> list[tuple[int, float, float, int | None, int]]:
    """Return (number, birth, death, number merged into, flat index) of every basin, in the order of births.

    Points join in the order of their heights, each with what is around it: a union-find whose roots are the
    oldest, that is, lowest numbers.
    """
    rows = np.pad(loss, 1, constant_values=np.inf)
    heights = rows.ravel()
    order = np.argsort(heights, kind="stable")
    order = order[: int(np.isfinite(heights).sum())]  # +inf and NaN come last
    steps = [1] if loss.ndim == 1 else [rows.shape[1], 1]
    around = [int(np.dot(move, steps)) for move in product((-1, 0, 1), repeat=loss.ndim) if any(move)]
    inside = np.full(rows.shape, -1)
    inside[(slice(1, -1),) * loss.ndim] = np.arange(loss.size).reshape(loss.shape)
    of = [-1] * len(heights)  # point -> a basin that it belongs to
    elders: list[int] = []  # basin -> the one it has merged into, or itself
    found: list[tuple[int, float, float, int | None, int]] = []

    def oldest(basin: int) -> int:
        while elders[basin] != basin:
            elders[basin] = elders[elders[basin]]
            basin = elders[basin]
        return basin

    for point, height in zip(order.tolist(), heights[order].tolist(), strict=True):
        meeting = sorted({oldest(of[point + step]) for step in around if of[point + step] >= 0})
        if not meeting:
            meeting = [len(elders)]
            elders.append(len(elders))
            found.append((meeting[0], height, np.inf, None, int(inside.flat[point])))
        of[point] = meeting[0]
        for younger in meeting[1:]:
            elders[younger] = meeting[0]
            number, birth, _, _, place = found[younger]
            found[younger] = (number, birth, height, meeting[0], place)
    for number, birth, death, into, place in found:  # the lowest first: those that go on higher are known
        if into is not None and found[into][2] == death:
            found[number] = (number, birth, death, found[into][3], place)
    return found
