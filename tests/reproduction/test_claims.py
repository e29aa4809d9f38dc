"""A claim is a line of the catalogue, judged on what the seeds gave."""

import math
from typing import Any

import numpy as np
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.reproduction.catalogue import Scale
from landscape_cli.reproduction.claims import judge, parsed
from landscape_cli.reproduction.verdicts import Claim

SEEDS: list[dict[str, Any]] = [
    {
        "gain": 1.0,
        "by_run": {"mlp": 2.0, "cnn": -1.0},
        "curve": np.array([0.0, 1.0]),
        "deep": {"a": {"b": 3}},
    },
    {
        "gain": 2.0,
        "by_run": {"mlp": 3.0, "cnn": -2.0},
        "curve": np.array([0.0, 2.0]),
        "deep": {"a": {"b": 4}},
    },
    {
        "gain": 3.0,
        "by_run": {"mlp": 4.0, "cnn": -3.0},
        "curve": np.array([0.0, 3.0]),
        "deep": {"a": {"b": 5}},
    },
]


def judged(claims: dict[str, str], **scale: Any) -> list[Claim]:
    return judge(Scale(claims=claims, **scale), SEEDS)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("gain >= 0.4", ("", "gain", ">=", 0.4)),
        ("always by_run <= 1e-6", ("always", "by_run", "<=", 1e-6)),
        ("report by_run/no dropout > -2", ("report", "by_run/no dropout", ">", -2.0)),
        ("by_run/* < 3", ("", "by_run/*", "<", 3.0)),
        ("loss ~ 0.36", ("", "loss", "~", 0.36)),
        ("always always > 0", ("always", "always", ">", 0.0)),
    ],
)
def test_lines(line: str, expected: tuple[str, str, str, float]) -> None:
    assert parsed(line) == expected


@pytest.mark.parametrize("line", ["gain", "gain > much", "gain = 3", "> 3", "gain >3", "", "sometimes > 1 2"])
def test_lines_that_are_none(line: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        parsed(line)
    assert str(caught.value).startswith(f"cannot read the claim {line!r}; write ")


def test_values_are_one_a_seed_and_of_an_identity_one_a_number() -> None:
    gain, entry, deep, every, curve = judged(
        {
            "gain > 0": "It gains",
            "report by_run/cnn > 0": "It gains here",
            "deep/a/b > 0": "Far down",
            "always by_run > 0": "Everywhere",
            "always curve >= 0": "All along",
        }
    )
    assert (gain.values, gain.identity, gain.soft, gain.verdict) == ([1, 2, 3], False, False, "holds")
    assert (entry.values, entry.soft, entry.verdict) == ([-1, -2, -3], True, "fails")
    assert deep.values == [3, 4, 5]
    assert (every.values, every.identity, every.verdict) == ([2, -1, 3, -2, 4, -3], True, "fails")
    assert (curve.values, curve.verdict) == ([0, 1, 0, 2, 0, 3], "holds")


def test_a_star_makes_a_claim_of_each_entry() -> None:
    claims = judged(
        {"by_run/* > 0": "{each} gains by {least:g} ({quantity})"},
        settings={"least": 0.5},
        drawing={"names": {"mlp": "the MLP"}},
        notes={"by_run/*": "of all", "by_run/cnn": "of this one"},
    )
    assert [(claim.text, claim.values, claim.note) for claim in claims] == [
        ("the MLP gains by 0.5 (by_run/mlp)", [2, 3, 4], "of all"),
        ("cnn gains by 0.5 (by_run/cnn)", [-1, -2, -3], "of this one"),
    ]


def test_a_note_of_all_entries_is_one_of_a_single_one() -> None:
    (claim,) = judged({"by_run/cnn > 0": "It gains"}, notes={"by_run/*": "of all"})
    assert claim.note == "of all"


def test_alike_is_within_three_standard_deviations_over_the_seeds() -> None:
    """Mean 2, standard deviation 1."""
    near, far = judged({"gain ~ 3.5": "near", "gain ~ 30": "far"})
    assert (near.values, near.relation, near.threshold) == ([2.5, 1.5, 0.5], "<=", 3.0)
    assert (near.verdict, far.verdict) == ("holds", "fails")
    (alone,) = judge(Scale(claims={"gain ~ 1": "one"}), SEEDS[:1])
    assert math.isnan(alone.values[0])
    assert alone.verdict == "undecided"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("loss > 0", "the claim 'loss > 0' is of loss, which was not measured"),
        ("by_run/rnn > 0", "is of by_run/rnn, which was not measured"),
        ("gain/mlp > 0", "is of gain/mlp, which was not measured"),
        (
            "by_run > 0",
            "is of by_run, which is 2 numbers; name one of them, say by_run/*, or make it an identity",
        ),
        ("curve > 0", "is of curve, which is 2 numbers"),
        ("gain/* > 0", "is of each entry of gain, which has none"),
    ],
)
def test_mistakes_say_what_is_wrong(line: str, message: str) -> None:
    with pytest.raises(LandscapeError) as caught:
        judged({line: "It is so"})
    assert message in str(caught.value)
