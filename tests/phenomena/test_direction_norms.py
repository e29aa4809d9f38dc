"""Norms of directions and rescaled twins: lines beside float64 twins, radii of tiny networks."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from landscape_cli.data.load import Split
from landscape_cli.evaluation.rescaling import rescaled
from landscape_cli.measures import line_radius
from landscape_cli.phenomena import direction_norms
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store import directions
from landscape_cli.weights.arithmetic import params_of
from landscape_cli.weights.directions import random
from made_lab import drawn, measure, verdicts
from tests.cases import NETWORKS, images
from tests.phenomena.conftest import MakeLab

NORMS, INVARIANCE = "filter-normalization", "scale-invariance"
TINY = ["dataset=digits", "dataset.train_size=200", "dataset.test_size=50"]
SMALL = ["architecture=mlp", "architecture.widths=[16]"]
X = np.array([-1.0, 0.0, 0.5])
TRAIN = {"surface": ["splits=[train]"]}


def along(model: torch.nn.Module, split: Split, kind: str, seed: int, place: float) -> float:
    """Return the loss of a network that is moved along a random direction, in float64."""
    direction = random(params_of(model), norm=kind, ignore="biasbn", seed=seed, axis="x")
    twin = copy.deepcopy(model).double().eval()
    with torch.no_grad():
        for name, parameter in twin.named_parameters():
            parameter.add_(direction[name].double(), alpha=place)
        return float(torch.nn.functional.cross_entropy(twin(split.inputs.double()), split.targets))


def sizes(model: torch.nn.Module) -> tuple[float, float]:
    """Return the norm and the root mean square of the weights that move: all but biases and BatchNorm."""
    weights = torch.cat([weight.flatten() for weight in model.parameters() if weight.ndim > 1])
    squares = weights.detach().double() ** 2
    return math.sqrt(float(squares.sum())), math.sqrt(float(squares.mean()))


@pytest.mark.parametrize("kind", ["filter", "none"])
def test_lines_are_those_of_a_float64_twin(kind: str) -> None:
    model, split = NETWORKS["cnn"](), images()
    found = direction_norms._lines(model, [(split.inputs, split.targets)], "cross_entropy", kind, 2, X)
    expected = [[along(model, split, kind, seed, float(place)) for place in X] for seed in range(2)]
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_filter_normalized_lines_of_twins_agree_and_others_do_not() -> None:
    model, split = NETWORKS["cnn"](), images()
    parts = [(split.inputs, split.targets)]
    lines = {
        (kind, look): direction_norms._lines(network, parts, "cross_entropy", kind, 1, X)
        for kind in ("filter", "none")
        for look, network in (("own", model), ("twin", rescaled(model, 5.0)))
    }
    assert np.allclose(lines["filter", "own"], lines["filter", "twin"], rtol=1e-4)
    assert not np.allclose(lines["none", "own"], lines["none", "twin"], rtol=0.1)


def test_the_largest_difference_is_that_of_one_output() -> None:
    model = torch.nn.Linear(3, 2)
    other = copy.deepcopy(model)
    with torch.no_grad():
        other.bias[1] -= 0.25
    assert direction_norms._largest_difference(model, other, torch.randn(7, 3)) == pytest.approx(
        0.25, rel=1e-5
    )


@pytest.fixture(scope="module")
def twins(lab: MakeLab) -> list[Lab]:
    runs = {
        "ReLU": [*TINY, *SMALL, "epochs=8"],
        "BatchNorm": [*TINY, *SMALL, "epochs=8", "normalization=batch"],
    }
    return [lab(runs, seed) for seed in range(3)]


def invariance(labs: Sequence[Lab], count: int = 1) -> list[Measured]:
    return measure(INVARIANCE, labs, directions=count, points=8, samples=100)


def test_radii_of_networks_and_their_twins(twins: list[Lab]) -> None:
    found = invariance(twins, count=2)
    assert verdicts(INVARIANCE, found) == ["holds"] * 8
    for seed in found:
        assert set(seed["radius"]["ReLU"]["filter"]) == set(direction_norms.TWINS[:2])
        assert set(seed["radius"]["BatchNorm"]["none"]) == set(direction_norms.TWINS)
        normalized = seed["radius"]["BatchNorm"]["filter"]
        own = abs(normalized["twin filter by filter"] / normalized["network"] - 1)
        assert seed["by_filter_off_one"] == {"BatchNorm": pytest.approx(own)}
        # epsilon tells twins apart a little
        assert seed["change_without_epsilon"]["BatchNorm"] < seed["change_of_an_output"]["BatchNorm"] / 2
        for run, radii in seed["radius"].items():
            apart = radii["none"]["rescaled twin"] / radii["none"]["network"]
            assert seed["apart"][run] == pytest.approx(max(apart, 1 / apart))
            near = radii["filter"]["rescaled twin"] / radii["filter"]["network"]
            assert seed["filter_normalized_off_one"][run] == pytest.approx(abs(near - 1))
    assert list(drawn(INVARIANCE, found)) == ["lines"]


def test_the_radius_is_in_norms_of_the_weights(twins: list[Lab]) -> None:
    """On all samples, where a distance of 1 is a direction about as long as the weights that move."""
    made = twins[1]
    (seed,) = measure(INVARIANCE, [made], directions=1, points=8, samples=200)
    away = np.geomspace(0.01, 8, 8)
    x = np.concatenate([-away[::-1], [0.0], away])
    model, split = made.network("ReLU"), made.data("ReLU").train
    norm, unit = sizes(model)
    for kind, scale in (("none", unit), ("filter", 1.0)):
        losses = np.array([along(model, split, kind, 0, scale * place) for place in x])
        radius = line_radius(x, losses, losses[8] + 0.5)
        assert seed["radius"]["ReLU"][kind]["network"] == pytest.approx(radius, rel=1e-3)
        np.testing.assert_allclose(
            seed["loss"]["ReLU"][kind]["network"][0], losses[np.abs(x) <= 3], rtol=1e-4
        )
    direction = random(params_of(model), norm="none", ignore="biasbn", seed=0, axis="x")
    length = math.sqrt(sum(float((part.double() ** 2).sum()) for part in direction.values()))
    assert unit * length == pytest.approx(norm, rel=0.05)


def test_twins_that_are_the_network_itself_are_not_told_apart(
    twins: list[Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(direction_norms, "rescaled", lambda model, factor: copy.deepcopy(model))
    found = invariance(twins)
    assert verdicts(INVARIANCE, found) == ["holds"] * 3 + ["fails"] * 2 + ["holds"] * 3


def test_a_twin_that_is_none_is_refuted(twins: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    def another(model: torch.nn.Module, factor: float) -> torch.nn.Module:
        twin = copy.deepcopy(model)
        with torch.no_grad():
            for parameter in twin.parameters():
                parameter.mul_(factor)
        return twin

    monkeypatch.setattr(direction_norms, "rescaled", another)
    monkeypatch.setattr(direction_norms, "rescaled_filters", another)
    found = verdicts(INVARIANCE, invariance(twins))
    assert [*found[:3], *found[5:]] == ["fails"] * 6


@pytest.fixture(scope="module")
def normed(lab: MakeLab) -> Lab:
    return lab(NORMED, seed=1, words=TRAIN)


NORMED = {
    "cnn": [*TINY, "architecture=cnn", "normalization=batch", "batch_size=20", "epochs=3"],
    "mlp": [*TINY, "architecture=mlp", "architecture.widths=[8]", "batch_size=20", "epochs=3"],
}


def test_stored_directions_are_measured(normed: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, surface = [], normed.surface
    monkeypatch.setattr(normed, "surface", lambda *words: asked.append(words) or surface(*words))
    found = measure(NORMS, [normed], points=3, rise=0.05)
    assert verdicts(NORMS, found) == ["holds"] * 3
    (seed,) = found
    assert len(asked) == 2 * 3 + 3  # of the first run alone there are planes
    for run in NORMED:
        length, unit = sizes(normed.network(run))
        for kind in direction_norms.KINDS:
            loss, x = seed["loss"][kind][run], seed["x"][kind][run]
            np.testing.assert_allclose(x, [-1, 0, 1], atol=1e-7)
            radius = line_radius(x, loss, loss[1] + 0.05)
            assert 0 < radius < 1
            assert seed["relative_radius"][kind][run] == pytest.approx(radius, rel=1e-5)
            expected, tolerance = (length / unit, 0.1) if kind == "none" else (length, 1e-6)
            assert seed["norm_of_the_direction"][kind][run] == pytest.approx(expected, rel=tolerance)
        assert (run, "direction.norm=none", f"x=[-{unit:.3g},{unit:.3g},3]", "y=null") in asked
    assert seed["deviation_of_a_filter"]["layer"]["mlp"] > 0.01
    assert seed["deviation_of_a_layer"]["none"]["mlp"] > 0.01
    stored, params = directions(seed["plane"]["filter"]["cnn"].path), params_of(normed.network("cnn"))
    for axis in "xy":
        own = random(params, norm="filter", ignore="biasbn", seed=0, axis=axis)
        assert stored[axis].keys() == own.keys()
        assert all(np.array_equal(stored[axis][name], part.numpy()) for name, part in own.items())
    assert list(drawn(NORMS, found)) == ["planes", "lines"]


def test_a_direction_that_moves_biases_fails(lab: MakeLab) -> None:
    words = {"surface": ["splits=[train]", "direction.ignore=none"]}
    made = lab({"mlp": NORMED["mlp"]}, words=words)
    assert verdicts(NORMS, measure(NORMS, [made], points=3)) == ["holds", "holds", "fails"]


def test_a_direction_of_another_length_fails(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        direction_norms,
        "stored_directions",
        lambda path: {"x": {name: 1.001 * part for name, part in directions(path)["x"].items()}},
    )
    made = lab({"mlp": NORMED["mlp"]}, seed=1, words=TRAIN)
    assert verdicts(NORMS, measure(NORMS, [made], points=3)) == ["fails", "fails", "holds"]
