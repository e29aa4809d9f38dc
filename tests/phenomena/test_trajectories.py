"""The path of a training in few dimensions: shares of components, made up and real."""

from collections.abc import Sequence

import numpy as np
import pytest

from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store import Surface, Trajectory
from made_lab import MadeLab, drawn, made_surface, measure, verdicts
from tests.phenomena.conftest import MakeLab

AXIS = np.linspace(-1, 1, 9)


def measured(held: dict[str, float], by_chance: float, last: float = 0.0) -> list[Measured]:
    """Return what is measured where two components hold these shares, and a path ends at (last, last)."""

    def plane(names: Sequence[str], words: Sequence[str]) -> Surface:
        share = held[names[0]]
        shares = np.array([0.6 * share, 0.4 * share, *[(1 - share) / 10] * 10])
        places = np.linspace(-0.8, last, 13)
        path = Trajectory(np.arange(13), places, places, *[np.abs(places)] * 5, by_chance, shares, shares)
        return made_surface({"train/loss": lambda x, y: 0.1 + x**2 + y**2}, AXIS, AXIS, path)

    runs = {run: {"train_loss": [1.0]} for run in held}
    return measure("pca-trajectory", [MadeLab(runs, plane, seed=seed) for seed in range(3)])


@pytest.mark.parametrize(
    ("held", "by_chance", "last", "expected"),
    [
        ({"small": 0.9, "large": 0.5}, 0.001, 0.0, ["holds", "holds", "holds"]),
        ({"small": 0.9, "large": 0.3}, 0.001, 0.0, ["fails", "holds", "holds"]),
        ({"small": 0.9, "large": 0.5}, 0.1, 0.1, ["holds", "fails", "fails"]),
    ],
)
def test_the_worst_training_counts(
    held: dict[str, float], by_chance: float, last: float, expected: list[str]
) -> None:
    found = measured(held, by_chance, last)
    assert verdicts("pca-trajectory", found) == expected
    for seed in found:
        assert seed["least_share"] == pytest.approx(min(held.values()))
        assert seed["least_times_random"] == pytest.approx(min(held.values()) / by_chance)
        assert seed["end_off_origin"] == pytest.approx([2 * last] * 2)


def test_what_is_drawn() -> None:
    found = measured({"small": 0.9, "large": 0.5}, 0.001)
    np.testing.assert_allclose(found[0]["shares"]["large"], [0.3, 0.2, *[0.05] * 8])
    assert list(drawn("pca-trajectory", found)) == ["paths", "components"]


def test_the_thresholds_are_those_of_the_paper() -> None:
    for scale in phenomenon("pca-trajectory").scales.values():
        assert {"least_share >= 0.4", "least_times_random > 50"} <= set(scale.claims)
        assert list(scale.drawing["names"]) == list(scale.runs)


def test_a_real_path_has_its_end_at_the_origin(lab: MakeLab) -> None:
    words = ["dataset=digits", "architecture.widths=[8]", "checkpoint_every=1", "epochs=4"]
    runs = {"small": words, "large": [*words, "batch_size=512"]}
    made = lab(runs, words={"trajectory": ["x=[-3,1,5]", "y=[-1,1,5]", "splits=[train]"]})
    found = measure("pca-trajectory", [made])
    assert found[0]["end_off_origin"] == pytest.approx([0.0, 0.0], abs=0.0)
    assert 0.4 < found[0]["least_share"] < 1
    assert verdicts("pca-trajectory", found) == ["undecided", "undecided", "holds"]  # of one seed
    assert list(drawn("pca-trajectory", found)) == ["paths", "components"]
