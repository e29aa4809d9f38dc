"""Tails of gradient noise: measured on tiny runs and on tables that are made up."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape_cli.phenomena import noise_tails
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store.table import Table
from made_lab import MadeLab, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

TAILS, BATCHES = "sgd-noise-tail-index", "noise-gaussianity-vs-batch"
TINY = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20", "epochs=2"]
NAMES = ["narrow", "usual", "wide", "deep"]
RUNS = {name: [*TINY, "architecture.widths=[6]", "checkpoint_every=1"] for name in ("narrow", "usual")}
SIZES = [1, 4, 16]


class Tables(MadeLab):
    """Hands out tables with these columns over the epochs, given the batch size."""

    def __init__(self, columns: Any, seed: int) -> None:
        super().__init__({"mlp": {}}, seed=seed)
        self._columns = columns

    def noise(self, name: str, *words: str) -> Table:
        size = next((int(word.partition("=")[2]) for word in words if word.startswith("batch_size=")), 0)
        columns = {"epoch": [0, 3], **self._columns(size)}
        rows = [{key: str(each[row]) for key, each in columns.items()} for row in range(2)]
        return Table(Path("made.csv"), list(columns), rows)


def over_batches(kurtosis: Any, index: Any, alike: float = 1.2) -> list[Measured]:
    def columns(size: int) -> dict[str, list[float]]:
        values = {
            "coordinate_kurtosis": kurtosis(size),
            "coordinate_tail_index": index(size),
            "tail_index": alike,
        }
        return {name: [value, value] for name, value in values.items()}

    labs = [Tables(columns, seed) for seed in range(3)]
    return measure(BATCHES, labs, batches=SIZES, epochs=[0, 3], draws=16)


def test_noise_that_comes_near_a_gaussian_holds() -> None:
    found = over_batches(lambda size: 3 + 9 / size, lambda size: 2 - 0.5 / size)
    assert found[0]["excess_off_minus_one"] == pytest.approx(0, abs=1e-9)
    assert found[0]["kurtosis_with_batch"] == {"epoch 0": pytest.approx(-1), "epoch 3": pytest.approx(-1)}
    assert found[0]["alike_at_largest"] == {"epoch 0": 1.2, "epoch 3": 1.2}
    assert verdicts(BATCHES, found) == ["holds"] * 7
    assert set(drawn(BATCHES, found)) == {"batches"}


def test_noise_that_does_not_fails() -> None:
    found = over_batches(lambda size: 3 + size, lambda size: 2 + 0.1 * size, alike=1.95)
    assert verdicts(BATCHES, found) == ["fails"] * 7
    assert found[0]["distance_with_batch"]["epoch 3"] == pytest.approx(1)


def test_what_real_batches_have(lab: MakeLab) -> None:
    made = [lab({"mlp": RUNS["usual"]})]
    (found,) = measure(BATCHES, made, batches=[1, 16], epochs=[0, 2], draws=64)
    assert list(found["kurtosis"]) == ["epoch 0", "epoch 2"]
    assert found["kurtosis"]["epoch 0"][0] > found["kurtosis"]["epoch 0"][1] > 2.5
    assert found["coordinate_tail_index"]["epoch 2"].shape == (2,)


def test_tails_along_trainings(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noise_tails, "CALIBRATION", 40_000)
    found = measure(TAILS, [lab(RUNS)], networks=list(RUNS), draws=16)
    (seed,) = found
    assert seed["epoch"]["usual"].tolist() == [0, 1, 2]
    for name in RUNS:
        assert seed["largest_tail_index"][name] == seed["tail_index"][name].max()
        assert seed["smallest_kurtosis"][name] == seed["kurtosis"][name].min()
        assert seed["largest_coordinate_tail_index"][name] == seed["coordinate_tail_index"][name].max()
        assert 0.5 < seed["of_scales_alone"][name] < 2.5
    assert set(seed["calibration_off"]) == {"gaussian", "cauchy"}
    assert seed["finite_variance"] == {
        "gaussian": pytest.approx(2, abs=0.2),
        "laplace": pytest.approx(1.8, abs=0.15),
    }
    # 4 of 16 draws a sum: E ln|sum of 4| - E ln|one| over ln 4, of Laplace's law by numbers
    random = np.random.default_rng(0).laplace(size=(400_000, 4))
    exponent = (np.log(abs(random.sum(1))).mean() - np.log(abs(random)).mean()) / np.log(4)
    over_draws = seed["finite_variance_over_draws"]
    assert over_draws == {
        "gaussian": pytest.approx(2, abs=0.02),
        "laplace": pytest.approx(1 / exponent, abs=0.02),
    }


def tails(**values: float) -> list[Measured]:
    each = {
        "largest_tail_index": 1.4,
        "smallest_kurtosis": 20.0,
        "largest_coordinate_tail_index": 1.8,
    } | values
    quantities = {name: dict.fromkeys(NAMES, each[name]) for name in list(each)[:3]}
    off = {"gaussian": values.get("off", 1.0), "cauchy": values.get("off", 1.0)}
    alone = dict.fromkeys(NAMES, values.get("alone", 1.95))
    finite = {"gaussian": 2.0, "laplace": values.get("laplace", 1.95)}
    laws = {"calibration_off": off, "finite_variance": finite, "finite_variance_over_draws": finite}
    return [{**quantities, **laws, "of_scales_alone": alone}] * 3


def test_heavy_tails_hold_and_others_fail() -> None:
    assert verdicts(TAILS, tails()) == ["holds"] * 22
    assert verdicts(TAILS, tails(off=4.0))[:2] == ["fails"] * 2
    assert verdicts(TAILS, tails(largest_tail_index=1.95))[2:6] == ["fails"] * 4
    assert verdicts(TAILS, tails(smallest_kurtosis=4.0))[6:10] == ["fails"] * 4
    assert verdicts(TAILS, tails(largest_coordinate_tail_index=1.95))[10:14] == ["fails"] * 4
    assert verdicts(TAILS, tails(laplace=1.85))[14:18] == ["holds", "fails"] * 2
    assert verdicts(TAILS, tails(alone=1.5))[18:] == ["fails"] * 4


def test_they_are_drawn() -> None:
    path = {name: np.array([0.0, 5.0]) for name in NAMES}
    curves = dict.fromkeys(("tail_index", "coordinate_tail_index", "kurtosis"), path)
    seed = {"epoch": path, **{key: {n: np.array([1.0, 2.0]) for n in NAMES} for key in curves}}
    assert set(drawn(TAILS, [seed, seed])) == {"tails"}
