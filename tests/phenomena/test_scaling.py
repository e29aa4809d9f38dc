import numpy as np
import pytest
import torch

from landscape_cli.evaluation.rescaling import rescaled
from landscape_cli.phenomena.scaling import LOOKS, line, ratios, scale_invariance
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from tests.cases import NETWORKS, images
from tests.phenomena.conftest import MakeLab

TINY = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=50", "epochs=8"]
X = [-1.0, 0.0, 0.5]


@pytest.mark.parametrize("kind", ["filter", "none"])
def test_a_line_is_that_of_a_float64_twin(kind: str) -> None:
    model, split = NETWORKS["cnn"](), images()
    found = line(model, [(split.inputs, split.targets)], "cross_entropy", kind, 3, X)
    direction = random(params_of(model), norm=kind, ignore="biasbn", seed=3, axis="x")
    for place, loss in zip(X, found, strict=True):
        twin = NETWORKS["cnn"]().double().eval()
        with torch.no_grad():
            for name, parameter in twin.named_parameters():
                parameter.add_(direction[name].double(), alpha=place)
            expected = torch.nn.functional.cross_entropy(twin(split.inputs.double()), split.targets)
        assert loss == pytest.approx(float(expected), rel=1e-4)


def test_filter_normalized_lines_of_twins_agree_and_others_do_not() -> None:
    model, split = NETWORKS["cnn"](), images()
    twin = rescaled(model, 5.0)
    parts = [(split.inputs, split.targets)]
    lines = {
        (kind, look): line(network, parts, "cross_entropy", kind, 0, X)
        for kind in ("filter", "none")
        for look, network in (("own", model), ("twin", twin))
    }
    assert np.allclose(lines["filter", "own"], lines["filter", "twin"], rtol=1e-4)
    assert not np.allclose(lines["none", "own"], lines["none", "twin"], rtol=0.1)


def test_ratios_are_taken_seed_by_seed() -> None:
    told = {"network": "cnn", "direction": "not normalized"}
    radii = [
        {**told, "seed": seed, "weights": look, "radius": radius}
        for seed, own, twin in ((0, 2.0, 1.0), (1, 4.0, 1.0))
        for look, radius in zip(LOOKS, (own, twin), strict=False)
    ]
    assert ratios(radii, "cnn", "none", LOOKS[1]) == [0.5, 0.25]


@pytest.mark.slow
def test_radii_of_networks_and_their_twins(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {
        "ReLU": [*TINY, "architecture=mlp", "architecture.widths=[16]"],
        "BatchNorm": [*TINY, "architecture=mlp", "architecture.widths=[16]", "normalization=batch"],
    }
    made = lab(runs, seeds=[0, 1, 2])
    findings = scale_invariance(made, directions=2, points=8, samples=100)
    assert len(findings.tables["outputs"]) == 2 * 3
    assert len(findings.tables["radii"]) == 3 * (4 + 6)
    same = [claim for claim in findings.claims if claim.identity]
    agree = [claim for claim in findings.claims if "agree" in claim.text]
    assert [claim.verdict for claim in same] == ["holds"] * 2
    assert [claim.verdict for claim in agree] == ["holds"] * 3
    assert set(findings.pictures) == {"lines"}
    # a twin that is no twin
    monkeypatch.setattr(
        "landscape_cli.evaluation.rescaling._multiply", lambda tensors, factor: tensors[0].mul_(factor)
    )
    findings = scale_invariance(made, directions=2, points=8, samples=100)
    assert "fails" in [claim.verdict for claim in findings.claims if claim.identity]
