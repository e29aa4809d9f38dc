import dataclasses

import numpy as np
import pytest
import torch

from landscape_cli.evaluation.evaluator import Evaluation, Samples
from landscape_cli.evaluation.problem import subset
from landscape_cli.phenomena import cost
from landscape_cli.phenomena.cost import loss_evaluation_cost
from landscape_cli.reproduction.whole_lab import Lab
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from tests.phenomena.conftest import MakeLab

WORDS = [
    "dataset=digits",
    "dataset.train_size=600",
    "architecture=mlp",
    "architecture.widths=[8]",
    "epochs=3",
]


@pytest.fixture
def made(lab: MakeLab) -> Lab:
    return lab({"mlp": WORDS}, seeds=[0, 1, 2])


def _twin(made: Lab, seed: int, x: float) -> np.ndarray:
    """Every training sample's loss at a point of the line, in float64."""
    run = made.run("mlp", seed)
    dataset = made.dataset(run)
    model = made.solution(run).network(dataset, trust=False)
    direction = random(params_of(model), norm="filter", ignore="biasbn", seed=0, axis="x")
    model = model.double()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.add_(direction[name].double(), alpha=x)
        outputs = model(dataset.train.inputs.double())
    return torch.nn.functional.cross_entropy(outputs, dataset.train.targets, reduction="none").numpy()


def test_subsets_are_measured_in_their_own_standard_errors(made: Lab) -> None:
    findings = loss_evaluation_cost(made, samples=[50, 100], subsets=4, points=5)
    rows = findings.tables["subsets"]
    assert [(row["seed"], row["samples"]) for row in rows] == [
        (seed, count) for seed in range(3) for count in (50, 100)
    ]
    assert {(row["of"], row["comparisons"]) for row in rows} == {(600, 4 * 5)}
    split = made.dataset(made.run("mlp", 1)).train
    z = []
    for x in (-1, -0.5, 0, 0.5, 1):
        losses = _twin(made, 1, x)
        for number in range(4):
            indices = subset([(split.inputs, split.targets)], 50, number, "train").numpy()
            error = losses[indices].std(ddof=1) / np.sqrt(50)
            z.append((losses[indices].mean() - losses.mean()) / error)
    row = next(row for row in rows if row["seed"] == 1 and row["samples"] == 50)
    assert row["largest_z"] == pytest.approx(np.abs(z).max(), rel=1e-3)
    assert row["root_mean_square_z"] == pytest.approx(np.sqrt(np.mean(np.square(z))), rel=1e-3)
    assert row["within_3_standard_errors"] == pytest.approx(np.mean(np.abs(z) < 3))
    assert [claim.verdict for claim in findings.claims if claim.identity] == ["holds"]
    costs = findings.tables["cost"]
    assert [row["samples"] for row in costs] == [50, 100, 600] * 3
    assert {row["samples_of_51x51_points"] / row["samples"] for row in costs} == {2601}


def test_standard_errors_that_are_too_small_fail(made: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    mean = Samples.mean

    def too_sure(self: Samples) -> Evaluation:
        found = mean(self)
        return dataclasses.replace(found, loss_stderr=found.loss_stderr / 10)

    monkeypatch.setattr(Samples, "mean", too_sure)
    findings = loss_evaluation_cost(made, samples=[50], subsets=10, points=3)
    assert findings.claims[0].verdict == "fails"


def test_other_subsets_than_the_commands_fail(made: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost, "subset", lambda parts, size, seed, name: subset(parts, size, seed + 1, name))
    findings = loss_evaluation_cost(made, samples=[50], subsets=2, points=3)
    assert [claim.verdict for claim in findings.claims if claim.identity] == ["fails"]


def test_the_exponent_is_that_of_a_power() -> None:
    counts = (100, 200, 700)
    rows = [{"samples": count, "seconds_per_point": 3e-4 * count**1.3} for count in counts]
    assert cost._exponent(rows) == pytest.approx(1.3)
