"""Descents off saddles: with noise, from random starts, and along a chain."""

import math
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.analytic.saddle_chain import saddle_chain
from made_lab import MadeLab, drawn, measure, verdicts

NOISE, ALMOST, CHAIN = "perturbed-gd", "gd-almost-surely-escapes", "gd-exponential-time"
LABS = [MadeLab({}, seed=seed) for seed in range(3)]
FEW: dict[str, Any] = {
    "dimensions": [10, 1000],
    "curvatures": [1.0, 0.25],
    "dimension": 10,
    "starts": 8,
    "most": 600,
}


def test_noise_leaves_the_saddle_after_the_steps_of_its_growth() -> None:
    found = measure(NOISE, LABS, **FEW)
    assert verdicts(NOISE, found) == ["holds"] * 7
    for seed in found:
        # a ball of radius r gives r / sqrt(d) along v, which then grows by 1 + eta c a step
        expected = [math.log(math.sqrt(d) / 1e-3) / math.log(1.1) for d in (10, 1000)]
        assert seed["steps"]["perturbed_gd"] == pytest.approx(expected, rel=0.15)
        assert seed["steps_over_c"]["perturbed_gd"][0] == seed["steps"]["perturbed_gd"][0]
    assert list(drawn(NOISE, found)) == ["steps"]


def test_where_there_is_no_noise_nothing_leaves() -> None:
    rules = {"noisy_gd": {"noise": 0.0}, "perturbed_gd": {"radius": 0.0, "threshold": 1e-3, "wait": 100}}
    found = measure(NOISE, LABS, **{**FEW, "most": 50}, rules=rules)
    assert verdicts(NOISE, found) == ["holds", *["fails"] * 6]


def test_a_large_ball_leaves_small_dimensions_at_once() -> None:
    """In two dimensions it is nearly there, in many it is far from there in the one that counts."""
    rules = {"noisy_gd": {"noise": 1e-8}, "perturbed_gd": {"radius": 2.0, "threshold": 1e-3, "wait": 100}}
    found = measure(NOISE, LABS, **{**FEW, "dimensions": [2, 10_000]}, rules=rules)
    assert verdicts(NOISE, found)[3:5] == ["holds", "fails"]


SMALL: dict[str, Any] = {
    "functions": {
        "rank_1": {"name": "matrix_factorization", "eigenvalues": [5.0, 3.0, 1.0], "rank": 1},
        "tensor": {"name": "tensor_factorization", "dimension": 4},
    },
    "reach": {"rank_1": 1.0, "tensor": 0.5},
    "starts": 30,
    "steps": {"rank_1": 500, "tensor": 1000},
}


def test_random_starts_end_at_minima_and_those_on_the_stable_manifold_at_saddles() -> None:
    found = measure(ALMOST, LABS, **SMALL)
    assert verdicts(ALMOST, found) == ["holds"] * 6
    for seed in found:
        # from x_1 = 0 to sqrt(3) e_2, of the loss (25 + 1) / 4 where the least is (9 + 1) / 4
        assert seed["stable"]["rank_1"][-1] == pytest.approx(4.0)
        # from u_1 = u_2 = u, the others zero, to 8 u^4 = 1: 1/2 - 2 u^4 + (2 u^2)^4 / 2
        square = math.sqrt(1 / 8)
        assert seed["stable"]["tensor"][-1] == pytest.approx(0.5 - 2 * square**2 + 8 * square**4)
    assert list(drawn(ALMOST, found)) == ["excess"]


class OnTheManifold(MadeLab):
    """Draws starts whose first coordinate is zero."""

    def random(self, purpose: str) -> Any:
        """Return what draws them."""

        class Draw:
            def uniform(self, low: float, high: float, shape: tuple[int, int]) -> np.ndarray:
                return np.linspace(low, high, shape[0])[:, None] * (np.arange(shape[1]) > 0)

        return Draw()


def test_descents_that_have_not_ended_and_starts_on_the_manifold_are_at_no_minimum() -> None:
    early = measure(ALMOST, LABS, **{**SMALL, "steps": {"rank_1": 3, "tensor": 3}})
    assert verdicts(ALMOST, early) == [*["fails"] * 2, *["holds"] * 2, *["fails"] * 2]
    on = measure(ALMOST, [OnTheManifold({}, seed=seed) for seed in range(3)], **SMALL)
    assert verdicts(ALMOST, on)[::2] == ["fails", "fails", "holds"]


def steps_alone(saddles: int, start: np.ndarray, rate: float) -> int:
    """Return the steps of one gradient descent on the chain, with torch's derivatives of its value."""
    chain, point = saddle_chain(saddles), torch.tensor(start, requires_grad=True)
    for step in range(10_000):
        if bool((point.abs() >= 3).all()):
            return step
        (slope,) = torch.autograd.grad(chain.value(point), point)
        point = (point - rate * slope).detach().requires_grad_()
    raise AssertionError("it did not arrive")


def test_each_saddle_more_multiplies_the_steps() -> None:
    given: dict[str, Any] = {"saddles": [2, 3, 4], "starts": 15, "most": 400, "shown": 3}
    found = measure(CHAIN, LABS, **given)
    assert verdicts(CHAIN, found) == ["holds", "holds"]
    begin = LABS[0].random("2 saddles").uniform(-1, 1, (15, 2))
    assert found[0]["steps"]["gd"][0] == np.median([steps_alone(2, start, 0.25) for start in begin])
    assert list(drawn(CHAIN, found)) == ["steps"]


def test_where_the_way_in_is_flat_no_saddle_holds_for_long() -> None:
    given: dict[str, Any] = {"saddles": [2, 3, 4], "starts": 15, "most": 400, "shown": 3}
    flat = measure(CHAIN, LABS, **given, ratio=0.05)
    assert verdicts(CHAIN, flat)[0] == "fails"


def test_a_perturbation_of_length_zero_is_gradient_descent() -> None:
    given: dict[str, Any] = {"saddles": [3, 4, 5], "starts": 15, "most": 600, "shown": 3}
    still = {"radius": 0.0, "threshold": 1e-2, "wait": 20}
    without = measure(CHAIN, LABS, **given, perturbation=still)
    assert verdicts(CHAIN, without) == ["holds", "fails"]
    assert without[0]["steps"]["perturbed_gd"].tolist() == without[0]["steps"]["gd"].tolist()
