from itertools import combinations

import pytest
import torch

from landscape_cli.phenomena.interpolation import linear_interpolation_1d
from landscape_cli.reproduction.whole_lab import Lab
from tests.phenomena.conftest import MakeLab

ALPHA = "[-0.5,1.5,101]"
MLP = ["dataset=digits", "dataset.train_size=200", "architecture=mlp", "architecture.widths=[8]", "epochs=3"]


def _half_way(lab: Lab, name: str, one: int, other: int) -> float:
    """The loss at the mean of two networks' weights, in float64."""
    dataset = lab.dataset(lab.run(name, one))
    networks = [
        lab.solution(lab.run(name, seed)).network(dataset, trust=False).double() for seed in (one, other)
    ]
    with torch.no_grad():
        for mine, its in zip(networks[0].parameters(), networks[1].parameters(), strict=True):
            mine.copy_((mine + its) / 2)
        outputs = networks[0].eval()(dataset.train.inputs.double())
    return float(torch.nn.functional.cross_entropy(outputs, dataset.train.targets))


@pytest.mark.slow
def test_lines_between_runs_of_different_seeds(lab: MakeLab) -> None:
    made = lab({"mlp": MLP, "with BatchNorm": [*MLP, "normalization=batch"]}, seeds=[0, 1, 2])
    findings = linear_interpolation_1d(made, alpha=ALPHA)
    rows = findings.tables["lines"]
    assert len(rows) == 3 * (3 + 3)  # mlp, and BatchNorm's two ways
    assert {row["statistics"] for row in rows if row["network"] == "mlp"} == {"interpolate"}
    pairs = [row for row in rows if row["network"] == "mlp" and row["line"] == "two trained"]
    assert [(row["from"], row["to"]) for row in pairs] == list(combinations([0, 1, 2], 2))
    for row in pairs:
        assert row["half_way"] == pytest.approx(_half_way(made, "mlp", row["from"], row["to"]), rel=1e-5)
        chord = (row["start"] + row["end"]) / 2
        assert row["barrier"] >= row["half_way"] - chord
    by_text = {claim.text: claim for claim in findings.claims}
    assert len(by_text) == 1 + 1 + 3 * 2
    ends = findings.claims[0]
    assert ends.verdict == "holds"
    assert len(ends.values) == 3 * 2 * 2  # recomputed statistics are left out
    barriers = [claim for text, claim in by_text.items() if text.startswith("mlp") and "barrier" in text]
    assert [list(claim.values) for claim in barriers] == [[row["barrier"] for row in pairs]]
    recomputed = [claim for text, claim in by_text.items() if "statistics recomputed" in text]
    assert len(recomputed) == 2
    assert len(recomputed[0].values) == 3
    assert set(findings.pictures) == {"lines"}


def test_the_ends_are_compared_with_what_training_recorded(
    lab: MakeLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = lab({"mlp": MLP}, seeds=[0])
    assert linear_interpolation_1d(made, alpha=ALPHA).claims[0].verdict == "holds"
    monkeypatch.setattr("landscape_cli.solutions.Solution.recorded_loss", lambda *_: 0.5)
    assert linear_interpolation_1d(made, alpha=ALPHA).claims[0].verdict == "fails"
