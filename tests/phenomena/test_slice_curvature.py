"""What random slices show of the Hessian, and what subsets cost and show: beside slow twins."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch

from landscape_cli.curvature.random_slices import principal_curvatures, unit_vectors
from landscape_cli.evaluation.evaluator import Evaluation, Samples
from landscape_cli.evaluation.problem import subset
from landscape_cli.phenomena import slice_curvature
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from made_lab import drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

AVERAGE, COST = "random-plane-curvature-average", "loss-evaluation-cost"
MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])
MLP = ["dataset=digits", "architecture=mlp"]


def quadratic(w: torch.Tensor) -> torch.Tensor:
    return w @ torch.from_numpy(MATRIX) @ w / 2


def test_the_loss_along_a_direction() -> None:
    point = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)  # of norm 5
    rows = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    found = slice_curvature._along(quadratic, point, rows, np.array([-0.2, 0.0, 0.2]))
    expected = [
        [w @ MATRIX @ w / 2 for w in (np.array([3.0, step, 4.0]) for step in (-1.0, 0.0, 1.0))],
        [w @ MATRIX @ w / 2 for w in (np.array([3.0 + step, 0.0, 4.0]) for step in (-1.0, 0.0, 1.0))],
    ]
    np.testing.assert_allclose(found, expected)


@pytest.fixture(scope="module")
def curved(lab: MakeLab) -> list[Lab]:
    words = [
        "dataset.train_size=50",
        "dataset.pool=2",
        "architecture.widths=[2]",
        "batch_size=10",
        "epochs=3",
    ]
    return [lab({"mlp": [*MLP, *words]}, seed) for seed in range(3)]


def averages(labs: Sequence[Lab]) -> list[Measured]:
    return measure(AVERAGE, labs, directions=40, points=5)


def test_curvatures_of_an_mlp_are_those_of_its_hessian(curved: list[Lab]) -> None:
    found = averages(curved)
    assert verdicts(AVERAGE, found) == ["holds"] * 7
    made, seed = curved[1], found[1]
    split, model = made.data("mlp").train, made.network("mlp").double()
    shapes = {name: parameter.shape for name, parameter in model.named_parameters()}

    def loss(vector: torch.Tensor) -> torch.Tensor:
        parts = vector.split([shape.numel() for shape in shapes.values()])
        values = {name: part.view(shapes[name]) for name, part in zip(shapes, parts, strict=True)}
        outputs = torch.func.functional_call(model, values, (split.inputs.double(),))
        return torch.nn.functional.cross_entropy(outputs, split.targets)

    point = torch.nn.utils.parameters_to_vector(model.parameters()).detach()
    hessian = torch.autograd.functional.hessian(loss, point).numpy()
    p = len(point)
    assert p == 16 * 2 + 2 + 2 * 10 + 10
    eigenvalues = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(seed["spectrum"]["trained"], eigenvalues[::-1], atol=1e-8)
    assert seed["lambda_min"]["trained"] == pytest.approx(eigenvalues[0])
    assert seed["lambda_max"]["trained"] == pytest.approx(eigenvalues[-1])
    average = sum(hessian[i, i] for i in range(p)) / p
    assert seed["trace_over_p"]["trained"] == pytest.approx(average)
    vectors = unit_vectors(40, p, 1)
    curvatures = [d @ hessian @ d for d in vectors]
    assert seed["mean_curvature"]["trained"] == pytest.approx(np.mean(curvatures))
    np.testing.assert_allclose(
        seed["running_mean"]["trained"], [np.mean(curvatures[: k + 1]) / average for k in range(40)]
    )
    least = min(*curvatures, *principal_curvatures(hessian, 40, 1).flat)
    assert seed["above_lambda_min"]["trained"] == pytest.approx(least - eigenvalues[0])
    error = np.std(curvatures, ddof=1) / np.sqrt(40)
    z = abs(np.mean(curvatures) - average) / error
    assert seed["z_directions"]["trained"] == pytest.approx(z, rel=1e-5)
    # slices reach a fifth of the weights' norm; those that are drawn a twentieth
    convex = 0
    for d in vectors:
        reach = torch.from_numpy(d) * float(point.norm()) * 0.2
        line = [float(loss(point + step * reach)) for step in (-1.0, -0.5, 0.0, 0.5, 1.0)]
        convex += all(a - 2 * b + c >= 0 for a, b, c in zip(line, line[1:], line[2:], strict=False))
    assert seed["slices_that_look_convex"]["trained"] == pytest.approx(convex / 40)
    assert seed["x"].tolist() == pytest.approx([-0.05, -0.025, 0.0, 0.025, 0.05])
    there = [float(loss(point + float(x) * point.norm() * torch.from_numpy(vectors[3]))) for x in seed["x"]]
    np.testing.assert_allclose(seed["random"]["trained"][3], there)
    assert seed["random"]["trained"].shape == (10, 5)
    assert seed["lowest"]["trained"].shape == (1, 5)
    assert list(drawn(AVERAGE, found)) == ["curvatures"]


def test_directions_that_are_not_random_are_refuted(
    curved: list[Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    def tilted(count: int, size: int, seed: int) -> Any:
        vectors = unit_vectors(count, size, seed)
        vectors[:, -10:] *= 10  # towards the last layer's biases, whose curvatures are large
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    right = slice_curvature.principal_curvatures
    monkeypatch.setattr(slice_curvature, "unit_vectors", tilted)
    monkeypatch.setattr(slice_curvature, "principal_curvatures", lambda *words: right(*words) - 1.0)
    found = averages(curved)
    assert verdicts(AVERAGE, found) == ["fails"] * 5 + ["holds", "holds"]


def test_a_convex_loss_has_no_slices_that_only_look_convex(
    curved: list[Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    right = slice_curvature.dense_hessian
    monkeypatch.setattr(
        slice_curvature, "dense_hessian", lambda *words: (found := right(*words)) + 9 * np.eye(len(found))
    )
    found = averages(curved)
    assert verdicts(AVERAGE, found)[-2:] == ["fails", "undecided"]
    assert np.isnan(found[0]["slices_that_look_convex"]["trained"])


def test_slices_that_all_look_concave_are_refuted(curved: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slice_curvature, "second_differences", lambda line: np.full(3, -1.0))
    assert verdicts(AVERAGE, averages(curved))[-2:] == ["holds", "fails"]


@pytest.fixture(scope="module")
def priced(lab: MakeLab) -> list[Lab]:
    words = [*MLP, "dataset.train_size=600", "architecture.widths=[8]", "epochs=3"]
    return [lab({"mlp": words}, seed, words={"surface": ["y=null", "splits=[train]"]}) for seed in range(3)]


def losses_of(made: Lab, x: float) -> np.ndarray:
    """Return every training sample's loss at a point of the line, in float64."""
    data, model = made.data("mlp"), made.network("mlp")
    direction = random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis="x")
    model = model.double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(direction[name].double(), alpha=x)
        outputs = model(data.train.inputs.double())
    return torch.nn.functional.cross_entropy(outputs, data.train.targets, reduction="none").numpy()


def test_subsets_are_measured_in_their_own_standard_errors(priced: list[Lab]) -> None:
    made = priced[1]
    (found,) = measure(COST, [made], samples=[50, 100], subsets=4, points=5)
    split = made.data("mlp").train
    z: dict[str, list[float]] = {"50": [], "100": []}
    means = np.zeros((4, 5))
    for column, x in enumerate((-1, -0.5, 0, 0.5, 1)):
        losses = losses_of(made, x)
        assert found["loss"][column] == pytest.approx(losses.mean(), rel=1e-5)
        for count in (50, 100):
            for number in range(4):
                indices = subset([(split.inputs, split.targets)], count, number, "train").numpy()
                error = losses[indices].std(ddof=1) / np.sqrt(count)
                z[str(count)].append((losses[indices].mean() - losses.mean()) / error)
                if count == 50:
                    means[number, column] = losses[indices].mean()
    for count, scores in z.items():
        root = np.sqrt(np.mean(np.square(scores)))
        assert found["root_mean_square_z"][count] == pytest.approx(root, rel=1e-3)
        assert found["within_3_standard_errors"][count] == pytest.approx(np.mean(np.abs(scores) < 3))
        middles = (slice_curvature.EDGES[1:] + slice_curvature.EDGES[:-1]) / 2
        inside = np.mean(np.abs(scores) <= 4)
        assert found["density"][count].sum() * (middles[1] - middles[0]) == pytest.approx(inside)
    np.testing.assert_allclose(found["subsets"], means, rtol=1e-5)
    assert found["difference_from_the_command"] <= 1e-5
    assert found["samples"].tolist() == [50, 100, 600]
    assert (found["seconds_per_point"] > 0).all()
    slope = np.polyfit(np.log(found["samples"]), np.log(found["seconds_per_point"]), 1)[0]
    assert found["exponent_off_one"] == pytest.approx(abs(slope - 1))


@pytest.mark.parametrize(("power", "verdict"), [(1.1, "holds"), (1.3, "fails")])
def test_the_exponent_is_that_of_a_power(
    priced: list[Lab], monkeypatch: pytest.MonkeyPatch, power: float, verdict: str
) -> None:
    monkeypatch.setattr(slice_curvature, "_seconds", lambda lab, run, count: 3e-4 * count**power)
    found = measure(COST, priced, samples=[50, 100], subsets=10, points=3)
    assert found[0]["exponent_off_one"] == pytest.approx(power - 1)
    assert verdicts(COST, found) == ["holds", "holds", "holds", verdict]
    if verdict == "holds":
        assert list(drawn(COST, found)) == ["cost"]


def test_standard_errors_that_are_too_small_fail(priced: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    mean = Samples.mean

    def too_sure(self: Samples) -> Evaluation:
        found = mean(self)
        return dataclasses.replace(found, loss_stderr=found.loss_stderr / 10)

    monkeypatch.setattr(Samples, "mean", too_sure)
    found = measure(COST, priced, samples=[50, 60], subsets=10, points=3)
    assert verdicts(COST, found)[:2] == ["fails", "fails"]
    edges, density = slice_curvature.EDGES, found[0]["density"]["50"]
    inside = (edges[:-1] > -3.1) & (edges[1:] < 3.1)
    assert 0 < found[0]["within_3_standard_errors"]["50"] < 1
    assert found[0]["within_3_standard_errors"]["50"] == pytest.approx(density[inside].sum() * 0.2)


def test_other_subsets_than_the_commands_fail(priced: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        slice_curvature, "subset", lambda parts, size, seed, name: subset(parts, size, seed + 1, name)
    )
    found = measure(COST, priced[:1], samples=[50], subsets=2, points=3)
    assert verdicts(COST, found)[1] == "fails"
