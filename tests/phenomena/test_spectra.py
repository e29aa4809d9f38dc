"""Spectra that are made up, so that what is read off them is known; rises of a network's loss, by hand."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.curvature.dense import dense_hessian, objective_at
from landscape_cli.data.load import Split
from landscape_cli.store import Spectra, Surface
from landscape_cli.store.table import Table
from made_lab import MadeLab, drawn, made_surface, measure, verdicts

torchs_own = pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated")


def stored(*spectra: np.ndarray) -> Surface:
    """A file with all eigenvalues at so many epochs."""
    values = np.sort(np.stack(spectra), axis=1)
    none = np.empty((len(values), 0, 0))
    found = Spectra(
        "hessian", True, None, [values.shape[1]], values, np.zeros_like(values), nodes=none, weights=none
    )
    file = made_surface({"train/loss": lambda x: 0 * x}, np.arange(float(len(values))))
    return dataclasses.replace(file, spectrum=found)


def lab_with_epochs(
    losses: Mapping[str, float], computed: Callable[[Sequence[str], Sequence[str]], Surface], seed: int
) -> MadeLab:
    """A lab whose runs kept three epochs, the second with this training loss."""
    columns = {run: {"epoch": [0, 1, 2], "train_loss": [2.3, loss, 1e-4]} for run, loss in losses.items()}
    made = MadeLab(columns, computed, seed=seed)
    for run in made.runs.values():
        object.__setattr__(run, "epochs", lambda: [0, 1, 2])
    return made


def trained(outliers: int, bulk: int = 500, least: float = -0.01, near: float = 1e-5) -> np.ndarray:
    """A bulk within `near` of zero, one negative eigenvalue and so many outliers from 1 to 5."""
    return np.concatenate([np.linspace(0, near, bulk), [least], np.linspace(1, 5, outliers)])


RUNS = ("ten classes", "five classes", "twice the width")


def init_end(start: tuple[float, float] = (-1.0, 2.0), **ends: np.ndarray) -> list[str]:
    """The verdicts on spectra of the three runs, ten, five and wide, that start even between two ends."""
    spectra = {
        RUNS[0]: ends.get("ten", trained(10)),
        RUNS[1]: ends.get("five", trained(5)),
        RUNS[2]: ends.get("wide", trained(10, bulk=1000)),
    }

    def computed(names: Sequence[str], words: Sequence[str]) -> Surface:
        assert list(words) == ["epoch=init,1"]
        end = spectra[names[0]]
        return stored(np.linspace(*start, len(end)), end)

    labs = [lab_with_epochs(dict.fromkeys(RUNS, 0.1), computed, seed) for seed in range(3)]
    found = measure("hessian-spectrum-init-end", labs)
    assert found[0]["outliers"][RUNS[0]] == (10 if "ten" not in ends else found[0]["outliers"][RUNS[0]])
    picture = drawn("hessian-spectrum-init-end", found)["spectrum"]
    assert [len(axes.get_lines()) for axes in picture.axes] == [2, 3]
    return verdicts("hessian-spectrum-init-end", found)


def test_each_claim_of_start_and_end_holds_and_fails() -> None:
    holds = ["holds"] * 9
    assert init_end() == holds

    def failing(*places: int) -> list[str]:
        return ["fails" if place in places else "holds" for place in range(9)]

    assert init_end(start=(-3, 2)) == failing(0)
    assert init_end(start=(0.1, 2)) == failing(1)
    assert init_end(ten=trained(10, least=-1.0)) == failing(2)
    assert init_end(ten=trained(10, bulk=20)) == failing(3)
    assert init_end(ten=trained(14), wide=trained(14, bulk=1000)) == failing(4)
    assert init_end(five=trained(8)) == failing(5)
    assert init_end(wide=trained(10, bulk=300)) == failing(6)
    assert init_end(wide=trained(12, bulk=1000)) == failing(7)
    assert init_end(five=trained(10)) == failing(5, 8)


def versus(small: np.ndarray, large: np.ndarray, losses: tuple[float, float] = (0.03, 0.03)) -> list[str]:
    """The verdicts on the spectra after small and large batches, at checkpoints of these losses."""
    spectra = {"small batches": small, "large batches": large}
    asked: list[Sequence[str]] = []

    def computed(names: Sequence[str], words: Sequence[str]) -> Surface:
        asked.append(words)
        return stored(spectra[names[0]])

    made = [lab_with_epochs(dict(zip(spectra, losses, strict=True)), computed, seed) for seed in range(3)]
    found = measure("hessian-outliers-vs-batch", made)
    assert set(map(tuple, asked)) == {("epoch=1",)}
    assert [len(axes.get_lines()) for axes in drawn("hessian-outliers-vs-batch", found)["outliers"].axes] == [
        2,
        2,
    ]
    return verdicts("hessian-outliers-vs-batch", found)


def test_each_claim_of_batch_sizes_holds_and_fails() -> None:
    small = trained(10)
    larger = np.where(small > 0.5, 1.5 * small, small)
    assert versus(small, larger) == ["holds"] * 6
    assert versus(larger, small) == ["fails", "fails", "holds", "holds", "holds", "holds"]
    one = np.where(small == 1, 0.9, larger)
    assert versus(small, one) == ["fails", "holds", "holds", "holds", "holds", "holds"]
    bulk = np.where(small > 0.5, larger, 3 * small)
    assert versus(small, bulk) == ["holds", "holds", "fails", "fails", "holds", "holds"]
    assert versus(small, trained(12) * 1.5)[4] == "fails"
    assert versus(small, larger, (0.03, 0.04))[5] == "fails"


class NoiseLab(MadeLab):
    """A lab whose table of noise has these columns."""

    def __init__(self, share: Sequence[float], overlap: Sequence[float], seed: int) -> None:
        super().__init__({"mlp": {}}, networks={"mlp": nn.Linear(30, 20)}, seed=seed)
        columns = {
            "epoch": range(len(share)),
            "k": [10] * len(share),
            "loss": np.geomspace(2, 0.01, len(share)),
            "top_share": share,
            "top_overlap": overlap,
        }
        rows = [dict(zip(columns, map(str, row), strict=True)) for row in zip(*columns.values(), strict=True)]
        self.table = Table(Path("made.csv"), list(columns), rows)

    def _tabulated(self, command: str, of: list[str], words: tuple[str, ...]) -> Table:
        assert command == "noise"
        return self.table


@pytest.mark.parametrize(
    ("share", "overlap", "expected"),
    [
        ([0.2, 0.4, 0.8, 0.9, 0.9], [0.3, 0.9, 0.9, 0.9], ["holds"] * 5),
        ([0.7, 0.4, 0.8, 0.9, 0.9], [0.3, 0.9, 0.9, 0.9], ["fails", *["holds"] * 4]),
        ([0.2, 0.9, 0.3, 0.3, 0.9], [0.9, 0.9, 0.9, 0.9], ["holds", "fails", "fails", "holds", "holds"]),
        ([0.2, 0.4, 0.6, 0.7, 0.6], [0.9, 0.9, 0.9, 0.9], ["holds", "holds", "fails", "holds", "holds"]),
        ([0.2, 0.4, 0.8, 0.9, 0.9], [0.9, 0.2, 0.2, 0.9], [*["holds"] * 4, "fails"]),
    ],
)
def test_shares_and_overlaps_are_medians_after_the_onset(
    share: list[float], overlap: list[float], expected: list[str]
) -> None:
    found = measure(
        "gradient-top-eigenspace", [NoiseLab(share, [np.nan, *overlap], seed) for seed in range(3)]
    )
    assert found[0]["chance"] == pytest.approx(10 / 620)
    assert verdicts("gradient-top-eigenspace", found) == expected
    assert len(drawn("gradient-top-eigenspace", found)["eigenspace"].axes) == 2


def network(activation: type[nn.Module], seed: int) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 6), activation(), nn.Linear(6, 3))


def lab_of(networks: Mapping[str, nn.Module], seed: int = 0) -> MadeLab:
    made = MadeLab({name: {} for name in networks}, networks=networks, seed=seed)
    random = torch.Generator().manual_seed(seed)
    split = Split(torch.randn(40, 5, generator=random), torch.arange(40) % 3)
    for name, run in made.runs.items():
        object.__setattr__(run, "config", {"loss": "cross_entropy"})
        made._data[name] = SimpleNamespace(train=split)  # type: ignore[assignment]
    return made


@torchs_own
def test_rises_are_those_of_the_loss_and_of_the_hessian() -> None:
    networks = {"ReLU": network(nn.ReLU, 0), "tanh": network(nn.Tanh, 0)}
    found = measure(
        "flatness-implies-small-barriers",
        [lab_of(networks, seed) for seed in range(3)],
        distances=[1e-3, 0.5],
        directions=200,
    )
    loss, point = objective_at(networks["tanh"], lab_of(networks).data("tanh").train, "cross_entropy")
    values, vectors = np.linalg.eigh(dense_hessian(loss, point))
    step = 0.5 * torch.from_numpy(vectors[:, -1].copy())
    rise = (loss(point + step) + loss(point - step)) / 2 - loss(point)
    assert found[0]["top"]["tanh"][1] == pytest.approx(float(rise), rel=1e-6)
    assert found[0]["random"]["tanh"][0] == pytest.approx(values.mean() * 1e-6 / 2, rel=0.2)
    assert (found[0]["largest_random"]["tanh"] >= found[0]["random"]["tanh"]).all()
    assert found[0]["least_ratio"]["tanh"] == (found[0]["top"]["tanh"] / found[0]["random"]["tanh"]).min()
    assert verdicts("flatness-implies-small-barriers", found)[2] == "holds"
    assert len(drawn("flatness-implies-small-barriers", found)["rises"].axes) == 2


def test_flat_directions_hold_and_kinks_fail() -> None:
    def seeds(ratio: float, off: float) -> list[dict[str, object]]:
        both = {"ReLU": ratio, "tanh": ratio}
        return [
            {"seed": seed, "least_ratio": both, "model_off": {"ReLU": off, "tanh": off}} for seed in range(3)
        ]

    assert verdicts("flatness-implies-small-barriers", seeds(100.0, 0.01)) == ["holds"] * 4
    assert verdicts("flatness-implies-small-barriers", seeds(10.0, 0.5)) == ["fails"] * 4
