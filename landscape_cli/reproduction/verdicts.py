"""A claim as an inequality, the numbers measured for it, and the verdict.

The rule stands before the measurement: a claim holds when at least two thirds of at least three seeds satisfy
it, and their mean does so by its standard error. It fails when the same is true of its opposite. All else is
undecided. An identity must hold for every number measured.
"""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RELATIONS = {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
SEEDS = 3


@dataclass(frozen=True)
class Claim:
    """A claim and what was measured.

    Attributes:
        text: what is claimed, as a sentence.
        values: the measured quantity, one number a seed (of an identity: one a check). NaN where it has no
            value; infinite where it lies beyond what was looked at, such as a radius outside of the grid.
        relation: one of `RELATIONS`: value relation threshold.
        threshold: a number.
        identity: whether it must hold for each value.
        soft: whether it is reported only, and does not count for the verdict of the phenomenon.
        note: what else is to be known: a calibrated threshold, why a claim may fail.
    """

    text: str
    values: Sequence[float]
    relation: str
    threshold: float
    identity: bool = False
    soft: bool = False
    note: str = ""

    @property
    def defined(self) -> list[float]:
        """The values that there are."""
        return [float(value) for value in self.values if not math.isnan(value)]

    @property
    def _finite(self) -> list[float]:
        return [value for value in self.defined if math.isfinite(value)]

    @property
    def moments(self) -> tuple[float | None, float | None]:
        """Mean and standard deviation (n - 1) of the finite values; None where there are too few for it."""
        values = np.array(self._finite)
        largest = float(np.abs(values).max(initial=0.0))
        unit = math.ldexp(
            0.5, math.frexp(largest)[1]
        )  # 1e300 squared is beyond float64; a power of 2 is exact
        mean = float(np.mean(values / unit) * unit) if len(values) else None
        return mean, float(np.std(values / unit, ddof=1) * unit) if len(values) > 1 else None

    @property
    def verdict(self) -> str:
        """``holds``, ``fails`` or ``undecided``."""
        compare, values = RELATIONS[self.relation], self.defined
        satisfied = [bool(compare(value, self.threshold)) for value in values]
        if self.identity:
            if not values:
                return "undecided"
            return "holds" if all(satisfied) and len(values) == len(self.values) else "fails"
        if len(values) < SEEDS:
            return "undecided"
        share = sum(satisfied) / len(values)
        if share >= 2 / 3 and self._clear(above=self.relation.startswith(">")):
            return "holds"
        if share <= 1 / 3 and self._clear(above=self.relation.startswith("<")):
            return "fails"
        return "undecided"

    def _clear(self, *, above: bool) -> bool:
        """Whether the mean lies on that side of the threshold by more than its standard error."""
        mean, sd = self.moments
        if mean is None:
            return True  # all beyond what was looked at, and the seeds agree
        error = sd / math.sqrt(len(self._finite)) if sd is not None else 0.0
        distance = mean - self.threshold if above else self.threshold - mean
        return distance >= error

    def record(self) -> dict[str, Any]:
        """Return the claim for result.json: numbers that are not finite are None."""
        mean, sd = self.moments
        return {
            "text": self.text,
            "measured": mean,
            "sd": sd,
            "n": len(self.defined),
            "relation": self.relation,
            "threshold": self.threshold,
            "verdict": self.verdict,
            "values": [float(value) if math.isfinite(value) else None for value in self.values],
            "identity": self.identity,
            "soft": self.soft,
            "note": self.note,
        }


def overall(claims: Sequence[Claim]) -> str:
    """Return the verdict of a phenomenon: that of its worst claim, those only reported left out."""
    verdicts = {claim.verdict for claim in claims if not claim.soft}
    return next((verdict for verdict in ("fails", "undecided") if verdict in verdicts), "holds")
