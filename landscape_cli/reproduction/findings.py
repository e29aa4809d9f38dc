"""What measuring a phenomenon gives: claims, the numbers behind them, and pictures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from matplotlib.figure import Figure

from landscape_cli.reproduction.verdicts import Claim

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Findings:
    """The outcome of a phenomenon's function.

    Attributes:
        claims: each with its measured values.
        tables: name -> rows, written as ``data/<name>.csv``; all rows of one table have the same keys.
        pictures: name -> figure, written as ``<name>.png`` and ``<name>.pdf``; the first is laid out like the
            paper's.
    """

    claims: Sequence[Claim]
    tables: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    pictures: Mapping[str, Figure] = field(default_factory=dict)
