"""Escapes from a narrow well, by noise and by large steps, beside slow twins and where there are none."""

from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.quadratics import two_wells
from landscape_cli.phenomena import escapes
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store.descent import OptimizerPath
from made_lab import MadeLab, drawn, measure, verdicts

NOISE, LARGE = "sgd-escapes-local-minima", "large-step-escapes-narrow"


def made(seeds: int) -> list[MadeLab]:
    return [MadeLab({}, seed=seed) for seed in range(seeds)]


def noisy(seeds: int = 1, **settings: Any) -> list[Measured]:
    few = {"starts": 100, "steps": 150, "rates": [0.006, 0.01], "batches": [2], "time": 2.0}
    return measure(NOISE, made(seeds), **{**few, **settings})


def test_the_rate_of_escape_counts_crossings_over_the_time_before_them() -> None:
    x = np.array([[-1.0, -1.0, 2.0, -1.0], [-1.0, -1.0, -1.0, -1.0], [-1.0, 3.0, 3.0, 3.0]])
    points = np.stack([x, x], axis=-1)
    path = OptimizerPath(np.arange(4), points, x, x)
    before = (2 + 3 + 1) * 0.1  # of each descent, the steps until it first crosses, or all
    assert escapes.escape_rate(path, 0.1) == pytest.approx(2 / before)


def test_the_rate_of_escape_is_the_most_likely_one() -> None:
    """The likelihood of 400 descents that cross in each of six steps with a chance of 0.2, at other rates."""
    crosses = np.random.RandomState(0).uniform(size=(400, 6)) < 0.2
    x = np.where(np.cumsum(crosses, axis=1) > 0, 1.0, -1.0)
    x = np.concatenate([np.full((400, 1), -1.0), x], axis=1)
    steps = [next((k for k in range(1, 7) if row[k] > 0), 0) for row in x]  # 0: it never crosses

    def likelihood(p: float) -> float:
        return sum((k - 1) * np.log(1 - p) + np.log(p) if k else 6 * np.log(1 - p) for k in steps)

    points = np.stack([x, x], axis=-1)
    p = escapes.escape_rate(OptimizerPath(np.arange(7), points, x, x), 0.5) * 0.5
    assert likelihood(p) > max(likelihood(p * (1 - 1e-4)), likelihood(p * (1 + 1e-4)))
    assert p == pytest.approx(0.2, rel=0.1)


def test_points_of_a_disk_are_uniform() -> None:
    points = escapes.in_disk(np.random.RandomState(0), 20_000, 2.0)
    radius = np.linalg.norm(points, axis=1)
    assert radius.max() <= 2.0
    assert (radius < 1.0).mean() == pytest.approx(0.25, abs=0.01)  # a quarter of the area
    np.testing.assert_allclose(points.mean(axis=0), 0.0, atol=0.02)


def test_noise_ends_in_the_wide_well_and_the_more_of_it_the_sooner() -> None:
    found = noisy(3)
    assert verdicts(NOISE, found) == ["holds"] * 3
    assert list(drawn(NOISE, found)) == ["escapes"]
    (seed, *_) = found
    plain, noise = (seed["share"][name][-1] for name in ("gradient descent", "SGD, batches of one"))
    assert seed["more_in_the_wide"]["SGD, batches of one"] == pytest.approx(noise - plain)
    np.testing.assert_allclose(seed["scale"], [0.006, 0.01, 0.005])


def test_where_the_barrier_is_too_high_for_the_noise_nothing_escapes() -> None:
    found = noisy(spread=0.01)
    assert verdicts(NOISE, found * 3)[:2] == ["fails", "fails"]
    assert (np.array(found[0]["escapes"]) == 0).all()


def test_where_noise_made_no_difference_the_order_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    right = escapes.escape_rate
    monkeypatch.setattr(escapes, "escape_rate", lambda path, rate: -right(path, rate))
    assert verdicts(NOISE, noisy() * 3)[2] == "fails"


def large(seeds: int = 1, **settings: Any) -> list[Measured]:
    few = {"starts": 20, "parts": [0.5, 0.95, 1.05, 2.0], "steps": 120}
    return measure(LARGE, made(seeds), **{**few, **settings})


def test_large_steps_leave_the_narrow_well_and_small_ones_do_not() -> None:
    found = large(3)
    assert verdicts(LARGE, found) == ["holds"] * 4
    assert list(drawn(LARGE, found)) == ["ends"]
    function, random = two_wells(50.0, 2.0), MadeLab({}).random("starts")
    x, y = np.array(function.minima[0]) + escapes.in_disk(random, 20, 0.25)[0]
    twin = [x]
    for _ in range(5):  # one start, one step at a time, by automatic differentiation
        point = torch.tensor([x, y], dtype=torch.float64, requires_grad=True)
        (slope,) = torch.autograd.grad(function.value(point), point)
        x, y = (point - 0.1 * slope).tolist()
        twin.append(x)
    np.testing.assert_allclose(found[0]["paths"]["step size 0.1"][:6], twin)


@pytest.mark.parametrize(
    ("settings", "failing"),
    [
        ({"large": 0.02}, [0]),  # below 2 / 50: it stays
        ({"small": 0.1}, [1]),  # above: it leaves
        ({"steps": 1}, [0, 1, 2]),  # nothing has come to rest
    ],
)
def test_other_step_sizes_are_refuted(settings: dict[str, Any], failing: list[int]) -> None:
    found = verdicts(LARGE, large(**settings) * 3)
    assert [number for number, verdict in enumerate(found) if verdict == "fails"] == failing


def test_a_bound_that_is_too_low_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a well half as curved as told the bound is twice as high: below that, starts stay."""
    monkeypatch.setattr(escapes, "two_wells", lambda narrow, wide: two_wells(narrow / 2, wide))
    assert verdicts(LARGE, large(parts=[0.5, 1.05]) * 3)[3] == "fails"
