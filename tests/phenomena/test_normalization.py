import pytest
import torch

from landscape_cli.phenomena import normalization
from landscape_cli.phenomena.normalization import deviation, filter_normalization, stored_direction
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from tests.cases import NETWORKS
from tests.phenomena.conftest import MakeLab

TINY = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=50", "epochs=1"]


def test_the_deviation_is_that_of_the_worst_filter_or_layer() -> None:
    weights = {"w": torch.tensor([[3.0, 4.0], [6.0, 8.0]]), "b": torch.tensor([1.0])}
    direction = {"w": torch.tensor([[4.0, 3.0], [0.0, 15.0]]), "b": torch.tensor([9.0])}
    assert deviation(direction, weights, "filter") == pytest.approx(0.5)  # |15 - 10| / 10; b does not count
    assert deviation(direction, weights, "layer") == pytest.approx((250 / 125) ** 0.5 - 1)
    weights["w"][1] = 0.0
    assert deviation(direction, weights, "filter") == pytest.approx(15.0)  # no norm to divide by


@pytest.mark.parametrize("name", ["cnn", "resnet-batch"])
def test_directions_of_another_normalization_fail_the_claim(name: str) -> None:
    params = params_of(NETWORKS[name]())
    of = {
        kind: random(params, norm=kind, ignore="biasbn", seed=0, axis="x")
        for kind in ("filter", "layer", "none")
    }
    assert deviation(of["filter"], params, "filter") <= 1e-6
    assert deviation(of["layer"], params, "layer") <= 1e-6
    assert deviation(of["filter"], params, "layer") <= 1e-6  # filters of the right norm make layers of it
    assert min(deviation(of["layer"], params, "filter"), deviation(of["none"], params, "layer")) > 0.1


@pytest.mark.slow
def test_stored_directions_are_measured(lab: MakeLab) -> None:
    runs = {
        "cnn": [*TINY, "architecture=cnn", "normalization=batch"],
        "mlp": [*TINY, "architecture=mlp", "architecture.widths=[8]"],
    }
    made = lab(runs, seeds=[0, 1])
    findings = filter_normalization(made, points=5)
    assert [claim.verdict for claim in findings.claims] == ["holds", "holds", "holds"]
    rows = findings.tables["directions"]
    assert len(rows) == 2 * 2 * 3
    assert {row["filters"] for row in rows if row["network"] == "cnn"} == {16 + 32 + 64 + 10}
    for row in rows:
        if row["normalization"] != "none":
            assert row["norm_of_the_direction"] == pytest.approx(row["norm_of_the_weights"], rel=1e-6)
    run = made.run("cnn", 1)
    params = params_of(made.solution(run).network(made.dataset(run), trust=False))
    surface = made.surface(run, *normalization._words("filter", 1.0, 5), "y=null")
    stored = stored_direction(surface, "x")
    expected = random(params, norm="filter", ignore="biasbn", seed=0, axis="x")
    assert stored.keys() == expected.keys()
    assert all(torch.equal(stored[key], expected[key]) for key in expected)
    assert set(findings.pictures) == {"planes", "lines"}


def test_a_direction_that_moves_biases_fails(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lab({"mlp": [*TINY, "architecture=mlp", "architecture.widths=[8]"]}, seeds=[0])

    def words(kind: str, reach: float, points: int) -> tuple[str, ...]:
        return (*normal(kind, reach, points), "direction.ignore=none")

    normal = normalization._words
    monkeypatch.setattr(normalization, "_words", words)
    verdicts = [claim.verdict for claim in filter_normalization(made, points=5).claims]
    assert verdicts == ["holds", "holds", "fails"]
