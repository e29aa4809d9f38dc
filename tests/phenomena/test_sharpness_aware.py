"""Wide and narrow minima: shifts of quadratic wells and of small networks, and each claim made to fail."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import nn

from landscape_cli.analytic.quadratics import two_wells
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import sharpness_aware
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "wide-narrow-minima-sam"
QUICK = {"starts": 40, "steps": 200, "directions": 5, "distances": [0.5, 1.0]}


class SmallLab(MadeLab):
    """A lab with two linear networks, the second's weights those of the first times `factor`."""

    def __init__(self, seed: int = 0, factor: float = 0.1) -> None:
        torch.manual_seed(seed)
        plain, aware = nn.Sequential(nn.Linear(3, 3)), nn.Sequential(nn.Linear(3, 3))
        aware.load_state_dict({name: factor * tensor for name, tensor in plain.state_dict().items()})
        runs = {name: {"train_loss": [1.0, 0.5]} for name in ("SGD", "SAM")}
        super().__init__(runs, networks={"SGD": plain, "SAM": aware}, seed=seed)
        split = Split(torch.randn(30, 3), torch.arange(30) % 3)
        self._data = dict.fromkeys(runs, Dataset("made", split, split, 3, (3,), torch.zeros(3), ""))


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, [SmallLab(seed) for seed in range(3)], **QUICK)


def test_in_a_well_a_shift_costs_half_its_curvature_times_the_square() -> None:
    function = two_wells(narrow=50.0, wide=2.0)
    drawn_at = np.random.default_rng(0).standard_normal((4, 2))
    for minimum, curvature in zip(function.minima, (50.0, 2.0), strict=True):
        rises = sharpness_aware._rises(function, torch.tensor(minimum).double(), [0.1, 0.2], drawn_at)
        assert_allclose(rises, [curvature * 0.01 / 2, curvature * 0.04 / 2], rtol=1e-6)


def test_the_wells_rise_and_who_ends_where(found: list[Measured]) -> None:
    for seed in found:
        assert seed["rise_narrow_over_wide"] == pytest.approx(25, rel=1e-3)
        assert seed["in_wide"]["sam"] > seed["in_wide"]["gd"] > 0
        assert seed["in_wide_sam_minus_gd"] == seed["in_wide"]["sam"] - seed["in_wide"]["gd"]
    assert verdicts(NAME, found)[:2] == ["holds", "holds"]


def test_the_curvature_is_that_of_the_whole_hessian_and_the_rise_that_of_moved_weights() -> None:
    made = SmallLab(1)
    seed = sharpness_aware._network(made, "SGD", 3, [0.5])
    model, split = made.network("SGD"), made.data("SGD").test
    objective, point = objective_at(model, split, "cross_entropy")
    assert seed["curvature"] == pytest.approx(
        np.linalg.eigvalsh(dense_hessian(objective, point))[-1], rel=1e-3
    )
    random, rises = made.random("directions"), []
    for _ in range(3):
        direction = random.standard_normal(len(point))
        moved = point - torch.from_numpy(0.5 * direction / np.linalg.norm(direction))
        rises.append(float(objective(moved) - objective(point)))
    assert_allclose(seed["rise"], np.mean(rises), rtol=1e-3)
    assert seed["test_loss"] == pytest.approx(float(objective(point)), rel=1e-5)


def test_a_wider_left_well_and_the_same_networks_refute_the_claims() -> None:
    same = measure(
        NAME, [SmallLab(seed, factor=1.0) for seed in range(3)], **QUICK, narrow=1.9, wide=2.0, rho=1e-9
    )
    assert verdicts(NAME, same) == ["fails"] * 5


@pytest.mark.parametrize(
    ("claim", "values"),
    [
        (0, {"rise_narrow_over_wide": 0.5}),
        (1, {"in_wide_sam_minus_gd": -0.1}),
        (2, {"curvature_sam_over_sgd": 1.5}),
        (3, {"rise_sgd_over_sam": 0.5}),
        (4, {"test_loss_sam_over_sgd": 1.5}),
    ],
)
def test_each_claim_can_hold_and_fail(found: list[Measured], claim: int, values: dict[str, float]) -> None:
    better = {"curvature_sam_over_sgd": 0.5, "rise_sgd_over_sam": 2.0, "test_loss_sam_over_sgd": 0.9}
    seeds = [{**seed, **better} for seed in found]
    assert verdicts(NAME, seeds) == ["holds"] * 5
    expected = ["fails" if number == claim else "holds" for number in range(5)]
    assert verdicts(NAME, [{**seed, **values} for seed in seeds]) == expected


def test_the_picture_has_wells_and_what_shifts_cost(found: list[Measured]) -> None:
    (picture,) = drawn(NAME, found).values()
    labels = [[line.get_label() for line in axes.get_lines()] for axes in picture.axes]
    assert labels == [["training loss", "test loss: shifted"], ["narrow well", "wide well"], ["SGD", "SAM"]]
    section, function = found[0]["section"], two_wells(narrow=50.0, wide=2.0)
    shifted = torch.from_numpy(np.stack([section["x"] - 0.2, np.zeros(301)], axis=-1))
    assert_allclose(section["test"], function.value(shifted), rtol=1e-10, atol=1e-12)
