"""Data come as tensors, arrays, loaders, batches and mappings: the values are the same."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from api.models import EACH, EQUAL, NUMBERS, language_model, mlp, token_losses
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli import line

WAYS: dict[str, Callable[[], Any]] = {
    "a list of two": lambda: list(NUMBERS),
    "NumPy": lambda: tuple(one.numpy() for one in NUMBERS),
    "a loader": lambda: DataLoader(TensorDataset(*NUMBERS), batch_size=4),
    "a shuffling loader": lambda: DataLoader(TensorDataset(*NUMBERS), batch_size=4, shuffle=True),
    "a generator": lambda: ((NUMBERS[0][i : i + 5], NUMBERS[1][i : i + 5]) for i in range(0, 18, 5)),
    "a tuple of batches": lambda: ((NUMBERS[0][:9], NUMBERS[1][:9]), (NUMBERS[0][9:], NUMBERS[1][9:])),
    "a mapping": lambda: {
        "input": NUMBERS[0],
        "targets": NUMBERS[1],
        "name": "the batch's",
        "text": ["a"] * 18,
    },
    "mappings": lambda: [{"input": NUMBERS[0][i : i + 9], "targets": NUMBERS[1][i : i + 9]} for i in (0, 9)],
}


@pytest.mark.parametrize("way", WAYS)
def test_data_come_in_any_form(tmp_path: Path, way: str) -> None:
    def loss(outputs: Tensor, targets: Any) -> Tensor:
        return EACH(outputs, targets["targets"] if isinstance(targets, dict) else targets)

    model, options = mlp(), {"x": (-1, 1, 3)}
    expected = line(model, loss, NUMBERS, out=tmp_path / "tensors.h5", **options).values["train/loss"]
    found = line(model, loss, WAYS[way](), out=tmp_path / "other.h5", **options).values["train/loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    torch.manual_seed(99)
    again = line(model, loss, WAYS[way](), out=tmp_path / "other.h5", **options)  # takes them for the same
    np.testing.assert_array_equal(again.values["train/loss"], found)


def test_batches_of_tokens_are_never_made_larger(tmp_path: Path) -> None:
    sizes = set()

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        sizes.add(len(logits))
        return token_losses(logits, batch)

    line(language_model(), loss, EQUAL, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert sizes == {4, 2}
