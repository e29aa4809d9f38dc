"""The path of a training in few dimensions: shares of components, made up and real."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from conftest import Landscape
from landscape_cli.phenomena.trajectories import path_in_few_dimensions
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.store import Surface, Trajectory
from made_lab import MadeLab, MadeRun, made_surface

AXIS = np.linspace(-1, 1, 9)
NAMES = {"small": "small batch", "large": "large batch"}


def lab_of(held: dict[str, float], by_chance: float, last: float = 0.0) -> Lab:
    def plane(run: MadeRun, words: Any) -> Surface:
        share = held[run.name]
        shares = np.array([0.6 * share, 0.4 * share, *[(1 - share) / 10] * 10])
        places = np.linspace(-0.8, last, 13)
        path = Trajectory(np.arange(13), places, places, *[np.abs(places)] * 5, by_chance, shares, shares)
        return made_surface({"train/loss": lambda x, y: 0.1 + x**2 + y**2}, AXIS, AXIS, path)

    return cast("Lab", MadeLab(MadeRun, list(held), plane))


@pytest.mark.parametrize(
    ("held", "by_chance", "last", "verdicts"),
    [
        ({"small": 0.9, "large": 0.5}, 0.001, 0.0, ["holds", "holds", "holds"]),
        ({"small": 0.9, "large": 0.3}, 0.001, 0.0, ["fails", "holds", "holds"]),
        ({"small": 0.9, "large": 0.5}, 0.1, 0.1, ["holds", "fails", "fails"]),
    ],
)
def test_the_worst_training_counts(
    held: dict[str, float], by_chance: float, last: float, verdicts: list[str]
) -> None:
    found = path_in_few_dimensions(lab_of(held, by_chance, last), names=NAMES, plane=[], share=0.4, times=50)
    assert [claim.verdict for claim in found.claims] == verdicts
    assert found.claims[0].values == pytest.approx([min(held.values())] * 3)
    assert found.claims[1].values == pytest.approx([min(held.values()) / by_chance] * 3)


def test_the_settings_are_those_of_the_paper() -> None:
    for scale in phenomenon("pca-trajectory").scales.values():
        assert (scale.settings["share"], scale.settings["times"]) == (0.4, 50)
        assert set(scale.settings["names"]) == set(scale.runs)


def test_a_real_path_has_its_end_at_the_origin(landscape: Landscape, tmp_path: Path) -> None:
    words = [
        "dataset=digits",
        "architecture=mlp",
        "architecture.widths=[8]",
        "checkpoint_every=1",
        "epochs=4",
    ]
    assert landscape("train", *words, "out=run").status == 0
    assert landscape("trajectory", "run=run", "x=[-3,1,5]", "y=[-1,1,5]", "out=path.h5").status == 0
    from landscape_cli.store import read

    lab = cast("Lab", MadeLab(MadeRun, ["small"], lambda run, words: read(tmp_path / "path.h5"), seeds=[0]))
    found = path_in_few_dimensions(lab, names={"small": "one"}, plane=[], share=0.4, times=50)
    assert found.claims[2].verdict == "holds"
    assert 0.4 < found.claims[0].values[0] < 1
