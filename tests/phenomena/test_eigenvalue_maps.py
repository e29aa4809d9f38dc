"""The map of |smallest / largest| eigenvalues: what is read off it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from landscape_cli.reproduction.measured import Measured
from landscape_cli.store import Surface
from made_lab import MadeLab, drawn, made_surface, measure, verdicts

AXIS = np.linspace(-1, 1, 5)


def measured(slopes: Mapping[str, float], centre: float) -> list[Measured]:
    """Return what is measured on maps that rise linearly with |x| from `centre`, infinite in one corner."""

    def plane(names: Sequence[str], words: Sequence[str]) -> Surface:
        def ratio(x: Any, y: Any) -> Any:
            heights = centre + slopes[names[0]] * np.abs(x) + 0 * y
            heights[0, 0] = np.inf
            return heights

        values = {"train/eigenvalue_ratio": ratio, "train/residual": lambda x, y: 0.01 + 0.02 * (y == 0)}
        return made_surface(values, AXIS, AXIS)

    made = [MadeLab({run: {} for run in slopes}, plane, seed=seed) for seed in range(3)]
    found = measure("hessian-eigenvalue-ratio-map", made)
    assert [lab.asked for lab in made] == [[("hessian", run) for run in slopes]] * 3
    return found


@pytest.mark.parametrize(
    ("slopes", "centre", "expected"),
    [
        ((0.1, 0.1, 0.5), 0.01, ["holds"] * 5),
        ((0.1, 0.5, 0.1), 0.01, ["holds", "holds", "holds", "fails", "fails"]),
        ((0.1, 0.1, 0.5), 0.2, ["fails", "fails", "fails", "holds", "holds"]),
    ],
)
def test_claims(slopes: Sequence[float], centre: float, expected: list[str]) -> None:
    by_run = dict(zip(("mlp", "short", "noshort"), slopes, strict=True))
    found = measured(by_run, centre)
    assert verdicts("hessian-eigenvalue-ratio-map", found) == expected
    for run, slope in by_run.items():
        finite = np.array([centre + slope * abs(x) for _ in AXIS for x in AXIS][1:])
        assert found[0]["at_the_weights"][run] == pytest.approx(centre)
        assert found[0]["mean"][run] == pytest.approx(finite.mean())
        assert found[0]["largest"][run] == pytest.approx(finite.max())
        assert found[0]["convex_share"][run] == pytest.approx((finite < 0.1).mean())
        assert found[0]["largest_residual"][run] == pytest.approx(0.03)
    gap = found[0]["mean"]["noshort"] - found[0]["mean"]["short"]
    assert found[0]["mean_gap"] == pytest.approx(gap)


def test_the_first_seeds_maps_are_drawn() -> None:
    found = measured({"mlp": 0.1, "short": 0.1, "noshort": 0.5}, 0.01)
    assert list(drawn("hessian-eigenvalue-ratio-map", found)) == ["map"]
