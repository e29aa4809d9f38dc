"""Clipping by hand, and claims that learning rates too small for it refute."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch

from landscape_cli.phenomena import clipping
from landscape_cli.phenomena.clipping import cliff, clipped
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

NAME = "gradient-clipping"
RUN = ["dataset=digits", "dataset.train_size=200", "loss=mse", "architecture.widths=[8]", "epochs=2"]
LARGE, SMALL = ["optimizer.lr=5"], ["optimizer.lr=0.01"]
NORM, DIRECTION, BELOW, TENSORS, CLIFF, KEPT, NETWORK, TRAINED = range(8)
MakeLab = Callable[..., Lab]


def test_clipped_by_hand() -> None:
    """(3, 4) and (12) have a norm of 13."""
    vector = {"a": torch.tensor([3.0, 4.0]), "b": torch.tensor([[12.0]])}
    found = clipped(vector, 6.5)
    assert found["a"].tolist() == pytest.approx([1.5, 2.0])
    assert found["b"].item() == pytest.approx(6)
    assert vector["b"].item() == 12
    assert clipped(vector, 14)["b"].item() == 12


def test_the_first_steps_on_the_cliff_by_hand() -> None:
    """Of w^3 from 2: the slope is 7 * 3 * 4 = 84."""
    w = 2 - 0.01 * 84
    assert cliff(2, 3, 0.01, 1, math.inf) == pytest.approx([49 / 2, (w**3 - 1) ** 2 / 2])
    assert cliff(2, 3, 0.01, 1, 0.5) == pytest.approx([49 / 2, (1.995**3 - 1) ** 2 / 2])
    assert np.isnan(cliff(2, 30, 1, 9, math.inf)[-1])


def measured(lab: MakeLab, lr: list[str] = LARGE, **settings: object) -> list[Measured]:
    """Return what one seed gives, three times."""
    runs = {"clipped": [*RUN, *lr, "clip_grad_norm=0.01"], "unclipped": [*RUN, *lr]}
    return measure(NAME, [lab(runs)], **settings) * 3


def failing(found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(NAME, found)) if verdict == "fails"}


def test_all_holds(lab: MakeLab) -> None:
    found = measured(lab)
    assert failing(found) == set()
    (picture,) = drawn(NAME, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [1, 2, 2]


def test_small_steps_refute_that_gradients_must_be_clipped(lab: MakeLab) -> None:
    assert failing(measured(lab, SMALL, rate=1e-12)) == {CLIFF, NETWORK}


def test_other_ways_to_clip_are_refuted(lab: MakeLab, monkeypatch: pytest.MonkeyPatch) -> None:
    def elementwise(vector: clipping.Vector, threshold: float) -> clipping.Vector:
        return {name: part.clamp(-threshold / 20, threshold / 20) * 9 for name, part in vector.items()}

    monkeypatch.setattr(clipping, "clipped", elementwise)
    assert failing(measured(lab)) >= {NORM, DIRECTION, BELOW}
    monkeypatch.setattr(clipping, "clipped", lambda vector, threshold: vector)
    assert failing(measured(lab)) >= {NORM, TENSORS}


def test_clipping_that_does_not_suffice_is_refuted(lab: MakeLab) -> None:
    assert failing(measured(lab, ["optimizer.lr=100000"], threshold=1e9)) == {KEPT, TRAINED}
