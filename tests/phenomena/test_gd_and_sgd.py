"""Gradient descent beside SGD, on made-up runs."""

from collections.abc import Sequence

import numpy as np
import pytest
from torch import nn

from landscape_cli.reproduction.measured import Measured
from made_lab import MadeLab, drawn, measure, verdicts

ID = "gd-vs-sgd-mnist"


def made(errors: Sequence[tuple[float, float]], losses: tuple[float, float] = (0.2, 0.1)) -> list[Measured]:
    """Of four sizes, test errors in percent of either rule where it fits, and the smallest's losses."""
    sizes, runs, networks = ["4", "16", "64", "500"], {}, {}
    for size, pair in zip(sizes, errors, strict=True):
        for rule, error, small in zip(("gd", "sgd"), pair, losses, strict=True):
            last = small if size == "4" else 0.001
            runs[f"{rule} {size}"] = {
                "train_loss": [2.3, 0.5, max(last, 0.009), last],
                "train_accuracy": [0.1, 0.9, 1.0, 1.0],
                "test_accuracy": [0.1, 0.5, 1 - error / 100, 1 - error / 100 if last > 0.01 else 0.3],
            }
            networks[f"{rule} {size}"] = nn.Linear(int(size), 3)
    return measure(ID, [MadeLab(runs, networks=networks, seed=seed) for seed in range(3)])


@pytest.mark.parametrize(
    ("errors", "losses", "expected"),
    [
        ([(10, 8), (5, 4), (3, 2.5), (2, 1.8)], (0.2, 0.1), ["holds", "holds", "holds", "holds"]),
        ([(10, 8), (5, 4), (3, 2.5), (2, 1.4)], (0.1, 0.2), ["fails", "holds", "fails", "holds"]),
        ([(8.1, 8), (5, 4), (3, 2.5), (2, 1.8)], (0.2, 0.1), ["holds", "holds", "holds", "fails"]),
    ],
)
def test_errors_are_compared_where_the_loss_is_first_below_the_level(
    errors: list[tuple[float, float]], losses: tuple[float, float], expected: list[str]
) -> None:
    found = made(errors, losses)
    assert verdicts(ID, found) == expected
    np.testing.assert_allclose(found[0]["error"]["sgd"], [pair[1] for pair in errors])
    assert found[0]["gap"] == pytest.approx(abs(errors[-1][0] - errors[-1][1]))
    assert found[0]["numbers"].tolist() == [15, 51, 195, 1503]
    assert list(drawn(ID, found)) == ["gd_and_sgd"]


def test_a_network_that_does_not_fit_is_told() -> None:
    runs = {
        f"{rule} {size}": {"train_loss": [2.3], "train_accuracy": [0.99], "test_accuracy": [0.9]}
        for rule in ("gd", "sgd")
        for size in (4, 16, 64, 500)
    }
    networks: dict[str, nn.Module] = {name: nn.Linear(2, 2) for name in runs}
    found = measure(ID, [MadeLab(runs, networks=networks)])
    assert verdicts(ID, found * 3)[1] == "fails"
