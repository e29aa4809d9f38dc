"""Weight decay and L1: minima on quadratics beside their conditions, and made-up networks."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from landscape_cli.reproduction.catalogue import phenomenon
from landscape_cli.reproduction.claims import judge
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

L2, L1 = "l2-weight-decay", "l1-sparsity"
ASCENDING = ("no decay", "decay 1e-4", "decay 1e-3", "decay 1e-2")
QUICK = {"curvatures": [0.3, 0.5, 1.0], "decays": [0.5, 1.0], "rate": 0.7, "steps": 50}
SHRUNK, MOST, SGD, ADAM_QUADRATIC, ADAM_DIGITS, NORM = range(6)


def linear(*weights: float) -> nn.Module:
    model = nn.Linear(len(weights), 1, bias=False)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([weights]))
    return model


def decayed(
    norms: Sequence[float] = (9, 8, 7, 6), adamw: nn.Module | None = None, **settings: Any
) -> list[Measured]:
    last = {**dict(zip(ASCENDING, norms, strict=True)), "Adam": 5.0, "AdamW": 5.0}
    runs = {run: {"weight_norm": [5.0, norm], "train_loss": [2.3, 0.1]} for run, norm in last.items()}
    networks = {"Adam": linear(3, 4), "AdamW": adamw or linear(3, 5)}
    labs = [MadeLab(runs, networks=networks, seed=seed) for seed in range(3)]
    return measure(L2, labs, **{**QUICK, **settings})


def test_what_weight_decay_leaves_is_where_the_gradient_vanishes() -> None:
    found = decayed()[1]
    for name, kept in found["kept"].items():
        for part, curvature in zip(kept, QUICK["curvatures"], strict=True):
            assert curvature * (part - 1) + float(name) * part == pytest.approx(0, abs=1e-12)
    assert found["adam_apart"]["digits"] == pytest.approx(1 / 5)  # |(0, 1)| / |(3, 4)|
    assert found["largest_step_of_the_norm"] == pytest.approx(-1 / 9)
    assert found["final_loss"]["AdamW"] == 0.1


def test_adam_ends_elsewhere_as_written_out() -> None:
    """Kingma and Ba's steps with the penalty in the gradient, and Loshchilov and Hutter's beside it."""
    runs = {run: {"weight_norm": [1.0], "train_loss": [1.0]} for run in (*ASCENDING, "Adam", "AdamW")}
    lab = MadeLab(runs, networks={"Adam": linear(1), "AdamW": linear(1)})
    (found,) = measure(L2, [lab], curvatures=[0.5, 0.5], decays=[0.3], rate=0.1, steps=7)

    random = lab.random("quadratic")  # equal curvatures: H is 1/2 whatever the rotation
    basis = np.linalg.qr(random.standard_normal((2, 2)))[0]
    w_star = basis @ np.sign(random.standard_normal(2))
    ends = []
    for in_loss, beside in ((0.3, 0.0), (0.0, 0.3)):
        w, m, v = np.zeros(2), np.zeros(2), np.zeros(2)
        for step in range(1, 8):
            gradient = 0.5 * (w - w_star) + in_loss * w
            m, v = 0.9 * m + 0.1 * gradient, 0.999 * v + 0.001 * gradient**2
            w = (1 - 0.1 * beside) * w
            w = w - 0.1 * m / (1 - 0.9**step) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
        ends.append(w)
    apart = np.linalg.norm(ends[1] - ends[0]) / np.linalg.norm(ends[0])
    assert found["adam_apart"]["quadratic"] == pytest.approx(apart)


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"steps": 3}, [SHRUNK]),
        ({"decays": [0.0], "steps": 200}, [MOST, ADAM_QUADRATIC]),  # what there is not, shrinks nothing
        ({"adamw": linear(3, 4)}, [ADAM_DIGITS]),
        ({"norms": (9, 8, 8.5, 6)}, [NORM]),
    ],
)
def test_claims_on_weight_decay(changed: Mapping[str, Any], failing: Sequence[int]) -> None:
    expected = ["fails" if number in failing else "holds" for number in range(6)]
    assert verdicts(L2, decayed(**changed)) == expected


def test_two_trainings_that_end_apart_count_for_no_verdict() -> None:
    soft = [claim.soft for claim in judge(phenomenon(L2).scale("small"), decayed())]
    assert soft == [number == ADAM_DIGITS for number in range(6)]


def test_weight_decay_is_drawn() -> None:
    pictures = drawn(L2, decayed())
    assert list(pictures) == ["shrinkage", "norms"]
    lines = pictures["shrinkage"].axes[0].get_lines()
    np.testing.assert_allclose(lines[0].get_ydata(), [0.3 / 0.8, 0.5, 1 / 1.5])
    assert [text.get_text() for text in pictures["norms"].legends[0].get_texts()] == [*ASCENDING]


OF_L1 = {"L1 1e-4": (0.02, 3), "L1 3e-4": (0.02, 3), "L1 1e-3": (0.02, 3)}
OF_L2 = {"L2 1e-4": (0.01, 0), "L2 1e-3": (0.04, 2), "L2 3e-3": (0.05, 2), "L2 1e-2": (0.06, 2)}


def sparse(changed: Mapping[str, tuple[float, int]] | None = None, **settings: Any) -> list[Measured]:
    """Measure networks with a final training loss, and so many of four weights below 1e-3."""
    given = {**OF_L1, **OF_L2, **(changed or {})}
    runs = {run: {"train_loss": [2.3, loss]} for run, (loss, _) in given.items()}
    networks = {run: linear(*[9e-4] * small, *[-1.1e-3] * (4 - small)) for run, (_, small) in given.items()}
    labs = [MadeLab(runs, networks=networks, seed=seed) for seed in range(3)]
    return measure(L1, labs, **{"steps": 300, **settings})


def test_proximal_steps_end_where_0_is_a_subgradient() -> None:
    curvatures, penalty = [0.5, 0.7, 1.0], 0.4
    for seed in sparse(curvatures=curvatures, penalty=penalty):
        for name, factor in (("lambda", 0.4), ("half", 0.2)):
            minimum = seed["minima"][name]
            for w, w_star, h in zip(minimum, seed["w_star"], curvatures, strict=True):
                slope = h * (w - w_star)
                assert abs(slope) <= factor + 1e-12
                assert w == 0 or slope == pytest.approx(-factor * np.sign(w))
            assert seed["zeros"][name]["proximal"] == (minimum == 0).sum()


def test_weight_decays_share_is_interpolated_over_the_logarithm_of_the_loss() -> None:
    found = sparse()[0]
    assert found["l2"]["share"].tolist() == [0, 0.5, 0.5, 0.5]
    assert found["excess"]["L1 1e-4"] == pytest.approx(0.75 - 0.25)  # 0.02 is half way from 0.01 to 0.04
    assert np.isnan(sparse({"L1 1e-4": (0.009, 4)})[0]["excess"]["L1 1e-4"])


def test_claims_on_sparsity() -> None:
    assert verdicts(L1, sparse()) == ["holds"] * 7
    assert verdicts(L1, sparse(steps=2)) == ["fails", *verdicts(L1, sparse(steps=2))[1:]]
    assert verdicts(L1, sparse(penalty=0.0))[2] == "fails"
    denser = sparse({"L1 1e-4": (0.02, 0), "L1 3e-4": (0.07, 4)})
    assert verdicts(L1, denser)[-3:] == ["fails", "undecided", "holds"]


def test_sparsity_is_drawn() -> None:
    pictures = drawn(L1, sparse())
    assert list(pictures) == ["minimum", "small_weights"]
    closed = pictures["minimum"].axes[0].get_lines()
    x, y = (np.asarray(values) for values in closed[0].get_data())
    np.testing.assert_allclose(y[np.abs(x) <= 1], 0)
    np.testing.assert_allclose(np.abs(y[np.abs(x) > 1]), np.abs(x[np.abs(x) > 1]) - 1)
    shares = [dots.get_offsets()[:, 1].max() for dots in pictures["small_weights"].axes[0].collections]
    assert shares == [75, 50]
