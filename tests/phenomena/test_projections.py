"""Random lines, planes and slices: against closed forms, and claims that wrong inputs refute."""

import math
from dataclasses import replace

import pytest
from torch import nn

from landscape_cli.phenomena import projection_planes, projections, slices
from landscape_cli.reproduction.verdicts import Claim

WORDS = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20", "epochs=2"]


def test_a_direction_has_the_norm_of_each_tensor_biases_included() -> None:
    model = nn.Linear(6, 4)
    direction = projections.tensorwise_direction(model, 3)
    for name, parameter in model.named_parameters():
        assert float(direction[name].norm()) == pytest.approx(float(parameter.detach().norm()), rel=1e-5)


def _row(**values: object) -> dict[str, object]:
    return {
        "run": "cnn",
        "loss_at_0": 0.4,
        "loss_at_b": 0.6,
        "loss_at_minus_b": 0.5,
        "lowest_at": 0.02,
    } | values


def _claims(**trained: object) -> list[Claim]:
    first = _row(weights="initial", loss_at_0=math.log(10), lowest_at=-0.3, rms_slope=1.0)
    known = {"weights": "trained", "rms_slope": 0.1, "whole_test_loss": 0.5, "whole_train_loss": 0.4}
    rows = [row for _ in range(3) for row in (first, _row(**known | trained))]
    return projections._line_claims("cnn", rows, 10)


def test_what_lines_claim() -> None:
    assert [claim.verdict for claim in _claims()] == ["holds"] * 7
    assert [float(claim.values[0]) for claim in _claims()] == pytest.approx(
        [0.02, 0.1, 0.3, 0.0, math.log(10) / 0.4, 10.0, 0.1]
    )


@pytest.mark.parametrize(
    ("number", "values"),
    [
        (0, {"lowest_at": -0.1}),
        (1, {"loss_at_minus_b": 0.3}),
        (4, {"loss_at_0": 1.0, "loss_at_b": 2.0, "loss_at_minus_b": 2.0}),
        (5, {"rms_slope": 0.3}),
        (6, {"whole_test_loss": 0.3}),
    ],
)
def test_what_refutes_a_claim_of_lines(number: int, values: dict[str, float]) -> None:
    verdicts = ["holds"] * 7
    verdicts[number] = "fails"
    assert [claim.verdict for claim in _claims(**values)] == verdicts


def test_beside_the_notebook() -> None:
    rows = [_row(weights="trained", whole_train_loss=loss) for loss in (0.28, 0.30, 0.32)]
    (near,) = projections._beside_the_notebook("cnn", rows, {"train_loss": 0.295})
    assert near.soft
    assert near.verdict == "holds"
    assert near.values == pytest.approx([0.75, 0.25, 1.25])
    assert projections._beside_the_notebook("cnn", rows, {"train_loss": 0.5})[0].verdict == "fails"


@pytest.mark.slow
def test_line_projection(lab) -> None:  # type: ignore[no-untyped-def]
    runs = {"no dropout": [*WORDS, "architecture=cnn"], "dropout 0.2": [*WORDS, "architecture=cnn"]}
    runs["dropout 0.2"].append("architecture.dropout=0.2")
    expected = {name: {"train_loss": 0.3} for name in runs}
    made = lab(runs)
    found = projections.line_projection(
        made, half_width=0.3, points=7, samples=50, directions=2, expected=expected
    )
    assert len(found.claims) == 16
    assert len(found.pictures) == 2
    assert len(made.surfaces) == 4
    for row in found.tables["lines"]:  # a difference of the line itself, about the gradient's size
        assert row["lowest_loss"] <= row["loss_at_0"]
        assert 0 < row["rms_slope"] < 100
    line = next(iter(made.surfaces))
    assert "direction.norm-layer" in line.name
    assert "direction.ignore-none" in line.name


def test_the_slope_is_that_of_the_line(lab) -> None:  # type: ignore[no-untyped-def]
    made = lab({"mlp": [*WORDS, "architecture.activation=tanh"]})
    slope = projections._rms_slope(made, "mlp", 0, "last", 1)  # of the direction that is drawn
    line = made.surface(made.run("mlp", 0), "y=null", "x=[-1e-2,1e-2,3]", *projections.tensorwise_words())
    assert abs(projections._shape(line)["slope_of_the_line"]) == pytest.approx(slope, rel=0.02)


def test_exponents() -> None:
    rows = [
        {"seed": seed, "parameters": p, "mean": 3 * p**power}
        for seed, power in ((0, -0.5), (1, -0.25))
        for p in (10, 100, 1000)
    ]
    exponents = projection_planes._exponents(rows, [0, 1])
    assert exponents == pytest.approx([-0.5, -0.25])
    rows = [{"parameters": 9, "expected": 0.3, "mean": 0.5, "standard_error": 0.01}] * 3
    claims = projection_planes._angle_claims(rows, 200, [-0.25] * 3)
    assert [claim.verdict for claim in claims] == ["fails", "fails"]


@pytest.mark.slow
def test_plane_projection_random(lab) -> None:  # type: ignore[no-untyped-def]
    made = lab({"cnn": [*WORDS, "architecture=cnn"]})
    found = projection_planes.plane_projection_random(
        made, half_width=0.3, points=5, samples=50, pairs=20, sizes=[50, 500]
    )
    assert [row["rank"] for row in found.tables["planes"]] == [2, 2]
    plane = made.surface(
        made.run("cnn", 0), "epoch=last", "x=[-0.3,0.3,5]", "y=[-0.3,0.3,5]", "samples=50",
        *projections.tensorwise_words(),
    )  # fmt: skip
    losses = plane.values["train/loss"]
    losses[...] = 1.0
    losses[4, 1] = 0.5
    assert plane.y is not None
    lowest = projection_planes._lowest(plane)
    assert lowest == {
        "loss_at_the_centre": 1.0,
        "lowest_loss": 0.5,
        "lowest_at_alpha": plane.x[1],
        "lowest_at_beta": plane.y[4],
        "cells_from_the_centre": 2,
    }
    assert len(found.pictures) == 5


@pytest.mark.slow
def test_slices_of_a_convex_and_of_another_loss(lab, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    made = lab({"linear": [*WORDS, "architecture.widths=[]"], "mlp": WORDS}, seeds=[0, 1, 2])
    found = slices.line_slice_certificates(made, slices=8, half_width=1.0, points=9)
    verdicts = [claim.verdict for claim in found.claims[:3]]
    assert verdicts == ["holds", "holds", "holds"]
    assert found.claims[3].soft
    assert len(found.tables["slices"]) == 2 * 2 * 3 * 8

    # taken for a convex one, the mlp refutes it
    monkeypatch.setattr(made, "scale", replace(made.scale, runs={"mlp": WORDS}))
    rows = [row for row in found.tables["slices"] if row["run"] == "mlp"]
    assert slices._convex_claims("mlp", rows, [0, 1, 2])[0].verdict == "fails"
    rows = [row for row in found.tables["slices"] if row["run"] == "linear"]
    assert slices._other_claims("linear", rows, [0, 1, 2])[0].verdict == "fails"
