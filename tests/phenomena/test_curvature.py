import numpy as np
import pytest
import torch

from landscape_cli.phenomena.curvature import along, random_plane_curvature_average
from tests.phenomena.conftest import MakeLab

MATRIX = np.array([[2.0, 1.0, 0.0], [1.0, -3.0, 0.5], [0.0, 0.5, 1.0]])


def quadratic(w: torch.Tensor) -> torch.Tensor:
    return w @ torch.from_numpy(MATRIX) @ w / 2


def test_the_loss_along_a_direction() -> None:
    point = torch.tensor([3.0, 0.0, 4.0], dtype=torch.float64)  # of norm 5
    found = along(quadratic, point, np.array([0.0, 1.0, 0.0]), np.array([-0.2, 0.0, 0.2]))
    expected = [w @ MATRIX @ w / 2 for w in (np.array([3.0, step, 4.0]) for step in (-1.0, 0.0, 1.0))]
    assert np.allclose(found, expected)


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
