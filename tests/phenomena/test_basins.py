"""Minima of two starts: made-up networks and lines whose distances are known."""

import pytest
import torch
from torch import nn

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, made_surface, measure, verdicts

MINIMA = "different-inits-different-minima"
ALIKE, APART, BARRIER, SIGN = range(4)


def network(*weights: float) -> nn.Module:
    model = nn.Linear(2, 1, bias=False)
    model.load_state_dict({"weight": torch.tensor([weights])})
    return model


def two(
    second: float = 0.52, other: tuple[float, float] = (4.0, 3.0), height: float = 4.0, **settings: object
) -> list[Measured]:
    """Return what is found three times of (3, 4) and another network, the line between a parabola."""
    lab = MadeLab(
        {"one": {"train_loss": [2.3, 0.5]}, "other": {"train_loss": [2.3, second]}},
        computed=lambda names, words: made_surface(
            {"train/loss": lambda x: 0.5 + height * x * (1 - x)}, torch.linspace(0, 1, 21).double().numpy()
        ),
        networks={"one": network(3.0, 4.0), "other": network(*other)},
    )
    return measure(MINIMA, [lab], **settings) * 3


def failing(found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(MINIMA, found)) if verdict == "fails"}


def test_two_minima_by_hand() -> None:
    (seed, *_) = found = two(other=(0.0, 0.0))
    assert failing(found) == set()
    assert (seed["loss_off"], seed["distance"], seed["barrier"]) == pytest.approx((0.04, 1.0, 1.0))
    (picture,) = drawn(MINIMA, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [3, 6]


def test_one_minimum_is_refuted() -> None:
    assert failing(two(second=0.6, height=0.4)) == {ALIKE, APART, BARRIER}


def test_a_descent_that_does_not_arrive_or_jumps_over_is_refuted() -> None:
    assert failing(two(other=(0.0, 0.0), steps=10)) == {SIGN}
    assert failing(two(other=(0.0, 0.0), rate=1.2, steps=1)) == {SIGN}
