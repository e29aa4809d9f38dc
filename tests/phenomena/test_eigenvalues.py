"""The map of |smallest / largest| eigenvalues: what is read off it."""

from typing import Any, cast

import numpy as np
import pytest

from landscape_cli.phenomena.eigenvalues import ratio_map
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface
from made_lab import MadeLab, MadeRun, made_surface

AXIS = np.linspace(-1, 1, 5)
NAMES = {"short": "ResNet", "noshort": "ResNet without shortcuts"}


def lab_of(slopes: dict[str, float], centre: float = 0.01) -> Lab:
    """Return a lab whose maps rise linearly with the distance |x| from `centre`, infinite in one corner."""

    def plane(run: MadeRun, words: Any) -> Surface:
        def ratio(x: Any, y: Any) -> Any:
            heights = centre + slopes[run.name] * np.abs(x) + 0 * y
            heights[0, 0] = np.inf
            return heights

        values = {"train/eigenvalue_ratio": ratio, "train/residual": lambda x, y: 0.01 + 0 * x}
        return made_surface(values, AXIS, AXIS)

    return cast("Lab", MadeLab(MadeRun, list(slopes), plane))


@pytest.mark.parametrize(
    ("slopes", "centre", "verdicts"),
    [
        ({"short": 0.1, "noshort": 0.5}, 0.01, ["holds", "holds", "holds", "holds"]),
        ({"short": 0.5, "noshort": 0.1}, 0.01, ["holds", "holds", "fails", "fails"]),
        ({"short": 0.1, "noshort": 0.5}, 0.2, ["fails", "fails", "holds", "holds"]),
    ],
)
def test_claims(slopes: dict[str, float], centre: float, verdicts: list[str]) -> None:
    found = ratio_map(lab_of(slopes, centre), names=NAMES, plane=[], convex=0.1, chaotic=0.3)
    assert [claim.verdict for claim in found.claims] == verdicts
    row = found.tables["maps"][0]
    finite = np.array([centre + slopes["short"] * abs(x) for _ in AXIS for x in AXIS][1:])
    assert row["at_the_weights"] == pytest.approx(centre)
    assert row["mean"] == pytest.approx(finite.mean())
    assert row["largest"] == pytest.approx(finite.max())
    assert row["convex_share"] == pytest.approx((finite < 0.1).mean())
