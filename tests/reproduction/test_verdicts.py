"""The rule of a verdict, case by case, and against a twin of the sentence that states it."""

import itertools
import json
import math

import numpy as np
import pytest

from landscape_cli.reproduction.verdicts import RELATIONS, SEEDS, Claim, overall

NAN, INF = math.nan, math.inf


def claim(values: list[float], relation: str = ">", threshold: float = 1.0, **options: bool) -> Claim:
    return Claim("a number is large", values, relation, threshold, **options)


@pytest.mark.parametrize(
    ("values", "relation", "verdict"),
    [
        ([2.0, 2.1, 2.2], ">", "holds"),
        ([2.0, 2.1, 2.2], ">=", "holds"),
        ([2.0, 2.1, 2.2], "<", "fails"),
        ([2.0, 2.1, 2.2], "<=", "fails"),
        ([0.1, 0.2, 0.3], "<", "holds"),
        ([0.1, 0.2, 0.3], ">", "fails"),
        # two seeds of three suffice, where the mean is clear: 2.0 ± 0.6
        ([2.5, 2.7, 0.9], ">", "holds"),
        ([-0.5, -0.7, 1.1], ">", "fails"),
        # two seeds of three, but the mean is within its standard error: 1.07 ± 0.14
        ([1.2, 1.2, 0.8], ">", "undecided"),
        ([0.8, 0.8, 1.2], ">", "undecided"),
        # two seeds of three on one side, the mean on the other
        ([1.1, 1.1, -9.0], ">", "undecided"),
        ([0.9, 0.9, 11.0], ">", "undecided"),
        # half of the seeds
        ([3.0, 3.0, 0.9, 0.9], ">", "undecided"),
        ([3.0, 3.0, 3.0, 0.9], ">", "holds"),
        # exactly the threshold
        ([1.0, 1.0, 1.0], ">=", "holds"),
        ([1.0, 1.0, 1.0], "<=", "holds"),
        ([1.0, 1.0, 1.0], ">", "fails"),
        ([1.0, 1.0, 1.0], "<", "fails"),
        # fewer than three seeds, however clear
        ([], ">", "undecided"),
        ([9.0], ">", "undecided"),
        ([9.0, 9.0], ">", "undecided"),
        ([-9.0, -9.0], ">", "undecided"),
        # a seed without a value is no seed
        ([NAN, NAN, NAN], ">", "undecided"),
        ([9.0, 9.1, NAN], ">", "undecided"),
        ([9.0, 9.1, 9.2, NAN], ">", "holds"),
        # beyond what was looked at: satisfies, or not, and is no part of the mean
        ([INF, INF, INF], ">", "holds"),
        ([INF, INF, INF], "<", "fails"),
        ([-INF, -INF, -INF], ">", "fails"),
        ([INF, INF, 0.5], ">", "undecided"),
        ([INF, 2.0, 2.1], ">", "holds"),
        ([INF, 0.5, 0.6], "<", "holds"),
    ],
)
def test_the_verdict(values: list[float], relation: str, verdict: str) -> None:
    assert claim(values, relation).verdict == verdict


def test_the_mean_must_be_away_by_its_standard_error() -> None:
    """Values of mean 1 + d and standard deviation 3 have, with nine seeds, a standard error of 1."""
    shape = np.array([-1, -1, -1, 0, 0, 0, 1, 1, 1]) * math.sqrt(9 * 8 / 6)
    assert np.std(shape, ddof=1) == pytest.approx(3.0)
    near, far = ([float(value) for value in 1.0 + d + shape] for d in (0.99, 1.01))
    assert sum(value > 1.0 for value in near) == sum(value > 1.0 for value in far) == 6
    assert claim(near).verdict == "undecided"
    assert claim(far).verdict == "holds"


def by_the_sentence(values: list[float], relation: str, threshold: float) -> str:
    """At least two thirds of at least three seeds satisfy it, and their mean does by its standard error."""
    if len(values) < 3:
        return "undecided"
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / (len(values) - 1)
    error = math.sqrt(variance / len(values))
    satisfied = {
        ">": sum(value > threshold for value in values),
        ">=": sum(value >= threshold for value in values),
        "<": sum(value < threshold for value in values),
        "<=": sum(value <= threshold for value in values),
    }
    opposite = {">": "<=", "<=": ">", "<": ">=", ">=": "<"}
    for wanted, verdict in ((relation, "holds"), (opposite[relation], "fails")):
        sign = 1 if wanted.startswith(">") else -1
        if 3 * satisfied[wanted] >= 2 * len(values) and sign * (mean - threshold) >= error:
            return verdict
    return "undecided"


def test_the_rule_is_the_sentence() -> None:
    random = np.random.default_rng(0)
    seen = set()
    for count, relation in itertools.product(range(2, 8), RELATIONS):
        for shift in np.linspace(-2, 2, 41):
            values = [float(value) for value in shift + random.normal(size=count)]
            expected = by_the_sentence(values, relation, 0.0)
            assert claim(values, relation, 0.0).verdict == expected, (values, relation)
            seen.add((relation, expected))
    assert len(seen) == 4 * 3


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ([0.0], "holds"),  # one check is enough
        ([0.0, 1e-7, 1e-6], "holds"),
        ([0.0] * 99 + [2e-6], "fails"),  # and one miss
        ([0.0, NAN], "fails"),
        ([0.0, INF], "fails"),
        ([NAN], "undecided"),
        ([], "undecided"),
    ],
)
def test_an_identity_holds_for_all_or_fails(values: list[float], verdict: str) -> None:
    assert claim(values, "<=", 1e-6, identity=True).verdict == verdict


def test_the_record_is_strict_json() -> None:
    values = [np.float32(2.0), NAN, INF, -INF, 4]
    written = Claim("a text", values, ">", 1.0, soft=True, note="a note").record()
    assert json.loads(json.dumps(written, allow_nan=False)) == {
        "text": "a text",
        "measured": 3.0,
        "sd": pytest.approx(math.sqrt(2)),
        "n": 4,
        "relation": ">",
        "threshold": 1.0,
        "verdict": "holds",
        "values": [2.0, None, None, None, 4.0],
        "identity": False,
        "soft": True,
        "note": "a note",
    }


@pytest.mark.parametrize(
    ("values", "measured", "sd", "n"),
    [([], None, None, 0), ([NAN], None, None, 0), ([INF], None, None, 1), ([2.0], 2.0, None, 1)],
)
def test_what_was_not_measured_is_null(
    values: list[float], measured: float | None, sd: float | None, n: int
) -> None:
    written = claim(values).record()
    assert (written["measured"], written["sd"], written["n"]) == (measured, sd, n)
    json.dumps(written, allow_nan=False)


@pytest.mark.parametrize("unit", [1e300, 1.0, 1e-200])
def test_mean_and_deviation_are_of_values_of_any_size(unit: float) -> None:
    written = claim([1.0 * unit, 2.0 * unit, 6.0 * unit], ">", 0.0).record()
    assert written["measured"] == pytest.approx(3.0 * unit, rel=1e-15)
    assert written["sd"] == pytest.approx(math.sqrt(7) * unit, rel=1e-15)
    assert written["verdict"] == "holds"


def test_the_verdict_of_a_phenomenon_is_that_of_its_worst_claim() -> None:
    holds, fails, undecided = claim([2.0] * 3), claim([0.0] * 3), claim([2.0])
    soft = claim([0.0] * 3, soft=True)
    assert [each.verdict for each in (holds, fails, undecided, soft)] == [
        *["holds", "fails", "undecided", "fails"]
    ]
    assert overall([holds, holds]) == "holds"
    assert overall([holds, undecided, fails]) == "fails"
    assert overall([undecided, holds]) == "undecided"
    assert overall([holds, soft]) == "holds"


def test_three_seeds_are_the_least() -> None:
    assert SEEDS == 3
