"""Newton's method on batches: against a plain loop, and each claim on made-up samples."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose

from landscape_cli.analytic.softmax_regression import point_of, softmax_regression
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts
from tests.phenomena.test_second_order import LinearLab

NAME = "stochastic-newton"
QUICK = {"batch": 4, "steps": 6, "dampings": [0.03, 0.3], "rates": [0.1, 0.5]}


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, [LinearLab(seed) for seed in range(3)], **QUICK)


def test_the_path_is_that_of_solving_for_each_batch(found: list[Measured]) -> None:
    made, seed = LinearLab(0), found[0]
    split, random = made.data("linear").train, made.random("batches")
    whole = softmax_regression(split.inputs, split.targets, 3)
    point = point_of(*made.network("linear").parameters())[0]
    losses = [float(whole.value(point))]
    for _ in range(6):
        rows = random.permutation(60)[:4]
        part = softmax_regression(split.inputs[rows], split.targets[rows], 3)
        matrix = part.hessian(point) + seed["chosen_damping"] * torch.eye(15, dtype=torch.float64)
        point = point - torch.linalg.inv(matrix) @ part.gradient(point)
        losses.append(float(whole.value(point)))
    assert_allclose(seed["loss"]["stochastic Newton, damped"], losses, rtol=1e-8)


def test_ranks(found: list[Measured]) -> None:
    for seed in found:
        assert seed["ranks"]["of a batch"] == 4 * 2  # of five numbers each: four samples are independent
        assert seed["ranks"]["of all samples"] == 5 * 2
        assert seed["rank_over_bound"] == 1
        assert seed["rank_over_that_of_all"] == pytest.approx(0.8)


def test_where_a_batch_sees_as_much_as_all_samples_it_has_their_rank() -> None:
    all_seen = measure(NAME, [LinearLab(seed) for seed in range(3)], **{**QUICK, "batch": 30})
    assert verdicts(NAME, all_seen)[:2] == ["holds", "fails"]


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        (0, {"rank_over_bound": 1.1}),
        (1, {"rank_over_that_of_all": 1.0}),
        (2, {"undamped_over_damped": 0.9}),
        (3, {"damped_over_sgd": 1.1}),
    ],
)
def test_each_claim_can_hold_and_fail(found: list[Measured], claim: int, values: dict[str, float]) -> None:
    seeds = [{**seed, "undamped_over_damped": 2.0, "damped_over_sgd": 0.5} for seed in found]
    assert verdicts(NAME, seeds) == ["holds"] * 4
    expected = ["fails" if number == claim else "holds" for number in range(4)]
    assert verdicts(NAME, [{**seed, **values} for seed in seeds]) == expected


def test_the_picture_has_losses_and_spectra(found: list[Measured]) -> None:
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [3, 2]
    assert np.isfinite(found[0]["loss"]["stochastic gradient descent"]).all()
