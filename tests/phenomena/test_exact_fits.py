"""Double descent on the digits, SGD's bias, and a network built by hand; and that each claim can fail."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts
from tests.phenomena.conftest import MakeLab

DESCENT, SGD, EXPRESSIVITY = "double-descent-rff", "min-norm-sgd", "finite-sample-expressivity"
WORDS = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=100", "dataset.label_noise=0.1"]
SHARES = [0.2, 0.5, 0.9, 1, 1.1, 2, 10]


@pytest.fixture(scope="module")
def found(lab: MakeLab) -> list[Measured]:
    words = [*WORDS, "architecture=mlp", "architecture.widths=[]", "epochs=0", "batch_size=full"]
    return measure(DESCENT, [lab({"data": words}, seed=seed) for seed in range(3)], shares=SHARES)


def test_the_error_descends_twice(found: list[Measured]) -> None:
    told = verdicts(DESCENT, found)
    assert [*told[:2], *told[3:]] == ["holds"] * 6
    for seed in found:
        assert seed["test_error"].argmax() == 3
        assert (seed["train_error"][3:] == 0).all()
        assert seed["last_minus_best_before"] == pytest.approx(
            seed["test_error"][-1] - seed["test_error"][:3].min()
        )
    pictures = drawn(DESCENT, found)
    assert list(pictures) == ["double_descent", "film"]
    last = pictures["film"][-1].axes[1].get_lines()[1]
    assert np.array_equal(last.get_xdata(), SHARES)
    assert len(pictures["film"]) == len(SHARES)


def test_the_fits_on_a_line_are_of_the_least_norm(found: list[Measured]) -> None:
    line = found[1]["line"]
    x, y, places, count = line["x"], line["y"], line["places"], line["count"][-1]
    assert list(line["count"]) == [round(share * len(x)) for share in SHARES]
    random = labs(2)[1].random("line")
    np.testing.assert_allclose(y, np.sin(2 * np.pi * x) + 0.2 * random.standard_normal(len(x)))
    sides, kinks = random.choice([-1.0, 1.0], count), random.uniform(-1, 1, count)
    units = [[max(0.0, side * (at - kink)) for side, kink in zip(sides, kinks, strict=True)] for at in x]
    weights = np.linalg.pinv(np.array(units)) @ y
    there = [[max(0.0, side * (at - kink)) for side, kink in zip(sides, kinks, strict=True)] for at in places]
    np.testing.assert_allclose(line["fit"][-1], np.array(there) @ weights, atol=1e-6)
    np.testing.assert_allclose(np.interp(x, places, line["fit"][-1]), y, atol=0.1)


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({"peak_off": 0.2}, 0),
        ({"last_over_peak": 0.7}, 1),
        ({"last_minus_best_before": 1.0}, 2),
        ({"norm_peak_off": 0.2}, 3),
        ({"last_norm_over_peak": 1.0}, 4),
        ({"train_error_beyond": np.array([0.0, 1.0])}, 5),
        ({"ridge_over_peak": 1.1}, 6),
    ],
)
def test_each_claim_of_the_descent_can_fail(
    found: list[Measured], changed: dict[str, Any], failing: int
) -> None:
    held = [{**seed, "last_minus_best_before": -1.0} for seed in found]
    assert verdicts(DESCENT, held) == ["holds"] * 7
    told = verdicts(DESCENT, [{**seed, **changed} for seed in held])
    assert [place for place, each in enumerate(told) if each == "fails"] == [failing]


def test_sgd_goes_to_the_solution_nearest_to_its_start() -> None:
    seeds = measure(SGD, labs(), steps=20_000)
    assert verdicts(SGD, seeds) == ["holds"] * 5
    assert seeds[0]["distance"]["zero"][0] == 1  # from zero
    assert list(drawn(SGD, seeds)) == ["distance"]


def test_sgd_that_stops_early_or_starts_at_zero_refutes() -> None:
    assert verdicts(SGD, measure(SGD, labs(), steps=60)) == ["fails", "fails", "fails", "holds", "fails"]
    told = verdicts(SGD, measure(SGD, labs(), steps=20_000, start=0.0))
    assert told == ["holds", "holds", "holds", "fails", "holds"]


def test_a_network_of_two_layers_fits_any_labels() -> None:
    seeds = measure(EXPRESSIVITY, labs(), samples=60, dimension=5)
    assert verdicts(EXPRESSIVITY, seeds) == ["holds"] * 4
    assert list(drawn(EXPRESSIVITY, seeds)) == ["function"]
    wrong = {"above_the_diagonal": 0.1, "smallest_on_the_diagonal": 0.0, "off": 1e-3, "weights_off": 1}
    for failing, (quantity, value) in enumerate(wrong.items()):
        told = verdicts(EXPRESSIVITY, [{**seed, quantity: value} for seed in seeds])
        assert [place for place, each in enumerate(told) if each == "fails"] == [failing]
