"""Functions against automatic differentiation, and what is said of their minima."""

import math

import pytest
import torch
from torch import Tensor

from landscape_cli.analytic.catalogue import FUNCTIONS, build
from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.analytic.stationary import classify

CASES = [
    *({"name": name} for name in FUNCTIONS if name != "matrix_factorization"),
    {"name": "ravine", "condition": 1e4, "dimension": 5},
    {"name": "rastrigin", "dimension": 3},
    {"name": "dented_ravine", "condition": 9.0, "place": 1.5, "depth": 2.0, "width": 0.4},
    {"name": "styblinski_tang", "dimension": 3},
    {"name": "two_wells", "narrow": 9.0, "wide": 4.0, "distance": 2.0, "rise": 0.3},
    {"name": "two_wells", "narrow": 9.1, "wide": 0.7},
    {"name": "matrix_factorization", "eigenvalues": [3.0, 1.0]},
    {"name": "matrix_factorization", "eigenvalues": [5.0, 3.0, 1.0], "rank": 2},
    {"name": "tensor_factorization", "dimension": 4},
    {"name": "saddle_chain", "dimension": 3, "ratio": 2.0},
    {"name": "saddle_chain", "dimension": 5, "ratio": 0.5},
]


def inside(function: Function, count: int = 9) -> Tensor:
    low, high = torch.tensor(function.box, dtype=torch.float64).unbind(-1)
    generator = torch.Generator().manual_seed(0)
    uniform = torch.rand(count, function.dimension, generator=generator, dtype=torch.float64)
    return low + (high - low) * uniform


@pytest.mark.parametrize("case", CASES, ids=str)
def test_derivatives_in_closed_form_are_those_of_automatic_differentiation(case: dict[str, object]) -> None:
    function = build(case)
    points = inside(function)
    twin = differentiated(function.value, function.box, function.start, function.lr)
    for ours, theirs in (
        (function.gradient(points), twin.gradient(points)),
        (function.hessian(points), twin.hessian(points)),
    ):
        assert ours.dtype == torch.float64
        assert (ours - theirs).abs().max() <= 1e-12 * theirs.abs().max()


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_called_a_minimum_is_one(case: dict[str, object]) -> None:
    function = build(case)
    if function.minima:
        points = torch.tensor(function.minima, dtype=torch.float64)
        assert classify(function, points, gradient=2e-3).names == ["minimum"] * len(points)
    if function.lowest is not None:
        assert function.value(inside(function, 2000)).min() >= function.lowest - 1e-9
    if function.minima and function.lowest is not None:
        assert function.value(points).min().item() == pytest.approx(function.lowest, abs=1e-8)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_given_step_size_is_small_enough_to_descend(case: dict[str, object]) -> None:
    function = build(case)
    point = torch.tensor([function.start], dtype=torch.float64)
    before = function.value(point)
    for _ in range(300):
        point = point - function.lr * function.gradient(point)
    assert function.value(point) < before


def test_beale_and_himmelblau_have_the_values_of_their_definitions() -> None:
    at = torch.tensor([[0.0, 0.0], [1.0, 1.0]], dtype=torch.float64)
    assert build({"name": "beale"}).value(at).tolist() == pytest.approx([14.203125, 14.203125])
    assert build({"name": "himmelblau"}).value(at).tolist() == pytest.approx([170.0, 106.0])
    assert build({"name": "rosenbrock"}).value(at).tolist() == pytest.approx([1.0, 0.0])


def test_a_saddle_has_its_curvature_in_double_precision() -> None:
    at = torch.tensor([[0.0, 1.0]], dtype=torch.float64)
    assert build({"name": "saddle", "curvature": 0.1}).gradient(at).tolist() == [[0.0, -0.1]]


def test_wells_have_their_curvatures_and_the_rise() -> None:
    wells = build({"name": "two_wells", "narrow": 50.0, "wide": 2.0, "distance": 3.0, "rise": 1.0})
    centres = torch.tensor([[-0.5, 0.0], [2.5, 0.0]], dtype=torch.float64)
    assert wells.value(centres).tolist() == pytest.approx([1.0, 0.0], abs=1e-9)
    assert torch.linalg.eigvalsh(wells.hessian(centres)).flatten().tolist() == pytest.approx([50, 50, 2, 2])


def test_saddles_of_a_matrix_factorization_have_the_eigenvalues_of_the_formula() -> None:
    spectrum = [5.0, 3.0, 1.0]
    function = build({"name": "matrix_factorization", "eigenvalues": spectrum})
    saddle = torch.tensor([[0.0, math.sqrt(3.0), 0.0]], dtype=torch.float64)
    found = classify(function, saddle)
    assert found.names == ["strict saddle"]
    # lambda_j - lambda_i along the others, 2 lambda_j along its own
    assert found.eigenvalues[0].tolist() == pytest.approx([-2.0, 2.0, 6.0])


def test_the_least_value_of_a_factorization_is_that_of_the_best_rank() -> None:
    spectrum = [5.0, 3.0, 1.0]
    function = build({"name": "matrix_factorization", "eigenvalues": spectrum, "rank": 2})
    best = torch.zeros(3, 2, dtype=torch.float64)
    best[0, 0], best[1, 1] = math.sqrt(5), math.sqrt(3)
    assert function.value(best.reshape(1, -1)).item() == pytest.approx(function.lowest) == 0.25
