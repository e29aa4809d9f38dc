import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.evaluation.evaluator import evaluate
from landscape_cli.phenomena.curvature import (
    along,
    dense_hessian,
    objective_at,
    principal_curvatures,
    random_plane_curvature_average,
    unit_vectors,
    z_score,
)
from tests.cases import NETWORKS, images
from tests.phenomena.conftest import MakeLab

MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])


def quadratic(w: torch.Tensor) -> torch.Tensor:
    return w @ torch.from_numpy(MATRIX) @ w / 2


def test_the_hessian_of_a_quadratic() -> None:
    point = torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64)
    assert np.allclose(dense_hessian(quadratic, point), MATRIX, atol=1e-12)


def test_the_hessian_of_a_linear_softmax_model() -> None:
    """Closed form: the mean of (diag(p) - p p^T) (x) z z^T, z the inputs with a 1 for the bias."""
    split = images(12, shape=(2, 2, 2))
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(8, 3, bias=False))
    objective, point = objective_at(model, split, "cross_entropy")
    inputs = split.inputs.flatten(1).double().numpy()
    probabilities = torch.softmax(model(split.inputs.double()), dim=1).detach().numpy()
    expected = np.mean(
        [
            np.kron(np.diag(p) - np.outer(p, p), np.outer(z, z))
            for p, z in zip(probabilities, inputs, strict=True)
        ],
        axis=0,
    )
    hessian = dense_hessian(objective, point)
    assert np.allclose(hessian, expected, atol=1e-12)
    assert np.linalg.eigvalsh(hessian).min() > -1e-12  # a convex loss


@pytest.mark.parametrize("name", ["mlp", "cnn", "resnet-batch"])
def test_the_objective_is_the_loss(name: str) -> None:
    model, split = NETWORKS[name](), images()
    before = evaluate(model, split, "mse").loss
    objective, point = objective_at(model, split, "mse")
    assert float(objective(point)) == pytest.approx(before, rel=1e-5)
    assert point.dtype == torch.float64


def test_the_loss_along_a_direction() -> None:
    point = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)  # of norm 5
    found = along(quadratic, point, np.array([0.0, 1.0, 0.0]), np.array([-0.2, 0.0, 0.2]))
    expected = [w @ MATRIX @ w / 2 for w in (np.array([3.0, step, 4.0]) for step in (-1.0, 0.0, 1.0))]
    assert np.allclose(found, expected)


def test_unit_vectors() -> None:
    vectors = unit_vectors(400, 30, seed=2)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert np.abs(vectors.T @ vectors * 30 / 400 - np.eye(30)).max() < 0.4  # no direction is preferred
    assert not np.allclose(vectors, unit_vectors(400, 30, seed=3))


def test_principal_curvatures() -> None:
    assert np.allclose(principal_curvatures(3.0 * np.eye(5), 4, seed=0), 3.0)
    eigenvalues = np.linalg.eigvalsh(MATRIX)
    found = principal_curvatures(MATRIX, 500, seed=0)
    assert found.min() >= eigenvalues[0]
    assert found.max() <= eigenvalues[-1]
    assert abs(z_score(found.mean(axis=1), np.trace(MATRIX) / 3)) < 3
    assert abs(z_score(found.mean(axis=1), np.trace(MATRIX) / 3 + 0.5)) > 3


def test_the_z_score() -> None:
    assert z_score(np.array([0.0, 2.0]), 0.0) == pytest.approx(1.0)  # sd sqrt(2), standard error 1
    assert z_score(np.array([0.0, 2.0]), 3.0) == pytest.approx(-2.0)


def test_an_mlp(lab: MakeLab) -> None:
    words = [
        "dataset=digits",
        "dataset.train_size=200",
        "architecture=mlp",
        "architecture.widths=[3]",
        "epochs=5",
    ]
    made = lab({"mlp": words}, seeds=[0, 1, 2])
    findings = random_plane_curvature_average(made, directions=40, points=5)
    rows = findings.tables["curvatures"]
    assert [(row["seed"], row["weights"]) for row in rows] == [
        (seed, weights) for seed in range(3) for weights in ("initial", "trained")
    ]
    assert {row["p"] for row in rows} == {64 * 3 + 3 + 3 * 10 + 10}
    for row in rows:
        assert row["lambda_min"] <= row["smallest_curvature"] <= row["trace_over_p"] <= row["lambda_max"]
        middle = (row["mean_of_the_larger_principal"] + row["mean_of_the_smaller_principal"]) / 2
        assert middle == pytest.approx(row["trace_over_p"], rel=0.5)
    assert len(findings.claims) == 4 + 3
    assert [claim.verdict for claim in findings.claims if claim.identity] == ["holds"]
