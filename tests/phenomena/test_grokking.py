"""Grokking: when curves count as fitted and generalized, and each claim made to fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Dataset, Split
from landscape_cli.phenomena import grokking
from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.measured import Measured
from landscape_cli.store import Surface
from made_lab import MadeLab, MadeRun, drawn, made_surface, measure, verdicts

NAME = "grokking"
SETTINGS = phenomenon(NAME).scale("small").settings
RUNS = list(phenomenon(NAME).scale("small").runs)
QUICK = {"samples": 20, "lanczos": 12, "frames": 3}
STEPS = [0.0, 10, 20, 40, 80, 160, 320]
EPOCHS = [0.0, 1, 2, 4, 8, 16, 32]


@dataclass(frozen=True)
class KeptRun(MadeRun):
    """A run that has kept all its epochs."""

    def epochs(self) -> list[int]:
        """Return them."""
        return [int(epoch) for epoch in EPOCHS]


def plane(names: Sequence[str], words: Sequence[str]) -> Surface:
    places = np.linspace(-1, 1, 5)
    height = 1.0 + float(words[0].partition("=")[2])
    loss = {f"{split}/loss": lambda x, y: height * (1 + x**2 + y**2) for split in ("train", "test")}
    return made_surface(loss, places, places)


def columns(test_at: float, train_at: float) -> dict[str, list[float]]:
    """Return curves that reach all equations at these steps; their test loss has its peak at step 40."""
    return {
        "epoch": EPOCHS,
        "step": STEPS,
        "train_accuracy": [float(step >= train_at) for step in STEPS],
        "test_accuracy": [float(step >= test_at) for step in STEPS],
        "train_loss": [1 / (1 + step) for step in STEPS],
        "test_loss": [3.0, 3.5, 4.0, 5.0, 2.0, 1.0, 0.5],
        "weight_norm": [1.0] * len(STEPS),
    }


class GrokkingLab(MadeLab):
    """A lab whose runs generalize at these steps, in the order of the record's runs."""

    def __init__(self, test_at: Sequence[float], seed: int = 0, train_at: float = 10) -> None:
        torch.manual_seed(seed)
        made = {name: columns(at, train_at) for name, at in zip(RUNS, test_at, strict=True)}
        model = nn.Linear(3, 3)
        super().__init__(made, plane, networks=dict.fromkeys(made, model), seed=seed)
        self.runs = {name: KeptRun(Path(name), values) for name, values in made.items()}  # type: ignore[misc]
        split = Split(torch.randn(30, 3), torch.arange(30) % 3)
        self._data = dict.fromkeys(made, Dataset("made", split, split, 3, (3,), torch.zeros(3), ""))


GENERALIZES = [160.0, 80.0, 40.0, 320.0, 320.0, 320.0]


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, [GrokkingLab(GENERALIZES, seed) for seed in range(3)], **QUICK)


def test_steps_are_those_of_the_first_row_with_the_accuracy(found: list[Measured]) -> None:
    for seed in found:
        assert [seed["fitted"][run] for run in RUNS] == [10] * len(RUNS)
        assert [seed["generalized"][run] for run in RUNS] == GENERALIZES
        assert seed["delay"] == 16
        assert (seed["test_loss_rise"], seed["test_loss_fall"]) == (5 / 3, 0.1)
        assert seed["before"] == 4
        assert [*seed["frame"]] == ["0", "4", "32"]


def test_what_is_never_reached_counts_as_the_last_step() -> None:
    (seed,) = measure(NAME, [GrokkingLab([1000.0] * len(RUNS), train_at=1000)], **QUICK)
    assert [*seed["fitted"].values()] == [*seed["generalized"].values()] == [320.0] * len(RUNS)
    assert seed["delay"] == 1


def test_the_spectrum_is_that_of_the_whole_hessian(found: list[Measured]) -> None:
    lab = GrokkingLab(GENERALIZES, seed=2)
    split = lab.data(RUNS[0]).train
    at, point = objective_at(
        lab.network(RUNS[0]), Split(split.inputs[:20], split.targets[:20]), "cross_entropy"
    )
    eigenvalues = np.linalg.eigvalsh(dense_hessian(at, point))
    for word in ("before", "after"):
        assert found[2]["spectrum"][word]["nodes"][0, -1] == pytest.approx(eigenvalues[-1], rel=1e-4)
    assert found[2]["sharpness_after_over_before"] == pytest.approx(1, rel=1e-4)


@pytest.mark.parametrize(
    ("values", "claims"),
    [
        ({}, []),
        ({"delay": 9.0}, [0]),
        ({"generalizes": dict.fromkeys(SETTINGS["fractions"], 0.9)}, [1]),
        ({"fits": dict.fromkeys(RUNS, 0.9)}, [2]),
        ({"fraction_order": 0.5}, [3]),
        ({"undecayed_over_decayed": 0.9}, [4]),
        ({"noncommutative_over_commutative": 0.9}, [5]),
        ({"test_loss_rise": 0.9}, [6]),
        ({"test_loss_fall": 1.1}, [7]),
        ({"sharpness_after_over_before": 1.1}, [8]),
    ],
)
def test_each_claim_can_hold_and_fail(
    found: list[Measured], values: dict[str, Any], claims: list[int]
) -> None:
    seeds = [{**seed, "sharpness_after_over_before": 0.5, **values} for seed in found]
    names = [claim.partition(" ")[0] for claim in phenomenon(NAME).scale("small").claims]
    assert len(names) == 9
    each = verdicts(NAME, seeds)
    lines = [0, *[1] * len(SETTINGS["fractions"]), *[2] * len(RUNS), 3, 4, 5, 6, 7, 8]
    assert each == ["fails" if line in claims else "holds" for line in lines]


def test_pictures(found: list[Measured]) -> None:
    pictures = drawn(NAME, found)
    assert [*pictures] == ["curves", "delays", "planes", "film", "spectra"]
    accuracy, loss = pictures["curves"].axes
    assert len(accuracy.get_lines()) == len(loss.get_lines()) == 2 * 2 * len(found)
    assert [axes.get_title() for axes in pictures["planes"].axes[:3]] == ["step 0", "step 40", "step 320"]
    assert len(pictures["film"]) == 3
    assert grokking._step_of(found[0], RUNS[0], 8) == 80
