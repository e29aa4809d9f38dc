import pytest
import torch

from landscape_cli.phenomena import normalization
from landscape_cli.phenomena.normalization import filter_normalization
from landscape_cli.store import directions
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from tests.phenomena.conftest import MakeLab

TINY = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=50", "epochs=1"]


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
    stored = directions(surface.path)["x"]
    expected = random(params, norm="filter", ignore="biasbn", seed=0, axis="x")
    assert stored.keys() == expected.keys()
    assert all(torch.equal(torch.from_numpy(stored[key]), expected[key]) for key in expected)
    assert set(findings.pictures) == {"planes", "lines"}


def test_a_direction_that_moves_biases_fails(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    made = lab({"mlp": [*TINY, "architecture=mlp", "architecture.widths=[8]"]}, seeds=[0])

    def words(kind: str, reach: float, points: int) -> tuple[str, ...]:
        return (*normal(kind, reach, points), "direction.ignore=none")

    normal = normalization._words
    monkeypatch.setattr(normalization, "_words", words)
    verdicts = [claim.verdict for claim in filter_normalization(made, points=5).claims]
    assert verdicts == ["holds", "holds", "fails"]
