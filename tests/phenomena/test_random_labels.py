"""Random labels are fitted by a tiny network, too; and each claim can fail."""

from typing import Any

import pytest

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "random-labels"
RUNS = ["true", "corrupted", "random", "shuffled", "pixels", "gaussian", "true decay", "random decay"]
EPOCHS = {"true": 2, "corrupted": 6, "random": 8}


def made(seed: int = 0) -> MadeLab:
    """Return a lab whose runs reach 100 % at a known epoch, and end at 11 % or 95 % on the test split."""
    runs = {}
    for name in RUNS:
        needed = EPOCHS.get(name, 4)
        rising = [min(1.0, epoch / needed) for epoch in range(11)]
        test = 0.11 if name.startswith("random") else 0.95
        runs[name] = {"train_accuracy": rising, "test_accuracy": [0.1] * 10 + [test]}
    return MadeLab(runs, seed=seed)


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return list(measure(NAME, [made(seed) for seed in range(3)]))


def test_what_is_measured(found: list[Measured]) -> None:
    seed = found[0]
    assert seed["train_accuracy"] == dict.fromkeys(RUNS, 100.0)
    assert seed["off_chance"] == pytest.approx(1.0)
    assert seed["epochs_to_fit"] == {name: EPOCHS.get(name, 4) for name in RUNS}
    assert seed["slowed"] == {"corrupted over true": 3.0, "random over corrupted": pytest.approx(8 / 6)}
    assert seed["epochs_ratio"] == 4
    assert seed["decay_gains"] == {"true": 0.0, "random": 0.0}
    assert list(drawn(NAME, found)) == ["fits", "test"]


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({"train_accuracy": dict.fromkeys(RUNS, 98.0)}, list(range(8))),
        ({"off_chance": 4.0}, [8]),
        ({"slowed": {"one": 1.0, "other": 2.0}}, [9]),
        ({"slowed": {"one": 0.5, "other": 0.9}}, [9, 10]),
        ({"epochs_ratio": 12.0}, [11]),
        ({"decay_gains": {"true": 11.0, "random": 0.0}}, [12]),
        ({"decay_gains": {"true": 0.0, "random": 10.0}}, [13]),
    ],
)
def test_each_claim_can_hold_and_fail(
    found: list[Measured], changed: dict[str, Any], failing: list[int]
) -> None:
    assert verdicts(NAME, found) == ["holds"] * 14
    told = verdicts(NAME, [{**seed, **changed} for seed in found])
    assert [place for place, each in enumerate(told) if each == "fails"] == failing
