"""How soon made-up networks train; claims that other losses refute."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from landscape_cli.phenomena import rectifiers
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

NAME = "he-vs-xavier-22-30-layers"
REACHED, SOONER, STALLED, TRAINED, NOT_SMALL, NOT_LARGE = range(6)
MakeLab = Callable[..., Lab]
USUAL = {
    "he 22": [2.5, 0.9, 0.01],
    "xavier 22": [2.3, 2.3, 0.9],
    "he 30": [2.5, 2.0, 0.02],
    "xavier 30": [2.3, 2.3, 2.3],
}


def made(
    monkeypatch: pytest.MonkeyPatch, gradients: Sequence[float] = (1.0, 1.0), **losses: list[float]
) -> list[Measured]:
    """Return what is found three times of these losses at steps 0, 60, 120."""
    monkeypatch.setattr(rectifiers, "_by_layer", lambda lab, run: np.array(gradients))
    columns = {**USUAL, **{name.replace("_", " "): each for name, each in losses.items()}}
    lab = MadeLab({name: {"train_loss": each, "step": [0, 60, 120]} for name, each in columns.items()})
    return measure(NAME, [lab]) * 3


def failing(found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(NAME, found)) if verdict == "fails"}


def test_all_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    found = made(monkeypatch)
    assert failing(found) == set()
    assert dict(found[0]["steps"]) == {"he": 60, "xavier": 120}
    assert found[0]["he_minus_xavier"] == -60
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [2, 2, 4]


@pytest.mark.parametrize(
    ("losses", "failed"),
    [
        ({"xavier_22": [2.3, 2.3, 2.3]}, {REACHED}),
        ({"he_22": [2.5, 2.3, 2.3]}, {SOONER}),
        ({"he_22": [2.5, 2.3, 0.9]}, {SOONER}),
        ({"xavier_30": [2.3, 2.3, 2.2]}, {STALLED}),
        ({"he_30": [2.5, 2.3, 1.6]}, {TRAINED}),
    ],
)
def test_other_losses_refute(
    monkeypatch: pytest.MonkeyPatch, losses: dict[str, list[float]], failed: set[int]
) -> None:
    assert failing(made(monkeypatch, **losses)) == failed


@pytest.mark.parametrize(("gradients", "failed"), [((0.2, 1), {NOT_SMALL}), ((4, 1), {NOT_LARGE})])
def test_other_gradients_refute(
    monkeypatch: pytest.MonkeyPatch, gradients: tuple[float, float], failed: set[int]
) -> None:
    assert failing(made(monkeypatch, gradients)) == failed


def test_gradients_of_layers(lab: MakeLab) -> None:
    """One a layer; of a network of zeros all are 0."""
    runs = {"run": ["dataset=digits", "architecture.widths=[4,4]", "init=zeros", "epochs=0"]}
    assert rectifiers._by_layer(lab(runs), "run").tolist() == [0, 0, 0]
    runs = {"run": ["dataset=digits", "architecture.widths=[4]", "init=constant", "epochs=0"]}
    found = rectifiers._by_layer(lab(runs), "run")
    assert found.shape == (2,)
    assert (found > 0).all()
