"""Random lines, planes and slices: against closed forms, and claims that wrong inputs refute."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.phenomena import slices
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.claims import judge
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.store import Surface, directions
from made_lab import MadeLab, drawn, made_surface, measure, verdicts
from tests.phenomena.conftest import MakeLab

LINE, PLANE = "line-projection-init-and-trained", "plane-projection-random"
CERTIFICATES = "line-slice-certificates"
TINY = ["dataset=digits", "dataset.train_size=100", "dataset.test_size=50", "batch_size=20"]
NORMALIZED = ["direction.norm=layer", "direction.ignore=none"]
X = np.linspace(-0.3, 0.3, 31)


def test_a_direction_has_the_norm_of_each_tensor_biases_included() -> None:
    model = nn.Linear(6, 4)
    direction = slices._direction(model, 3)
    for name, parameter in model.named_parameters():
        assert float(direction[name].norm()) == pytest.approx(float(parameter.detach().norm()), rel=1e-5)


RUNS = ("no dropout", "dropout 0.2")
METRICS = {"train_loss": 0.4, "test_loss": 0.5, "train_accuracy": 0.9, "test_accuracy": 0.8}


def lines(
    monkeypatch: pytest.MonkeyPatch,
    trained: Mapping[str, float] | None = None,
    initial: Mapping[str, float] | None = None,
    slope: float = 0.1,
    recorded: Sequence[Mapping[str, float]] = ({}, {}, {}),
    scale: str = "small",
) -> list[Measured]:
    """Return what is measured on lines with a loss at 0, at both ends, and a lowest place, and on slopes.

    The slope at the initial weights is 1; `recorded` is what training recorded, seed by seed.
    """
    looks = {
        "epoch=last": {"at": 0.4, "left": 0.5, "right": 0.6, "lowest": 0.02, **(trained or {})},
        "epoch=init": {"at": math.log(10), "left": 3.0, "right": 3.0, "lowest": -0.3, **(initial or {})},
    }

    def line(names: Sequence[str], words: Sequence[str]) -> Surface:
        (word,) = words
        look = looks[word]
        losses = np.full(31, 9.0)
        losses[np.abs(X - look["lowest"]).argmin()] = 0.01
        losses[[0, -1]] = np.minimum(losses[[0, -1]], [look["left"], look["right"]])
        losses[15] = min(losses[15], look["at"])
        return made_surface({"train/loss": lambda x: losses, "test/loss": lambda x: losses + 0.1}, X)

    monkeypatch.setattr(slices, "_rms_slope", lambda lab, run, epoch, count: {"init": 1.0}.get(epoch, slope))
    made = [
        MadeLab(
            {run: {key: [0.0, value] for key, value in {**METRICS, **values}.items()} for run in RUNS},
            line,
            seed=seed,
        )
        for seed, values in enumerate(recorded)
    ]
    return measure(LINE, made, scale)


def test_what_is_read_off_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    (seed, *_) = lines(monkeypatch)
    expected = {
        "trained_lowest_at": 0.02,
        "trained_rise_to_the_ends": 0.1,
        "initial_lowest_at": 0.3,
        "initial_off_ln_10": 0.0,
        "loss_ratio": math.log(10) / 0.4,
        "slope_ratio": 10.0,
        "generalization_gap": 0.1,
        **METRICS,
    }
    for name, value in expected.items():
        assert seed[name] == {run: pytest.approx(value, abs=1e-12) for run in RUNS}
    assert seed["line"]["dropout 0.2"]["trained"]["test"][15] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("number", "values"),
    [
        (None, {}),
        (0, {"trained": {"lowest": -0.1}}),
        (1, {"trained": {"left": 0.3}}),
        (2, {"initial": {"lowest": 0.04}}),
        (3, {"initial": {"at": 2.0}}),
        (4, {"trained": {"at": 1.0, "left": 2.0, "right": 2.0}}),
        (5, {"slope": 0.3}),
        (6, {"recorded": [{"test_loss": 0.3}] * 3}),
    ],
)
def test_what_refutes_a_claim_of_lines(
    monkeypatch: pytest.MonkeyPatch, number: int | None, values: dict[str, Any]
) -> None:
    expected = [verdict for k in range(7) for verdict in ["fails" if k == number else "holds"] * 2]
    assert verdicts(LINE, lines(monkeypatch, **values)) == expected


def test_beside_the_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    recorded = [
        {"train_loss": loss, "train_accuracy": 0.5 + loss, "test_loss": 0.36 + loss, "test_accuracy": 0.8716}
        for loss in (0.28, 0.30, 0.32)
    ]
    found = lines(monkeypatch, recorded=recorded, scale="paper")
    claims = judge(phenomenon(LINE).scale("paper"), found)[14:]
    assert all(claim.soft for claim in claims)
    near, off, far, none = claims[:4]
    assert (near.relation, near.threshold) == ("<=", 3.0)
    assert near.values == pytest.approx([0.75, 0.25, 1.25])
    # 0.8 is five standard deviations off
    assert off.values == pytest.approx([abs(0.5 + loss - 0.8931) / 0.02 for loss in (0.28, 0.30, 0.32)])
    assert far.values == pytest.approx([14.0, 15.0, 16.0])
    assert none.defined == []  # all alike and equal to it: 0 / 0
    assert [claim.verdict for claim in claims[:4]] == ["holds", "fails", "fails", "undecided"]
    assert claims[0].text.startswith("train_loss/no dropout is the notebook's")


def test_lines_are_drawn_run_by_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(drawn(LINE, lines(monkeypatch))) == ["line_no_dropout", "line_dropout_0.2"]


def test_the_line_of_a_tiny_run(lab: MakeLab) -> None:
    words = {"surface": ["y=null", "x=[-1e-2,1e-2,3]", *NORMALIZED]}
    made = lab({"mlp": [*TINY, "epochs=2", "architecture.activation=tanh"]}, words=words)
    slope = slices._rms_slope(made, "mlp", "last", 1)  # of the direction that is drawn
    line = made.surface("mlp", "epoch=last")
    losses = line.values["train/loss"]
    assert abs(losses[2] - losses[0]) / 2e-2 == pytest.approx(slope, rel=0.02)
    stored, own = directions(line.path)["x"], slices._direction(made.network("mlp"), 0)
    assert stored.keys() == own.keys()
    assert all(np.array_equal(stored[name], own[name].numpy()) for name in own)

    model, split = made.network("mlp").double(), made.data("mlp").train
    nn.functional.cross_entropy(model(split.inputs.double()), split.targets).backward()
    squares = [
        sum(
            float((parameter.grad * slices._direction(made.network("mlp"), number)[name]).sum())
            for name, parameter in model.named_parameters()
            if parameter.grad is not None
        )
        ** 2
        for number in range(3)
    ]
    several = slices._rms_slope(made, "mlp", "last", 3)
    assert several == pytest.approx(math.sqrt(sum(squares) / 3), rel=1e-4)
    (found,) = measure(LINE, [made], directions=2)
    assert found["line"]["mlp"]["trained"]["train"].tolist() == losses.tolist()
    assert found["train_accuracy"]["mlp"] == made.metrics("mlp")["train_accuracy"][-1]
    expected = slices._rms_slope(made, "mlp", "init", 2) / slices._rms_slope(made, "mlp", "last", 2)
    assert found["slope_ratio"]["mlp"] == pytest.approx(expected)


@pytest.mark.parametrize("name", [LINE, PLANE])
def test_directions_of_surfaces_are_normalized_tensor_by_tensor(name: str) -> None:
    for scale in phenomenon(name).scales.values():
        assert set(NORMALIZED) <= set(scale.words["surface"])


def planes(
    trained: int = 0, initial: int = 3, seeds: Sequence[int] = (0, 1, 2), pairs: int = 100
) -> list[Measured]:
    """Return what is measured on planes that are lowest so many cells from their centres."""
    axis = np.linspace(-0.3, 0.3, 9)
    cells = {"epoch=last": trained, "epoch=init": initial}

    def plane(names: Sequence[str], words: Sequence[str]) -> Surface:
        losses = np.ones((9, 9))
        losses[4 + cells[words[0]], 4 - 1] = 0.5
        if cells[words[0]] == 0:
            losses[4, 4] = 0.4
        values = {"train/loss": lambda x, y: losses, "test/loss": lambda x, y: losses}
        return made_surface(values, axis, axis)

    torch.manual_seed(0)
    networks = {"cnn": nn.Linear(30, 20)}
    made = [MadeLab({"cnn": {}}, plane, networks, seed) for seed in seeds]
    return measure(PLANE, made, pairs=pairs, sizes=[30, 3000])


def test_what_is_measured_on_a_plane() -> None:
    (seed,) = planes(trained=2, seeds=[1])
    assert seed["rank"] == {"initial": 2, "trained": 2}
    assert seed["cells_from_the_centre"] == {"initial": 3, "trained": 2}
    assert seed["parameters"] == 620
    # the angles of the pairs 100, 101, … of this seed, in loops
    params = {"weight": torch.zeros(20, 30), "bias": torch.zeros(20)}
    cosines = []
    for number in range(100, 200):
        one, other = (
            np.concatenate([part.double().flatten().numpy() for part in vector.values()])
            for vector in slices._pair(params, number, "none")
        )
        cosines.append(abs(one @ other) / math.sqrt((one @ one) * (other @ other)))
    expected = math.sqrt(2 / (math.pi * 620))
    assert seed["mean_cosine"]["none"] == pytest.approx(np.mean(cosines), rel=1e-5)
    assert seed["expected_cosine"]["none"] == pytest.approx(expected)
    error = np.std(cosines, ddof=1) / 10
    assert seed["off_expected"] == pytest.approx(abs(np.mean(cosines) - expected) / error, rel=1e-4)
    slope = np.polyfit(np.log([30, 3000]), np.log(seed["mean_cosine_by_size"]), 1)[0]
    assert seed["off_minus_a_half"] == pytest.approx(abs(slope + 0.5))


def test_what_planes_claim() -> None:
    assert verdicts(PLANE, planes()) == ["holds"] * 5


@pytest.mark.parametrize(
    ("trained", "initial", "expected"),
    [(2, 3, ["holds", "holds"]), (3, 3, ["fails", "holds"]), (0, 2, ["holds", "fails"])],
)
def test_where_planes_are_lowest(trained: int, initial: int, expected: list[str]) -> None:
    assert verdicts(PLANE, planes(trained, initial, pairs=2))[1:3] == expected


def test_directions_that_are_one_direction_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = slices._pair
    monkeypatch.setattr(slices, "_pair", lambda *words: (pair(*words)[0], pair(*words)[0]))
    found = planes()
    assert across(found, "rank/trained").tolist() == [1, 1, 1]
    assert verdicts(PLANE, found) == ["fails", "holds", "holds", "fails", "fails"]


def test_the_exponent_is_that_of_a_power(monkeypatch: pytest.MonkeyPatch) -> None:
    def cosines(params: Mapping[str, torch.Tensor], kind: str, seed: int, pairs: int) -> Any:
        p = sum(tensor.numel() for tensor in params.values())
        return 3 * p ** (-0.5 - 0.25 * seed) * np.linspace(0.9, 1.1, pairs)

    monkeypatch.setattr(slices, "_cosines", cosines)
    found = planes()
    np.testing.assert_allclose(across(found, "off_minus_a_half"), [0.0, 0.25, 0.5], atol=1e-12)
    assert verdicts(PLANE, found)[3:] == ["fails", "fails"]


def test_planes_are_drawn() -> None:
    pictures = ["planes_train", "planes_test", "contours_initial", "contours_trained", "angles"]
    assert list(drawn(PLANE, planes(seeds=[0, 1], pairs=2))) == pictures


def test_the_plane_of_a_tiny_run(lab: MakeLab) -> None:
    words = {"surface": ["x=[-0.3,0.3,5]", "y=[-0.3,0.3,5]", "samples=50", *NORMALIZED]}
    made = lab({"cnn": [*TINY, "epochs=2", "architecture.widths=[8]"]}, words=words)
    (found,) = measure(PLANE, [made], pairs=20, sizes=[50, 500])
    assert found["rank"] == {"initial": 2, "trained": 2}
    for word, plane in found["plane"].items():
        row, column = np.unravel_index(plane.values["train/loss"].argmin(), (5, 5))
        assert found["cells_from_the_centre"][word] == max(abs(row - 2), abs(column - 2))
    stored = directions(found["plane"]["trained"].path)
    drawn_there = slices._pair(dict(made.network("cnn").named_parameters()), 0, "layer")
    for axis, direction in zip("xy", drawn_there, strict=True):
        assert all(np.array_equal(stored[axis][name], direction[name].numpy()) for name in direction)


@pytest.fixture(scope="module")
def certified(lab: MakeLab) -> list[Lab]:
    once = [*TINY, "epochs=1"]
    runs = {"softmax regression": [*once, "architecture.widths=[]"], "mlp": once}
    return [lab(runs, seed) for seed in range(3)]


def swapped(made: Lab) -> MadeLab:
    """Return a lab in which each of two runs goes by the other's name."""
    names = list(made.runs)
    other = dict(zip(names, reversed(names), strict=True))

    class Swapped(MadeLab):
        def network(self, name: str, epoch: object = "last") -> nn.Module:
            return made.network(other[name], epoch)

        def data(self, name: str) -> Any:
            return made.data(other[name])

    return Swapped({name: {} for name in names}, seed=made.seed)


def certificates(labs: Sequence[Lab]) -> list[Measured]:
    return measure(CERTIFICATES, labs, slices=10, points=9)


def test_slices_of_a_convex_and_of_another_loss(certified: list[Lab]) -> None:
    found = certificates(certified)
    assert verdicts(CERTIFICATES, found) == ["holds"] * 4
    assert list(drawn(CERTIFICATES, found)) == ["slices"]
    # beside a network that is moved in float64
    made, x = certified[1], found[1]["x"]
    for run, epochs in found[1]["loss"].items():
        least = []
        for word, losses in epochs.items():
            split, epoch = made.data(run).train, slices.EPOCHS[word]
            direction = slices._direction(made.network(run, epoch).double(), 2)
            line = []
            for alpha in x:
                model = made.network(run, epoch).double()
                with torch.no_grad():
                    for name, parameter in model.named_parameters():
                        parameter.add_(direction[name].double(), alpha=float(alpha))
                    outputs = model(split.inputs.double())
                line.append(float(nn.functional.cross_entropy(outputs, split.targets)))
            np.testing.assert_allclose(losses[2], line, rtol=1e-9)
            differences = losses[:, 2:] - 2 * losses[:, 1:-1] + losses[:, :-2]
            least.append(differences.min())
            nonconvex = (differences.min(axis=1) < -1e-6).sum()
            assert found[1]["nonconvex_slices"][run][word] == nonconvex
        assert found[1]["least_second_difference"][run] == pytest.approx(min(least), rel=1e-6, abs=1e-12)
    assert found[1]["decrease"] == pytest.approx(1.0, abs=0.05)


def test_an_mlp_that_is_taken_for_convex_is_refuted(certified: list[Lab]) -> None:
    found = certificates([swapped(made) for made in certified])
    assert verdicts(CERTIFICATES, found) == ["holds", "fails", "fails", "fails"]


@pytest.mark.parametrize(("least", "count"), [(-0.9e-6, 0), (-1.1e-6, 10)])
def test_what_is_negative_by_rounding_alone_is_convex(
    certified: list[Lab], monkeypatch: pytest.MonkeyPatch, least: float, count: int
) -> None:
    monkeypatch.setattr(slices, "second_differences", lambda line: np.array([1.0, least]))
    (found,) = certificates(certified[:1])
    assert found["nonconvex_slices"]["mlp"] == {"initial": count, "trained": count}


def test_a_step_uphill_is_refuted(certified: list[Lab], monkeypatch: pytest.MonkeyPatch) -> None:
    downhill = slices.gradient
    monkeypatch.setattr(
        slices, "gradient", lambda *words: {name: -part for name, part in downhill(*words).items()}
    )
    assert verdicts(CERTIFICATES, certificates(certified[:1]))[0] == "fails"
