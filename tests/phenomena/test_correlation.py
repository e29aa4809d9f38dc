"""Sharpness and test error over a sweep: measured on made-up valleys."""

from typing import Any, cast

import numpy as np
import pytest

from landscape_cli.phenomena.correlation import sharpness_and_error
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from made_lab import MadeLab, MadeRun, made_surface

X = np.linspace(-1, 1, 81)
RADII = {"a": 0.6, "b": 0.5, "c": 0.4, "d": 0.3}


def lab_of(errors: dict[str, float]) -> Lab:
    def line(run: MadeRun, words: Any) -> Surface:
        return made_surface({"train/loss": lambda x: (x / RADII[run.name]) ** 2}, X)

    return cast("Lab", MadeLab(lambda name, seed: MadeRun(name, seed, 1 - errors[name]), list(RADII), line))


@pytest.mark.parametrize(
    ("errors", "rho", "excess", "verdicts"),
    [
        ((0.1, 0.2, 0.3, 0.4), 1.0, 0.0, ["holds", "holds", "holds"]),
        ((0.4, 0.3, 0.2, 0.1), -1.0, 30.0, ["fails", "fails", "holds"]),
    ],
)
def test_ranks(errors: tuple[float, ...], rho: float, excess: float, verdicts: list[str]) -> None:
    lab = lab_of(dict(zip(RADII, errors, strict=True)))
    found = sharpness_and_error(lab, batches={"a": 32, "b": 64, "d": 128}, rise=1.0, directions=2, line=[])
    assert found.claims[0].values == pytest.approx([rho] * 3)
    assert found.claims[1].values == pytest.approx([excess] * 3)
    assert found.claims[2].values == pytest.approx([-0.1] * 3, abs=0.01)
    assert [claim.verdict for claim in found.claims] == verdicts


def test_a_valley_that_widens_with_the_batch_fails() -> None:
    found = sharpness_and_error(
        lab_of(dict.fromkeys(RADII, 0.1)), batches={"d": 32, "a": 64}, rise=1.0, directions=2, line=[]
    )
    assert found.claims[2].verdict == "fails"
    assert found.claims[0].verdict == "undecided"  # equal errors have no order
