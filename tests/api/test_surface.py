"""The functions for notebooks, on models, losses and data as people bring them, against float64 twins."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from api.models import (
    EACH,
    EQUAL,
    FITTED,
    IMAGES,
    NUMBERS,
    ODD_INPUTS,
    RAGGED,
    SERIES,
    Odd,
    Recurrent,
    assert_same_state,
    language_model,
    mlp,
    numbers,
    odd_loss,
    odd_twin,
    resnet,
    squares,
    state_of,
    token_losses,
    token_twin,
    twins,
)
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from landscape_cli import line, surface

WEIGHTED = nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]).double())
SMALL = {"x": (-1, 1, 3), "y": (0, 0.5, 2)}


CASES: dict[str, tuple[Callable[[], nn.Module], Any, Any, Callable[[nn.Module], list[Tensor]], float]] = {
    "resnet18": (resnet, EACH, IMAGES, lambda model: [EACH(model(IMAGES[0].double()), IMAGES[1])], 1e-5),
    "named loss": (mlp, "cross_entropy", NUMBERS, lambda m: [EACH(m(NUMBERS[0].double()), NUMBERS[1])], 1e-6),
    "mean loss": (
        mlp,
        nn.CrossEntropyLoss(),
        NUMBERS,
        lambda model: [EACH(model(NUMBERS[0].double()), NUMBERS[1])],
        1e-6,
    ),
    "class weights": (
        mlp,
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]), reduction="none"),
        NUMBERS,
        lambda m: [WEIGHTED(m(NUMBERS[0].double()), NUMBERS[1])],
        1e-6,
    ),
    "tokens": (language_model, token_losses, EQUAL, token_twin(EQUAL), 1e-6),
    "sentences of any length": (language_model, token_losses, RAGGED, token_twin(RAGGED), 1e-6),
    "series of any length": (
        Recurrent,
        EACH,
        SERIES,
        lambda model: [EACH(model(inputs.double()), targets) for inputs, targets in SERIES],
        1e-6,
    ),
    "regression": (
        lambda: mlp(classes=2),
        nn.MSELoss(),
        (NUMBERS[0], FITTED),
        lambda model: [squares(model(NUMBERS[0].double()), FITTED)],
        1e-6,
    ),
    "lambda": (
        lambda: mlp(classes=2),
        lambda outputs, targets: squares(outputs, targets).sum(1),
        TensorDataset(NUMBERS[0], FITTED),
        lambda model: [squares(model(NUMBERS[0].double()), FITTED).sum(1)],
        1e-6,
    ),
    "by position": (Odd, odd_loss, (ODD_INPUTS[0], NUMBERS[1]), odd_twin, 1e-6),
    "by name": (Odd, odd_loss, (ODD_INPUTS[1], NUMBERS[1]), odd_twin, 1e-6),
}


@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_float64_and_the_model_is_left_as_it_was(tmp_path: Path, case: str) -> None:
    make, loss, data, twin, rounding = CASES[case]
    model = make()
    next(model.parameters()).requires_grad_(False)
    list(model.modules())[-1].eval()
    list(model.modules())[-2].register_forward_hook(lambda *_: None)
    before = state_of(model)
    if isinstance(data, TensorDataset):
        data = DataLoader(data, batch_size=4)
    found = surface(model, loss, data, out=tmp_path / "plane.h5", **SMALL)
    np.testing.assert_allclose(found.values["train/loss"], twins(found, model, twin), rtol=rounding)
    assert found.values["train/loss"].shape == (2, 3)
    assert found.evaluated.all()
    assert_same_state(model, before)


def test_a_line_has_two_splits_and_an_accuracy(tmp_path: Path) -> None:
    model, test = mlp(), (numbers(9)[0] + 1, numbers(9)[1])
    found = line(model, EACH, NUMBERS, test, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert set(found.values) == {
        f"{split}/{value}" for split in ("train", "test") for value in ("loss", "accuracy")
    }
    for split, (inputs, targets) in {"train": NUMBERS, "test": test}.items():
        right = (model(inputs).argmax(1) == targets).double().mean().item()
        assert found.values[f"{split}/accuracy"][1] == pytest.approx(right)
        losses = twins(found, model, lambda twin, x=inputs, y=targets: [EACH(twin(x.double()), y)])
        np.testing.assert_allclose(found.values[f"{split}/loss"], losses, rtol=1e-6)


def test_overflow_is_infinite(tmp_path: Path) -> None:
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(0, 1e38, 3), norm="none")
    assert np.isfinite(found.values["train/loss"][0])
    assert (found.values["train/loss"][1:] == np.inf).all()


def test_the_callers_random_numbers_go_on_as_they_would(tmp_path: Path) -> None:
    model, loader = mlp(), DataLoader(TensorDataset(*NUMBERS), batch_size=4, shuffle=True)
    state = torch.get_rng_state()
    line(model, EACH, loader, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert torch.equal(state, torch.get_rng_state())
