"""Depth, shortcuts, width: measured on made-up planes whose radii and curvatures are known."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from landscape_cli.phenomena import architectures
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from made_lab import MadeLab, MadeRun, made_surface

AXIS = np.linspace(-1, 1, 41)
LEVELS = [0.1, 1, 10]


def lab_of(
    names: Sequence[str], radii: dict[str, float], errors: dict[str, float], waves: Sequence[str]
) -> Lab:
    """Return a lab with bowls of these radii at a rise of 1; those of `waves` ripple far from the centre."""

    def surface(run: MadeRun, words: Any) -> Surface:
        def loss(x: Any, y: Any) -> Any:
            square = x**2 + y**2
            ripple = 8 * np.cos(9 * x) * np.cos(9 * y) if run.name in waves else 0.0
            return 0.1 + square / radii[run.name] ** 2 + np.where(square > 0.55, ripple, 0.0)

        return made_surface({"train/loss": loss}, AXIS, AXIS)

    def run(name: str, seed: int) -> MadeRun:
        return MadeRun(name, seed, test_accuracy=1 - errors[name])

    return cast("Lab", MadeLab(run, names, surface))


def verdicts(found: Any) -> list[str]:
    return [claim.verdict for claim in found.claims]


def test_shortcuts() -> None:
    names = ["20", "56", "20_noshort", "56_noshort"]
    radii = dict(zip(names, (0.5, 0.5, 0.5, 0.3), strict=True))
    errors = dict(zip(names, (0.3, 0.2, 0.3, 0.5), strict=True))
    options: dict[str, Any] = {
        "shallow": 20,
        "deep": 56,
        "rise": 1.0,
        "ratio": 1.3,
        "surface": [],
        "note": "",
    }
    found = architectures.shortcuts(lab_of(names, radii, errors, ["56_noshort"]), **options, levels=LEVELS)
    assert verdicts(found) == ["holds"] * 5
    assert found.claims[0].values == pytest.approx([5 / 3] * 3, rel=0.05)
    assert found.claims[2].values == pytest.approx([30.0] * 3)
    assert found.claims[3].values == pytest.approx([0.0] * 3)
    assert set(found.pictures) == {"planes", "surfaces", "measures"}

    radii["56"], errors["56"] = 0.2, 0.6
    found = architectures.shortcuts(lab_of(names, radii, errors, ["56"]), **options, levels=LEVELS)
    assert verdicts(found) == ["fails", "fails", "fails", "fails", "holds"]


def test_width() -> None:
    names = ["noshort_0.25", "noshort_0.5", "noshort_1"]
    radii, errors = (dict(zip(names, values, strict=True)) for values in ((0.3, 0.4, 0.5), (0.5, 0.4, 0.3)))
    options: dict[str, Any] = {"factors": {"noshort": [0.25, 0.5, 1]}, "rise": 1.0, "surface": [], "note": ""}
    found = architectures.width(lab_of(names, radii, errors, names[:1]), **options, levels=LEVELS)
    assert verdicts(found) == ["holds"] * 3
    radii["noshort_0.5"] = 0.6  # not monotone
    found = architectures.width(lab_of(names, radii, errors, names[:1]), **options, levels=LEVELS)
    assert verdicts(found) == ["holds", "fails", "holds"]


def test_densenet() -> None:
    names = ["densenet", "noshort"]
    radii, errors = dict.fromkeys(names, 0.4), dict.fromkeys(names, 0.2)
    found = architectures.densenet(
        lab_of(names, radii, errors, ["noshort"]), rise=1, surface=[], levels=LEVELS
    )
    assert verdicts(found) == ["holds"]
    found = architectures.densenet(
        lab_of(names, radii, errors, ["densenet"]), rise=1, surface=[], levels=LEVELS
    )
    assert verdicts(found) == ["fails"]


def test_depth_transition() -> None:
    names = ["8", "20", "38"]
    radii, errors = dict.fromkeys(names, 0.4), dict.fromkeys(names, 0.2)
    rising = lab_of(names, radii, errors, ["38"])
    found = architectures.depth_transition(rising, rise=1, surface=[], levels=LEVELS)
    assert verdicts(found) == ["holds", "holds"]
    counts = [row["minima"] for row in found.tables["planes"] if row["seed"] == 0]
    assert counts[:2] == [0, 0]
    assert counts[2] > 0
    falling = lab_of(names, radii, errors, ["8"])
    found = architectures.depth_transition(falling, rise=1, surface=[], levels=LEVELS)
    assert verdicts(found) == ["fails", "fails"]
