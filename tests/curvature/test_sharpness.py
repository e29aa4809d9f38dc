"""All measures on small networks: against dense float64 twins, and what rescaling a network does to them."""

import copy
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import cases
from landscape_cli.arrays import Array
from landscape_cli.curvature import sharpness_options
from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.curvature.sharpness import Values, sharpness
from landscape_cli.curvature.sharpness_options import SharpnessOptions
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import Problem, classifier
from landscape_cli.evaluation.rescaling import rescaled
from landscape_cli.store.sharpness import EXACT, LABELS, MEASURES, with_errors

FACTOR = 5.0


def network(activation: type[nn.Module] = nn.ReLU) -> nn.Module:
    """Two layers with biases."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(8, 6), activation(), nn.Linear(6, 3))


def problem(model: nn.Module) -> Problem:
    return classifier(model, cases.dataset(n=60, shape=(2, 2, 2)), "cross_entropy", ["train"])


def measured(model: nn.Module, *measures: str, **options: Any) -> Values:
    chosen = SharpnessOptions(measures=list(measures) or None, precision="fp64", tolerance=1e-8, **options)
    return sharpness(problem(model), chosen)


@pytest.fixture(scope="module")
def both() -> tuple[Values, Values]:
    """All measures of a network and of its rescaled twin."""
    model = network().double()
    return measured(model), measured(rescaled(model, FACTOR))


def dense(model: nn.Module) -> tuple[Array, Array]:
    """The Hessian, and s: the root mean square of each weight's filter, written out."""
    function, point = objective_at(model, cases.dataset(n=60, shape=(2, 2, 2)).train, "cross_entropy")
    scales: list[float] = []
    for weight in model.parameters():
        for piece in weight.detach().double():
            scales += [float(piece.square().mean().sqrt())] * piece.numel()
    return dense_hessian(function, point), np.array(scales)


def test_eigenvalue_and_trace_are_those_of_the_dense_hessian(both: tuple[Values, Values]) -> None:
    found, (matrix, scales) = both[0], dense(network())
    scaled = scales[:, None] * matrix * scales
    top, normalized_top = (np.linalg.eigvalsh(each)[-1] for each in (matrix, scaled))
    assert found["largest_eigenvalue"] == pytest.approx(top, rel=1e-6)
    assert found["normalized_largest_eigenvalue"] == pytest.approx(normalized_top, rel=1e-6)
    assert abs(found["largest_eigenvalue"] - top) <= found["largest_eigenvalue_error"] + 1e-12
    for name, exact in (("trace", np.trace(matrix)), ("normalized_trace", np.trace(scaled))):
        assert found[name] == pytest.approx(exact, abs=5 * found[f"{name}_error"] + 1e-9 * exact)


def test_small_noise_and_balls_are_those_of_the_quadratic_model() -> None:
    model = network(nn.Tanh)  # the kinks of ReLU add to the curvature that noise meets
    matrix, scales = dense(model)
    small = {"sigma": 1e-3, "normalized_sigma": 1e-3, "rho": 1e-4, "normalized_rho": 1e-4}
    found = measured(model, "noise", "sam", "asam", draws=400, **small)
    for name, inner in (
        ("expected_rise", matrix),
        ("normalized_expected_rise", scales[:, None] * matrix * scales),
    ):
        expected = 1e-6 / 2 * np.trace(inner)
        assert found[name] == pytest.approx(expected, abs=4 * found[f"{name}_error"])
        assert found[f"{name}_error"] < 0.1 * expected
    function, point = objective_at(model, cases.dataset(n=60, shape=(2, 2, 2)).train, "cross_entropy")
    gradient = torch.func.grad(function)(point).numpy()
    linear = {
        "sam": np.linalg.norm(gradient),
        "normalized_sam": np.linalg.norm(scales * gradient),
        "asam": np.linalg.norm((np.abs(point.numpy()) + 0.01) * gradient),
    }
    for name, slope in linear.items():
        assert found[name] == pytest.approx(1e-4 * slope, rel=1e-3)
    assert found["sam_first_order"] == pytest.approx(found["sam"], rel=1e-3)


NORMALIZED = [name for name in LABELS if name.startswith("normalized_")]
RAW = ["largest_eigenvalue", "trace", "keskar", "sam", "sam_first_order", "expected_rise"]


@pytest.mark.parametrize("name", NORMALIZED)
def test_normalized_measures_do_not_change_when_a_network_is_rescaled(
    name: str, both: tuple[Values, Values]
) -> None:
    assert name != "normalized_sam" or both[0]["normalized_sam_error"] < 0.01 * both[0][name]
    # random starts of ascents differ in the coordinates of the twin by rounding alone
    assert both[1][name] == pytest.approx(both[0][name], rel=1e-6)
    assert both[1][f"{name}_error"] == pytest.approx(both[0][f"{name}_error"], rel=0.05, abs=1e-6)


@pytest.mark.parametrize("name", RAW)
def test_raw_measures_grow_when_a_network_is_rescaled(name: str, both: tuple[Values, Values]) -> None:
    assert both[1]["loss"] == pytest.approx(both[0]["loss"], rel=1e-12)
    assert both[1][name] > 1.5 * both[0][name]


def test_adaptive_sharpness_changes_by_its_constant_alone(both: tuple[Values, Values]) -> None:
    """Of |w| + 0.01 the first part follows the weights."""
    for name in MEASURES["asam"]:
        assert both[1][name] == pytest.approx(both[0][name], rel=0.2)
        assert both[1][name] != pytest.approx(both[0][name], rel=1e-6)


def test_the_raw_radius_shrinks_by_the_sharper_layer(both: tuple[Values, Values]) -> None:
    assert both[1]["radius"] < 0.7 * both[0]["radius"]


def test_the_model_is_left_alone_and_the_same_seed_gives_the_same() -> None:
    model = network()
    before = copy.deepcopy(model.state_dict())
    options = {"samples": 30, "seed": 4}
    one, again = (measured(model, "subspace", "noise", "radius", **options) for _ in range(2))
    assert one == again
    assert one != measured(model, "subspace", "noise", "radius", samples=30, seed=5)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


def test_every_column_has_a_name_and_every_estimate_an_error(both: tuple[Values, Values]) -> None:
    columns = [column for name in MEASURES for column in with_errors(name)]
    assert list(both[0]) == ["loss", *columns]
    assert tuple(MEASURES) == sharpness_options.MEASURES
    assert set(LABELS) == {column for values in MEASURES.values() for column in values}
    assert set(EXACT) == {column for column in LABELS if f"{column}_error" not in columns}
    assert all(np.isfinite(value) for value in both[0].values())


def test_what_cannot_be_measured_is_told_first() -> None:
    with pytest.raises(LandscapeError, match="samples=61 is more than the 60 of the train split"):
        measured(network(), samples=61)
    with pytest.raises(LandscapeError, match="leave radius out of measures="):
        measured(network(), params="biases")
    assert set(measured(network(), "eigenvalue", params="biases")) > {"largest_eigenvalue"}
    broken = network()
    broken[1].weight.data *= np.inf  # type: ignore[operator]
    with pytest.raises(LandscapeError, match="the train loss is not finite"):
        measured(broken, "sam")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"measures": ["sharp"]}, "no measure 'sharp'; choose from asam, eigenvalue"),
        ({"measures": ["sam", "sam"]}, "each once"),
        ({"measures": []}, "each once"),
        ({"rho": 0.0}, "rho must be a positive number, got 0.0"),
        ({"directions": 1}, "directions must be two or more, got 1"),
        ({"tolerance": 2.0}, "tolerance must be a number between 0 and 1"),
    ],
)
def test_options_out_of_range_are_told(options: dict[str, Any], told: str) -> None:
    with pytest.raises(LandscapeError, match=told):
        SharpnessOptions(**options)
