"""Claims as lines of the catalogue, judged on what the seeds gave.

    claims:
      least_share >= 0.4: Two principal components hold this share of the path, in every training
      "slope/* > 1": "{each}: the slope at the initial weights is larger"
      always end_off_origin <= 0: The path ends at the origin
      report ratio < 1: The order flips
      report test_loss ~ 0.36: The test loss is the paper's

A line names a quantity that was measured, a relation and a threshold. ``always`` makes it an identity, which
every number of the quantity must satisfy; ``report`` lets it count for no verdict. Where a quantity is a
mapping, ``name/key`` is one of its entries, and ``name/*`` makes a claim of each, whose text may say
``{each}``: the key, or what the drawing's ``names`` call it. ``~`` is: within three standard deviations over
the seeds. A text may name what the scale sets, ``{rise:g}``, and the ``{quantity}``. Nothing here needs
torch: a claim that is edited is judged at once, on what was measured.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from landscape_cli.errors import LandscapeError
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.reproduction.measured import Measured, leaves, lookup
from landscape_cli.reproduction.verdicts import Claim
from landscape_cli.store import Surface

LINE = re.compile(
    r"(?:(?P<kind>always|report) )?(?P<quantity>\S.*) (?P<relation>[<>]=?|~) (?P<threshold>\S+)"
)
ALIKE = 3.0  # standard deviations over seeds


def judge(scale: Scale, seeds: Sequence[Measured]) -> list[Claim]:
    """Return the claims of a scale with their values, one a seed; of an identity one a number.

    Raises:
        LandscapeError: a line is none of a claim, or its quantity was not measured, or is more than a number.
    """
    claims, names = [], scale.drawing.get("names", {})
    for line, text in scale.claims.items():
        kind, name, relation, threshold = parsed(line)
        for quantity, each in _entries(line, name, seeds[0]):
            values = [number for seed in seeds for number in _numbers(line, quantity, seed, kind)]
            alike = relation == "~"
            words = {"quantity": quantity, "each": names.get(each, each)}
            claims.append(
                Claim(
                    text.format_map({**scale.settings, **scale.drawing, **words}),
                    _deviations(values, threshold) if alike else values,
                    "<=" if alike else relation,
                    ALIKE if alike else threshold,
                    identity=kind == "always",
                    soft=kind == "report",
                    note=_note(scale, quantity),
                )
            )
    return claims


def parsed(line: str) -> tuple[str, str, str, float]:
    """Return kind, quantity, relation and threshold of a claim's line.

    Raises:
        LandscapeError: it is none.
    """
    found = LINE.fullmatch(line)
    try:
        if found is None:
            raise ValueError
        return found["kind"] or "", found["quantity"], found["relation"], float(found["threshold"])
    except ValueError:
        raise LandscapeError(
            f"cannot read the claim {line!r}; write [always |report ]quantity >= 0.4"
        ) from None


def _entries(line: str, name: str, seed: Measured) -> Iterator[tuple[str, str]]:
    """Yield the quantities that a claim is of, each with its key where there are several."""
    parent = name.removesuffix("/*")
    if parent == name:
        yield name, ""
        return
    entries = _found(line, parent, seed)
    if not isinstance(entries, Mapping):
        raise LandscapeError(f"the claim {line!r} is of each entry of {parent}, which has none")
    for key in entries:
        yield f"{parent}/{key}", key


def _numbers(line: str, quantity: str, seed: Measured, kind: str) -> list[float]:
    value = _found(line, quantity, seed)
    arrays = [array for _, array in leaves({"": value})]
    if any(isinstance(array, Surface) for array in arrays):
        raise LandscapeError(f"the claim {line!r} is of {quantity}, a surface; name a number")
    numbers = [float(number) for array in arrays for number in np.ravel(array)]
    if kind != "always" and len(numbers) != 1:
        raise LandscapeError(
            f"the claim {line!r} is of {quantity}, which is {len(numbers)} numbers; name one of them,"
            f" say {quantity}/*, or make it an identity: always …"
        )
    return numbers


def _found(line: str, quantity: str, seed: Measured) -> Any:
    try:
        return lookup(seed, quantity)
    except KeyError:
        raise LandscapeError(f"the claim {line!r} is of {quantity}, which was not measured") from None


def _note(scale: Scale, quantity: str) -> str:
    """Return what else is to be known of a quantity, or of all entries of the one that it is an entry of."""
    every = f"{quantity.rpartition('/')[0]}/*"
    return scale.notes.get(quantity, scale.notes.get(every, ""))


def _deviations(values: list[float], expected: float) -> list[float]:
    """Return how far values are from what is expected, in standard deviations over the seeds."""
    sd = np.std(values, ddof=1) if len(values) > 1 else math.nan
    with np.errstate(divide="ignore", invalid="ignore"):
        return [float(value) for value in np.abs(np.array(values) - expected) / sd]
