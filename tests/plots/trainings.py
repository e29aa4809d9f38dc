"""Trainings to draw, with values that show where each number belongs."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from landscape_cli.plots.histories import History


def training(
    config: Mapping[str, Any],
    epochs: Iterable[int] = range(5),
    *,
    name: str = "run",
    steps: int = 100,
    **columns: Any,
) -> History:
    """A history with rows of these epochs; `columns` in place of smooth ones."""
    epoch = np.array(list(epochs), dtype=float)
    content = {
        "epoch": epoch,
        "step": steps * epoch,
        "lr": np.full(len(epoch), 0.1),
        "train_loss": np.exp(-epoch),
        "train_accuracy": 1 - 0.9 * np.exp(-epoch),
        "test_loss": 2 * np.exp(-epoch),
        "test_accuracy": 0.9 - 0.8 * np.exp(-epoch),
        "weight_norm": 5 + epoch,
        "gradient_norm": 1 / (1 + epoch),
        "seconds": np.ones(len(epoch)),
    }
    given = {key: np.asarray(values, dtype=float) for key, values in columns.items()}
    return History(Path("out", name), config, content | given)
