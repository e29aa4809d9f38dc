"""Quadratic networks and ReLU students from a few starts, on claims that hold and fail."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.certified import Ends
from landscape_cli.phenomena import teacher_student
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, labs, measure, verdicts

QUADRATIC = {"dimension": 6, "samples": 6, "widths": [2, 4, 20, 30], "starts": 4}


def test_enough_quadratic_units_fit_any_labels() -> None:
    name = "quadratic-activation-net"
    found = measure(name, labs(), **QUADRATIC, steps=800)
    expected = ["holds"] * 3
    assert [
        verdict for number, verdict in enumerate(verdicts(name, found)) if number not in (2, 3)
    ] == expected
    assert set(drawn(name, found)) == {"fitted"}
    for seed in found:
        assert seed["reached"]["30"] == (seed["loss"]["30"] < 1e-6).sum() / 4


def test_too_few_do_not_nor_does_a_step() -> None:
    name = "quadratic-activation-net"
    found = measure(name, labs(), **QUADRATIC, steps=1)
    assert verdicts(name, found)[:4] == ["fails", "fails", "holds", "holds"]
    flat = [
        {**seed, "eigenvalue_at_0": 0.0, "reached": dict.fromkeys(seed["reached"], 1.0)} for seed in found
    ]
    assert verdicts(name, flat) == ["holds", "holds", "fails", "fails", "fails"]


SMALL = {"sizes": [6, 8], "compared": [6, 8], "runs": [6, 40], "rounds": 5, "perturbations": 200}


@pytest.fixture(scope="module")
def students() -> list[Measured]:
    return measure("bad-local-minima-nonlinear", labs()[:1], **SMALL, training_steps=500)


def test_shares_of_spurious_minima_and_the_linear_minimum(students: list[Measured]) -> None:
    (found,) = students
    for name in ("as_many", "one_more"):
        for size, count in zip(("6", "8"), SMALL["runs"], strict=True):
            runs = found["spurious"][name][size] * count
            assert runs == pytest.approx(round(runs))
    assert len(found["loss_of_spurious"]["8"]) == round(40 * found["spurious"]["as_many"]["8"]) > 0
    assert found["growth"] == found["spurious"]["as_many"]["8"] - found["spurious"]["as_many"]["6"]
    assert found["gradient_at_the_linear_minimum"] < 1e-8
    assert 0 < found["least_rise_around_it"] < 1e-3
    assert 0 < found["trained_over_linear"] < 1
    assert set(drawn("bad-local-minima-nonlinear", students * 3)) == {"probability", "losses"}


def test_undecided_runs_count_against_the_claim_on_one_more_unit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten students of each kind, by hand: 4 spurious and 3 undecided; with one more, 1 and 2."""

    def ends(lab: Lab, size: int, width: int, runs: int, rounds: int, steps: int) -> Ends:
        spurious, undecided = (4, 3) if width == size else (1, 2)
        number = torch.arange(10)
        among = (number >= spurious) & (number < spurious + undecided)
        return Ends(torch.zeros(10, 1), number.double(), number < spurious, among)

    monkeypatch.setattr(teacher_student, "_students", ends)
    name = "bad-local-minima-nonlinear"
    (found,) = measure(name, labs()[:1], **SMALL, training_steps=50)
    assert found["spurious"]["one_more"] == {"6": 0.1, "8": 0.1}
    assert found["one_more_minus_half"] == pytest.approx({"6": 0.1, "8": 0.1})  # (1 + 2) / 10 - 4 / 20
    assert verdicts(name, [found] * 3)[2:4] == ["fails", "fails"]
    lines = drawn(name, [found] * 3)["probability"].axes[0].get_lines()
    assert [np.asarray(line.get_ydata()).tolist() for line in lines] == [[40, 40], [pytest.approx(30)] * 2]


def test_claims_on_spurious_minima_hold_and_fail(students: list[Measured]) -> None:
    name, found = "bad-local-minima-nonlinear", students[0]

    def made(as_many: float, growth: float, one_more: float, **point: Any) -> list[str]:
        values = {
            "spurious": {"as_many": {"6": as_many}},
            "growth": growth,
            "one_more_minus_half": {"8": one_more},
        }
        return verdicts(name, [{**found, **values, **point}] * 3)

    assert made(0.1, 0.5, -0.1) == ["holds"] * 6
    lower = {
        "gradient_at_the_linear_minimum": 1e-3,
        "least_rise_around_it": -1e-9,
        "trained_over_linear": 1.5,
    }
    assert made(0.0, -0.5, 0.1, **lower) == ["fails"] * 6
