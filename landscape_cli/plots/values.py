"""The numbers of a picture: which array of a surface, and the scale that all panels share."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.store import Surface

SCALES = ("auto", "linear", "log")
SPLITS = ("train", "test")

LEVELS: dict[str, tuple[float, ...]] = {"eigenvalue_ratio": (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)}
"""Levels of a value unless others are asked for: those of figure 7 of Li et al. (2018)."""

BOTTOM = 0.05
"""Share of the values that lie where the logarithmic heights of a landscape go over to linear ones."""

LOG_FROM = 30.0
"""Ratio of the largest to the smallest positive value above which ``scale=auto`` is logarithmic."""


EIGENVALUES = ("eigenvalue_ratio", "largest_eigenvalue", "smallest_eigenvalue")
"""What a file of `landscape hessian` has besides the loss."""


def has_eigenvalues(surface: Surface) -> bool:
    """Return whether a file is one of `landscape hessian`, of points in weight space rather than layers."""
    return surface.layers is None and any(f"{split}/{EIGENVALUES[0]}" in surface.values for split in SPLITS)


def chosen(surfaces: Sequence[Surface], value: str, split: str) -> tuple[str, str]:
    """Return the value and the split to draw, where they may be ``auto``.

    The value is then the eigenvalue ratio if all files have one, else the loss; the split ``train`` where
    every file has that value of it, else ``test``.
    """
    if value == "auto":
        value = EIGENVALUES[0] if all(map(has_eigenvalues, surfaces)) else "loss"
    if split == "auto":
        has_train = all(f"train/{value}" in surface.values for surface in surfaces)
        split = "train" if has_train else "test"
    return value, split


def check_value(surfaces: Sequence[Surface], value: str) -> None:
    """Refuse a value that a file has of no split, such as the accuracy of a regression.

    Raises:
        LandscapeError: naming the values that the file has.
    """
    for surface in surfaces:
        names = sorted({name.partition("/")[2] for name in surface.values})
        if value not in names:
            raise LandscapeError(f"{surface.path} has no {value}; choose value={' or '.join(names)}")


def values_of(surface: Surface, split: str, value: str) -> Array:
    """Return the stored values ``split/value``, (ny, nx) or (nx,), accuracies in percent.

    NaN (not evaluated) and +inf (not finite) stay what they are.

    Raises:
        LandscapeError: the file has no such values, or not one that is evaluated and finite.
    """
    key = f"{split}/{value}"
    if key not in surface.values:
        raise LandscapeError(f"{surface.path} has no {key}; choose from {', '.join(sorted(surface.values))}")
    array = np.asarray(surface.values[key], dtype=np.float64)
    if value == "accuracy":
        with np.errstate(over="ignore"):  # of a damaged file
            array = 100 * array
    if np.isnan(array).all():
        raise LandscapeError(
            f"{surface.path}: nothing of {key} is evaluated yet; run the command that makes it again"
        )
    if not np.isfinite(array).any():
        raise LandscapeError(f"{surface.path}: no value of {key} is finite, there is nothing to draw")
    return array


@dataclass(frozen=True)
class Scale:
    """How values become heights, the same for all panels of a picture.

    A height is the value itself on a linear scale and its log10 on a logarithmic one. There, values of zero
    or less have no height and are drawn at the smallest positive one, `low`; `floored` tells of it. With a
    `bend` a logarithmic scale goes over to a linear one towards zero, at about that value: a height is
    arsinh(value / bend) / ln 10, so that a bowl whose bottom is near zero keeps the shape of one.
    """

    log: bool
    low: float
    high: float
    floored: bool
    bend: float = 0.0

    def heights(self, values: Array) -> np.ma.MaskedArray[tuple[int, ...], np.dtype[np.float64]]:
        """Return the heights of `values`, of the same shape, with what is not finite masked."""
        finite = np.isfinite(values)
        return np.ma.masked_array(self._of(np.where(finite, values, self.high)), mask=~finite)

    def height(self, value: float) -> float:
        """Return the height of one value."""
        return float(self._of(np.array(value)))

    def value(self, height: float) -> float:
        """Return the value of a height."""
        if self.bend:
            return float(self.bend * np.sinh(height * np.log(10)))
        return float(10**height) if self.log else height

    def _of(self, values: Array) -> Array:
        if self.bend:
            return np.asarray(np.arcsinh(values / self.bend) / np.log(10))
        return np.asarray(np.log10(np.maximum(values, self.low))) if self.log else values

    def note(self) -> str:
        """Return what the axis label must add, or an empty string."""
        if self.bend:
            return f"\n(logarithmic above {self.bend:g}, linear below)"
        return f"\n(values ≤ 0 drawn at {self.low:.1g})" if self.floored else ""

    def bent(self, arrays: Sequence[Array]) -> "Scale":
        """Return the scale of a landscape: bent where the deepest points would be a needle on a plain one.

        It bends at the 5 % quantile of the values, if the least lies more than a decade below that.
        """
        finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
        bend = float(np.quantile(finite, BOTTOM))
        if not self.log or bend <= 10 * self.low:
            return self
        return replace(self, bend=float(f"{bend:.0e}"), low=min(0.0, float(finite.min())), floored=False)


def common_scale(arrays: Sequence[Array], scale: str, *, may_be_log: bool = True) -> Scale:
    """Return the scale that all `arrays` share.

    Args:
        arrays: the values of each panel; what is not finite does not count.
        scale: ``linear``, ``log``, or ``auto``: logarithmic where no value is negative and the largest is
            more than 30 times the smallest positive one.
        may_be_log: whether ``auto`` may choose the logarithm (an accuracy is never drawn so unasked).

    Raises:
        LandscapeError: the scale is none of these, or is ``log`` and no value is positive.
    """
    if scale not in SCALES:
        raise unknown("scale", scale, SCALES)
    finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
    positive = finite[finite > 0]
    low, high = float(finite.min()), float(finite.max())
    if scale == "log" and not positive.size:
        raise LandscapeError(f"scale=log needs positive values, got none above {high:g}; choose scale=linear")
    wide = low >= 0 and positive.size > 0 and high / float(positive.min()) > LOG_FROM
    if scale == "log" or (scale == "auto" and may_be_log and wide):
        return Scale(log=True, low=float(positive.min()), high=high, floored=positive.size < finite.size)
    return Scale(log=False, low=low, high=high, floored=False)
