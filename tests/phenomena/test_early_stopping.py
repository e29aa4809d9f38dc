"""Early stopping beside weight decay: on quadratics, on tiny runs, ridge regression and its gradient."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cases import images
from landscape_cli.data.load import Split
from landscape_cli.phenomena.early_stopping import ridge
from landscape_cli.reproduction.measured import Measured
from made_lab import MadeRun, drawn, measure, verdicts
from tests.phenomena.conftest import MakeLab

NAME = "early-stopping-equals-decay"
TINY = ["dataset=digits", "dataset.train_size=60", "dataset.test_size=30", "architecture=mlp"]
RUNS = {
    "least squares": [
        *TINY,
        *["architecture.widths=[]", "loss=mse", "batch_size=full", "optimizer.momentum=0"],
        *["optimizer.lr=0.003", "epochs=8", "checkpoint_every=2", "evaluate_every=8"],
    ],
    "network": [*TINY, "batch_size=full", "epochs=1"],
}
OVERFIT = {"train_loss": [2.3, 0.5, 0.1], "test_loss": [2.3, 0.6, 0.9], "weight_norm": [1.0, 2.0, 4.0]}
CLOSED, QUADRATIC, DIGITS, EPOCH, NORM = range(5)


def measured(
    lab: MakeLab,
    epochs: tuple[int, ...] = (2, 4, 8),
    columns: dict[str, Any] | None = None,
    start: str = "zeros",
    **settings: Any,
) -> list[Measured]:
    linear = [*RUNS["least squares"], f"init={start}"]
    labs = [lab({**RUNS, "least squares": linear}, seed=seed) for seed in range(3)]
    for each in labs:
        each.runs["network"] = MadeRun(Path("network"), {**OVERFIT, **(columns or {})})  # type: ignore[assignment]
    return measure(NAME, labs, epochs=epochs, **{"steps": [1, 5, 20], **settings})


def test_ridge_is_where_the_gradient_vanishes() -> None:
    split = images(30, (2, 2, 3))
    split = Split(split.inputs.double(), split.targets)
    for decay, found in zip((0.1, 2.0), ridge(split, (0.1, 2.0)), strict=True):
        weights = torch.tensor(found, requires_grad=True)
        loss = torch.zeros((), dtype=torch.float64)
        for sample, target in zip(split.inputs, split.targets.tolist(), strict=True):
            output = weights[:, :-1] @ sample.flatten() + weights[:, -1]
            wanted = torch.tensor([float(c == target) for c in range(3)])
            loss = loss + ((output - wanted) ** 2).sum() / 30
        (loss + decay / 2 * (weights**2).sum()).backward()
        assert weights.grad is not None
        assert weights.grad.abs().max() < 1e-12


def test_the_paths_on_a_quadratic(lab: MakeLab) -> None:
    curvatures = [0.2, 1.0]
    (found, *_) = measured(lab, curvatures=curvatures, rate=0.5, steps=[1, 3])
    expected = [[1 - (1 - 0.5 * h) ** s for h in curvatures] for s in (1, 3)]
    np.testing.assert_allclose(found["reached"]["gradient descent"], expected, rtol=1e-12)
    decays = [1 / 0.5, 1 / (0.5 * 3)]
    np.testing.assert_allclose(found["decay"]["quadratic"], decays)
    kept = np.array([[h / (h + decay) for h in curvatures] for decay in decays])
    np.testing.assert_allclose(found["reached"]["weight decay"], kept, rtol=1e-12)
    by_hand = [
        np.dot(*pair) / np.prod(np.linalg.norm(pair, axis=1)) for pair in zip(expected, kept, strict=True)
    ]
    np.testing.assert_allclose(found["cosine"]["quadratic"], by_hand, rtol=1e-12)
    assert (found["best_epoch"], found["best_over_last_epoch"], found["norm_ratio"]) == (1, 0.5, 0.5)
    assert found["decay"]["digits"] == pytest.approx([1 / (0.003 * s) for s in (2, 4, 8)])


def test_the_first_step_of_the_linear_model_is_along_that_of_weight_decay(lab: MakeLab) -> None:
    """For large decays the minimum is the slope at 0 divided by the decay, which is where a step goes."""
    cosines = measured(lab, epochs=(2,))[0]["cosine"]["digits"]
    assert 0.98 < cosines[0] < 1


@pytest.mark.parametrize(
    ("changed", "failing"),
    [
        ({}, []),
        ({"curvatures": [1.0, 30.0], "steps": [200]}, [CLOSED, QUADRATIC]),  # it diverges, errors and all
        ({"curvatures": [0.01, 1.0], "rate": 1.99, "steps": [1, 2]}, [QUADRATIC]),
        ({"start": "default"}, [DIGITS]),
        ({"columns": {"test_loss": [2.3, 0.6, 0.5]}}, [EPOCH, NORM]),
        ({"columns": {"weight_norm": [1.0, 5.0, 4.0]}}, [NORM]),
    ],
)
@pytest.mark.filterwarnings("ignore:invalid value encountered")
def test_claims(lab: MakeLab, changed: dict[str, Any], failing: list[int]) -> None:
    expected = ["fails" if number in failing else "holds" for number in range(5)]
    assert verdicts(NAME, measured(lab, **changed)) == expected


def test_it_is_drawn(lab: MakeLab) -> None:
    pictures = drawn(NAME, measured(lab))
    assert list(pictures) == ["early_stopping"]
    paths, angles, losses = pictures["early_stopping"].axes
    assert [len(axes.get_lines()) for axes in (paths, angles, losses)] == [2, 3, 2]
    assert losses.collections[-1].get_offsets().tolist() == [[1, 0.6]] * 3
