"""Equal weights, one unit that stands for them, and scales; claims that other starts refute."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import nn

from landscape_cli.phenomena.starts import one_unit, row_spread
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured
from made_lab import drawn, measure, verdicts

MakeLab = Callable[..., Lab]
SYMMETRY, SCALE = "symmetry-constant-init", "small-large-init"
TINY = ["dataset=digits", "dataset.train_size=200", "architecture.widths=[8,6]"]
FULL = [*TINY, "batch_size=full", "epochs=40", "evaluate_every=40", "optimizer.lr=0.03"]
MOVED, MAJORITY, SPREAD, RANK, ONE_UNIT, GAINED = (range(start, start + 2) for start in range(0, 12, 2))
POWER, *STUCK, SATURATED, BLOWN, LEAST, MOST, WITHIN = range(9)


def failing(name: str, found: list[Measured]) -> set[int]:
    return {place for place, verdict in enumerate(verdicts(name, found)) if verdict == "fails"}


def test_the_spread_and_the_single_unit_by_hand() -> None:
    """Units of weights (1, 2), (1, 2.5) and biases 3, 3.25 differ by 0.5; one unit is the first."""
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).double()
    model.load_state_dict(
        {
            "0.weight": torch.tensor([[1.0, 2.0], [1.0, 2.5]]),
            "0.bias": torch.tensor([3.0, 3.25]),
            "2.weight": torch.tensor([[5.0, 7.0]]),
            "2.bias": torch.tensor([1.0]),
        }
    )
    assert row_spread(model) == 0.5
    single = one_unit(model)
    x = torch.tensor([[1.0, 1.0]]).double()
    assert single(x).item() == 12 * 6 + 1
    assert model(x).item() == 5 * 6 + 7 * 6.75 + 1


def symmetry(
    lab: MakeLab, zero: str = "init=zeros", constant: str = "init=constant", random: str = "init=default"
) -> list[Measured]:
    """Return what one seed gives, three times."""
    starts = {"zero": zero, "constant": constant, "random": random}
    runs = {
        f"{start}, {kind}": [*FULL, word, f"architecture.activation={kind}"]
        for start, word in starts.items()
        for kind in ("relu", "tanh")
    }
    return measure(SYMMETRY, [lab(runs)], steps=20) * 3


def test_symmetry_holds(lab: MakeLab) -> None:
    found = symmetry(lab)
    assert failing(SYMMETRY, found) == set()
    (picture,) = drawn(SYMMETRY, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [6, 2]


def test_random_weights_refute_symmetry_and_constant_ones_that_they_break_it(lab: MakeLab) -> None:
    found = symmetry(lab, zero="init=default", constant="init=default", random="init=constant")
    assert failing(SYMMETRY, found) == {*MOVED, *MAJORITY, *SPREAD, *RANK, *ONE_UNIT, *GAINED}


def scales(
    lab: MakeLab,
    tanh: float = 10,
    stds: tuple[float, ...] = (0.001, 0.01, 0.1, 0.3, 1, 3, 10),
    **settings: int,
) -> list[Measured]:
    """Return what one seed gives, three times, of two hidden layers; He's sigma is that of 64 inputs."""
    names, he = ("x0.001", "x0.01", "x0.1", "x0.3", "x1", "x3", "x10"), math.sqrt(2 / 64)
    words = ["dataset=digits", "dataset.train_size=200", "architecture.widths=[64,64]", "batch_size=full"]
    runs = {
        name: [*words, "init=normal", f"init.std={std * he:g}", "epochs=2"]
        for name, std in zip(names, stds, strict=True)
    }
    runs["tanh"] = [
        *words,
        "init=normal",
        f"init.std={tanh * he:g}",
        "architecture.activation=tanh",
        "epochs=0",
    ]
    return measure(SCALE, [lab(runs)], **{"layers": 2, **settings}) * 3


def test_scales(lab: MakeLab) -> None:
    """Two layers and two steps, which are too few: what is claimed of many layers and steps fails."""
    found = scales(lab)
    assert failing(SCALE, found) - {MOST, LEAST, WITHIN} == {*STUCK, BLOWN}
    (picture,) = drawn(SCALE, found).values()
    assert [len(axes.get_lines()) for axes in picture.axes] == [1, 1, 3]
    (seed, *_) = found
    assert seed["steps_stuck"]["x0.001"] == 2
    assert seed["deviation"][1] / seed["deviation"][0] == pytest.approx(100, rel=1e-4)


def test_small_tanh_and_another_depth_refute(lab: MakeLab) -> None:
    assert failing(SCALE, scales(lab, tanh=0.1, layers=3)) >= {POWER, SATURATED}


@pytest.mark.parametrize(
    ("scale", "above", "failed"), [(0.1, 9, {LEAST}), (10, 0, {MOST, WITHIN}), (1, 9, set())]
)
def test_where_the_best_scale_lies(lab: MakeLab, scale: float, above: float, failed: set[int]) -> None:
    found = [{**seed, "best_scale": scale, "best_minus_ends": above} for seed in scales(lab)]
    assert failing(SCALE, found) == {*STUCK, BLOWN, *failed}
