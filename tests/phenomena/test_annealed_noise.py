"""Trainings from weights that are too small, with and without noise on the gradient, made up."""

import numpy as np
import pytest

from made_lab import MadeLab, drawn, measure, verdicts

ANNEALING = "gradient-noise-annealing"


@pytest.mark.parametrize(
    ("noisy", "plain", "expected"),
    [
        ([2.3026, 1.0, 0.5], [2.3026, 2.3026, 2.302], ["holds", "holds"]),
        ([2.3026, 2.3, 1.9], [2.3026, 2.3026, 2.302], ["fails", "holds"]),
        ([2.3026, 1.0, 0.5], [2.3026, 1.5, 0.4], ["holds", "fails"]),
    ],
)
def test_a_network_is_freed_where_its_loss_falls_by_a_half(
    noisy: list[float], plain: list[float], expected: list[str]
) -> None:
    def columns(loss: list[float]) -> dict[str, list[float]]:
        return {"train_loss": loss, "test_accuracy": [0.1, 0.2, 0.3], "weight_norm": [1.0, 2.0, 3.0]}

    made = [MadeLab({"noise": columns(noisy), "none": columns(plain)}, seed=seed) for seed in range(3)]
    found = measure(ANNEALING, made)
    assert verdicts(ANNEALING, found) == expected
    assert found[0]["plain_minus_goal"] == pytest.approx(plain[-1] - (np.log(10) - 0.5))
    assert found[0]["epochs_until"] == (1 if min(noisy) < 1.8 else pytest.approx(np.nan, nan_ok=True))
    assert list(drawn(ANNEALING, found)) == ["annealing"]
