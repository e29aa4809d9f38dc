"""Which values get a contour line, and how they are written."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.plots.values import Scale

COUNT = 10
"""Largest number of bands between levels when none is asked for."""

FEWEST = 4
"""Number of levels that each panel has at least within its own range, unless they are asked for."""
MOST_LINES = 12  # spacings of lines that were added for another panel into which a range may be divided

_DENSER = (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)  # multipliers of each decade, for a panel in a narrow range
_STEPS = (1, 2, 2.5, 5, 10)  # of linear levels
# Multipliers of each decade, densest first; after them whole decades, every second, every third, …
_MANTISSAS: tuple[tuple[float, ...], ...] = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))


def choose_levels(scale: Scale, levels: int | Sequence[float] | None) -> Array:
    """Return the levels, increasing, in the values' unit.

    A number, or None for ten, gives round levels that enclose all values in at most so many bands: evenly
    spaced on a linear scale; 1, 2, 5 or 1, 3 or 1 times the powers of ten on a logarithmic one. A list is
    taken as it is.

    Raises:
        LandscapeError: `levels` is neither a number of at least 2 nor a list of at least two increasing
            finite numbers, all positive on a logarithmic scale.
    """
    if levels is None:
        return _round_levels(scale, COUNT)
    if isinstance(levels, int) and not isinstance(levels, bool):
        if levels < 2:
            raise LandscapeError(f"levels must be at least 2, got {levels}")
        return _round_levels(scale, levels)
    return _given_levels(scale, levels)


def refined(
    levels: Array, scale: Scale, arrays: Sequence[Array], fewest: int = FEWEST
) -> tuple[Array, list[Array]]:
    """Return the levels with those added that resolve each panel, and the ones whose lines a panel shows.

    Between the 10th and the 90th percentile of its values, each panel that is not constant has at least
    `fewest` levels: round ones, as coarse as that allows, and never beyond the ends of `levels`. All panels
    have lines at all of these, but not at those that were added for another and would lie too close.

    Args:
        levels: increasing.
        scale: of all panels.
        arrays: the values of each panel.
        fewest: how many lines a panel has.
    """
    ranges = [_inner_range(scale, array) for array in arrays]
    added = [
        _between(scale, *each, fewest) if _count(levels, each) < fewest else levels[:0] for each in ranges
    ]
    added = [each[(levels[0] < each) & (each < levels[-1])] for each in added]
    lines = []
    for own, (low, high) in zip(added, ranges, strict=True):
        closest = (scale.height(high) - scale.height(low)) / MOST_LINES
        apart = [
            each for each in added if (np.diff([scale.height(level) for level in each]) >= closest).all()
        ]
        lines.append(_union([levels, own, *apart]))
    return _union([levels, *added]), lines


def between(levels: Array, scale: Scale, low: float | None, high: float | None) -> Array:
    """Return the levels within limits, with these as the ends; None leaves an end as it is.

    Raises:
        LandscapeError: no value lies between the limits, or one has no logarithm.
    """
    ends = [levels[0] if low is None else low, levels[-1] if high is None else high]
    if scale.log and ends[0] <= 0:
        raise LandscapeError(
            f"vmin on a logarithmic scale must be positive, got {ends[0]:g}; choose scale=linear"
        )
    if ends[0] >= ends[1] or ends[0] > scale.high or ends[1] < scale.low:
        raise LandscapeError(
            f"vmin={low} and vmax={high} leave nothing to draw: the values go from {scale.low:g} to"
            f" {scale.high:g}"
        )
    return _union([np.array(ends), levels[(ends[0] < levels) & (levels < ends[1])]])


def _inner_range(scale: Scale, values: Array) -> tuple[float, float]:
    """Return the 10th and the 90th percentile of what is finite, or its ends where these are equal."""
    finite = values[np.isfinite(values)]
    if scale.log:
        finite = np.maximum(finite, scale.low)
    low, high = np.percentile(finite, [10, 90])
    return (float(low), float(high)) if low < high else (float(finite.min()), float(finite.max()))


def _between(scale: Scale, low: float, high: float, fewest: int) -> Array:
    """Return the coarsest round levels of which so many lie within the range; none if it is a point."""
    candidates: list[Array] = []
    if scale.log:
        decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
        candidates = [
            np.array([mantissa * 10.0**decade for decade in decades for mantissa in mantissas])
            for mantissas in (*reversed(_MANTISSAS), _DENSER)
        ]
    if low < high:
        from matplotlib.ticker import MaxNLocator

        candidates += [
            np.asarray(MaxNLocator(nbins=bins, steps=_STEPS).tick_values(low, high))
            for bins in range(fewest, 4 * fewest)
        ]
    inside = [each[(low < each) & (each < high)] for each in candidates]
    return next((each for each in inside if len(each) >= fewest), np.empty(0))


def _count(levels: Array, ends: tuple[float, float]) -> int:
    return int(((ends[0] < levels) & (levels < ends[1])).sum())


def _union(levels: Sequence[Array]) -> Array:
    """Return all levels, increasing, those that differ by rounding alone once."""
    found = np.unique(np.concatenate(levels))
    return np.asarray(found[np.concatenate([[True], np.diff(found) > 1e-9 * np.abs(found[1:])])])


def _given_levels(scale: Scale, levels: object) -> Array:
    expected = "levels must be a number, or a list of at least two increasing numbers"
    try:
        given = np.array(list(levels), dtype=np.float64)  # type: ignore[call-overload]
    except (TypeError, ValueError):
        raise LandscapeError(f"{expected}, got {levels!r}") from None
    if given.ndim != 1 or given.size < 2 or not np.isfinite(given).all() or (np.diff(given) <= 0).any():
        raise LandscapeError(f"{expected}, got {levels!r}")
    if scale.log and given[0] <= 0:
        raise LandscapeError(
            f"levels on a logarithmic scale must be positive, got {given[0]:g}; choose scale=linear"
        )
    return given


def _round_levels(scale: Scale, count: int) -> Array:
    if scale.bend:  # the least value, and round levels of the logarithmic part
        above = Scale(log=True, low=scale.bend, high=max(scale.high, 2 * scale.bend), floored=False)
        return np.concatenate([[scale.low], _round_levels(above, count)[1:]])
    if not scale.log:
        from matplotlib.ticker import (
            MaxNLocator,
        )  # tables, whose titles have numbers too, need not wait for it

        locators = [MaxNLocator(nbins=bins, steps=_STEPS, min_n_ticks=1) for bins in range(count, 0, -1)]
        levels = _first_short([locator.tick_values(scale.low, scale.high) for locator in locators], count)
        # Rounding may leave an end a last digit inside the range.
        return np.concatenate([[min(levels[0], scale.low)], levels[1:-1], [max(levels[-1], scale.high)]])
    first, last = int(np.floor(np.log10(scale.low))), int(np.floor(np.log10(scale.high))) + 1
    candidates = [
        np.array([mantissa * 10.0**decade for decade in range(first, last + 1) for mantissa in mantissas])
        for mantissas in _MANTISSAS
    ]
    candidates += [10.0 ** np.arange(first, last + step, step) for step in range(2, last - first + 1)]
    return _first_short([_trimmed(levels, scale.low, scale.high) for levels in candidates], count)


def _first_short(candidates: Sequence[Any], count: int) -> Array:
    """Return the first candidate with at most `count` bands, or else the last."""
    return np.asarray(next((levels for levels in candidates if len(levels) <= count + 1), candidates[-1]))


def _trimmed(levels: Array, low: float, high: float) -> Array:
    """Drop the levels that are not needed to enclose [low, high]; at least two stay."""
    start = max(int(np.searchsorted(levels, low, side="right")) - 1, 0)
    stop = int(np.searchsorted(levels, high, side="left"))
    return levels[start : max(stop, start + 1) + 1]


def numbers(values: Sequence[float]) -> list[str]:
    """Return numbers as a picture shows them side by side: as short as tells each from its neighbours."""
    spacing = np.min(np.abs(np.diff(values))) if len(values) > 1 else np.inf
    for digits in range(4, 12):
        texts = [number(value, digits) for value in values]
        if all(abs(float(text) - value) <= 0.02 * spacing for text, value in zip(texts, values, strict=True)):
            break
    return texts


def number(value: float, digits: int = 4) -> str:
    """Return a number as a picture shows it: ``0.05``, ``12.5``, ``5e-4``, ``1e5``."""
    if digits > 4 and 1e-3 <= abs(value) < 1e5:
        return f"{float(f'{value:.{digits}g}'):.{digits}g}"
    if value != 0 and not 1e-3 <= abs(value) < 1e5:
        mantissa, exponent = f"{value:.2e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}"
    return f"{float(f'{value:.4g}'):g}" if abs(value) < 1e4 else f"{value:.0f}"
