"""Weights of another task: what is trained from where, and each claim made to fail."""

from typing import Any

import pytest

from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "pretraining-init"
SMALL = ["dataset=digits", "architecture=mlp", "architecture.widths=[8]"]
TASK = [*SMALL, "dataset.labels=[2,3]", "dataset.train_size=20", "batch_size=10", "epochs=2"]
WORDS = {"interpolate": ["alpha=[0,1,3]"]}


@pytest.fixture(scope="module")
def found(lab: MakeLab) -> list[Measured]:
    pretrained = [*SMALL, "dataset.labels=[0,1]", "epochs=2"]
    labs = [lab({"pretrained": pretrained}, seed=seed, words=WORDS) for seed in range(2)]
    measured = measure(NAME, labs, task=TASK)
    for made in labs:
        runs = made.runs
        assert list(runs) == ["pretrained", "scratch", "tuned", "last", "scratch again", "tuned again"]
        start, there = (made.network(name, "init").state_dict() for name in ("tuned", "pretrained"))
        end = made.network("pretrained").state_dict()
        assert all((start[name] == end[name]).all() for name in ("1.weight", "1.bias"))
        assert not (start["1.weight"] == there["1.weight"]).all()
        assert not (start["4.weight"] == end["4.weight"]).any()
        last = made.network("last").state_dict()
        assert (last["1.weight"] == end["1.weight"]).all()
        assert runs["tuned again"].config["seed"] == 1000 + made.seed
    return measured


def test_what_is_measured(found: list[Measured]) -> None:
    for seed in found:
        accuracy = seed["accuracy"]
        assert seed["tuned_minus_scratch"] == accuracy["tuned"][-1] - accuracy["scratch"][-1]
        assert {len(each) for each in accuracy.values()} == {3}
        assert all(len(line) == 3 for line in seed["line"].values())
    assert list(drawn(NAME, found)) == ["transfer"]


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"tuned_minus_scratch": -1.0}, [0]),
        ({"last_minus_scratch": -1.0}, [1]),
        ({"epochs_tuned_over_scratch": float("inf")}, [2]),
        ({"barrier": {"tuned": 0.2, "scratch": 0.2}}, [3]),
        ({"barrier": {"tuned": 0.05, "scratch": 0.05}}, [4]),
    ],
)
def test_each_claim_can_hold_and_fail(
    found: list[Measured], changed: dict[str, Any], failing: list[int]
) -> None:
    held = {
        "tuned_minus_scratch": 1.0,
        "last_minus_scratch": 1.0,
        "epochs_tuned_over_scratch": 0.5,
        "barrier": {"tuned": 0.05, "scratch": 0.2},
    }
    told = verdicts(NAME, [{**seed, **held, **changed} for seed in [*found, found[0]]])
    assert [place for place, each in enumerate(told) if each == "fails"] == failing
    assert len(told) == 5
