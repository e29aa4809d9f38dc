"""Lines between initial and trained weights, and between networks: made-up barriers, and tiny networks."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store import Surface
from made_lab import MadeLab, drawn, made_surface, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "linear-interpolation-1d"
ALPHA = np.linspace(-0.5, 1.5, 101)
INITIAL, TRAINED, OTHER = 2.0, 0.1, 0.3  # losses of the networks
LABELS = ["mlp", "cnn with BatchNorm, statistics interpolated", "cnn with BatchNorm, statistics recomputed"]


def straight(alpha: Any) -> Any:
    """Fall in a straight line from the initial to the trained network's loss."""
    return np.interp(alpha, [0, 1], [INITIAL, TRAINED])


def measured(
    height: float, path: Callable[[Any], Any] = straight, recorded: float = TRAINED
) -> list[Measured]:
    """Return what is measured where lines between networks rise by a parabola of this height."""

    def line(names: Sequence[str], words: Sequence[str]) -> Surface:
        one, other = names
        if one == other:
            loss = path(ALPHA)
        else:
            loss = np.interp(ALPHA, [0, 1], [TRAINED, OTHER]) + 4 * height * ALPHA * (1 - ALPHA)
        if one.startswith("cnn") and "batchnorm=interpolate" in words:
            loss = np.where((ALPHA < -0.1) | (ALPHA > 1.1), np.inf, loss)  # of negative variances
        return made_surface({"train/loss": lambda x: np.maximum(loss, 0.01)}, ALPHA)

    ends = {"mlp": recorded, "another mlp": OTHER, "cnn with BatchNorm": recorded, "another cnn": OTHER}
    runs = {run: {"train_loss": [INITIAL, 1.0, end]} for run, end in ends.items()}
    networks = {run: nn.BatchNorm1d(2) if "cnn" in run else nn.Linear(2, 2) for run in runs}
    made = [MadeLab(runs, line, networks, seed) for seed in range(3)]
    found = measure(NAME, made)
    for lab in made:
        assert len(lab.asked) == 2 + 4  # BatchNorm's two ways
        for mode, one, other in (
            ("interpolate", "mlp", "another mlp"),
            ("recompute", "cnn with BatchNorm", "another cnn"),
        ):
            assert ("interpolate", one, one, "from_epoch=init", f"batchnorm={mode}") in lab.asked
            assert ("interpolate", one, other, "from_epoch=last", f"batchnorm={mode}") in lab.asked
    return found


def test_what_is_read_off_the_lines() -> None:
    found = measured(height=0.5, path=lambda x: straight(x) + 0.2 * (np.arange(101) % 20 == 10))[0]
    assert list(found["barrier"]) == list(found["half_way_above"]) == LABELS
    assert [*found["barrier"].values()] == pytest.approx([0.5] * 3)
    half_way = (TRAINED + OTHER) / 2 + 0.5
    assert [*found["half_way_above"].values()] == pytest.approx([half_way - OTHER] * 3)
    assert found["increases"] == {"mlp": 3}  # bumps at alpha 0.1, 0.5 and 0.9
    # those of recomputed statistics are left out
    assert found["error_at_the_ends"] == pytest.approx([0.0] * 4)


@pytest.mark.parametrize(
    ("height", "path", "recorded", "failing"),
    [
        (0.5, straight, TRAINED, []),
        (0.0, straight, TRAINED, [2, 3, 4, 5, 6, 7]),
        # above the chord, but below the higher end
        (0.05, straight, TRAINED, [5, 6, 7]),
        (0.5, straight, 1.001 * TRAINED, [0]),
        (0.5, lambda x: straight(x) + 0.2 * (np.arange(101) % 4 == 2), TRAINED, [1]),
    ],
)
def test_claims(height: float, path: Callable[[Any], Any], recorded: float, failing: Sequence[int]) -> None:
    expected = ["fails" if number in failing else "holds" for number in range(8)]
    assert verdicts(NAME, measured(height, path, recorded)) == expected


def test_the_error_at_the_ends_is_relative_and_of_each_line() -> None:
    errors = measured(0.5, recorded=0.2)[0]["error_at_the_ends"]
    assert errors == pytest.approx([0.5] * 4)  # |0.1 - 0.2| / 0.2


def test_lines_are_drawn_where_there_is_a_loss() -> None:
    pictures = drawn(NAME, measured(0.5))
    assert list(pictures) == ["lines"]
    assert [len(axes.get_lines()) - 2 for axes in pictures["lines"].axes[:2]] == [3, 3]  # and two marks


MLP = ["dataset=digits", "dataset.train_size=200", "architecture.widths=[8]", "epochs=3"]


def half_way(lab: Lab, one: str, other: str) -> float:
    """Return the loss at the mean of two networks' weights, in float64."""
    mean = lab.network(one).double()
    with torch.no_grad():
        for mine, its in zip(mean.parameters(), lab.network(other).double().parameters(), strict=True):
            mine.copy_((mine + its) / 2)
        outputs = mean(lab.data(one).train.inputs.double())
    return float(torch.nn.functional.cross_entropy(outputs, lab.data(one).train.targets))


def test_lines_between_tiny_networks_of_two_seeds(lab: MakeLab) -> None:
    runs = {
        "mlp": MLP,
        "another mlp": [*MLP, "seed=1000"],
        "with BatchNorm": [*MLP, "normalization=batch"],
        "another": [*MLP, "normalization=batch", "seed=1000"],
    }
    made = lab(runs, words={"interpolate": ["alpha=[0,1,51]", "splits=[train]"]})
    (found,) = measure(NAME, [made], pairs=[["mlp", "another mlp"], ["with BatchNorm", "another"]])
    assert max(found["error_at_the_ends"]) <= 1e-4
    assert len(found["error_at_the_ends"]) == 4
    ends = [made.metrics(run)["train_loss"][-1] for run in ("mlp", "another mlp")]
    expected = half_way(made, "mlp", "another mlp")
    assert found["loss"]["pair"]["mlp"][25] == pytest.approx(expected, rel=1e-5)
    assert found["half_way_above"]["mlp"] == pytest.approx(expected - max(ends), rel=1e-4)
    assert found["barrier"]["mlp"] >= expected - sum(ends) / 2 - 1e-6
    assert found["loss"]["path"]["mlp"][0] == pytest.approx(made.metrics("mlp")["train_loss"][0], rel=1e-5)
    assert list(drawn(NAME, [found])) == ["lines"]
