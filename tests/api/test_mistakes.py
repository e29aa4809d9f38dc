"""Mistakes with models, losses and data of one's own are told in words, before a file is made."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from api.models import EACH, NUMBERS, mlp
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from landscape_cli import interpolate, line
from landscape_cli.errors import LandscapeError


def keeping_its_output() -> nn.Module:
    model = mlp()
    model[1].output = model[0](NUMBERS[0])
    return model


MISTAKES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a dataset": (
        lambda out: line(mlp(), EACH, TensorDataset(*NUMBERS), out=out),
        r"must be \(inputs, targets\) or a DataLoader, got a TensorDataset",
    ),
    "three": (
        lambda out: line(mlp(), EACH, [(*NUMBERS, 1)], out=out),
        r"or a mapping, got \[float32 \(18, 5\), ",
    ),
    "lengths": (
        lambda out: line(mlp(), EACH, (NUMBERS[0], NUMBERS[1][:3]), out=out),
        r"got float32 \(18, 5\) and",
    ),
    "no sample": (
        lambda out: line(mlp(), EACH, (NUMBERS[0][:0], NUMBERS[1][:0]), out=out),
        r"one or more, got",
    ),
    "no batch": (lambda out: line(mlp(), EACH, iter([]), out=out), "can be read only once"),
    "a number": (
        lambda out: line(mlp(), EACH, {"input": NUMBERS[0], "factor": torch.tensor(2.0)}, out=out),
        r"factor: float32 \(\)",
    ),
    "a list": (
        lambda out: line(mlp(), EACH, {"input": NUMBERS[0], "lengths": [1] * 18}, out=out),
        "a list of int; make it a tensor or leave it out",
    ),
    "other names": (
        lambda out: line(mlp(), EACH, {"x": NUMBERS[0]}, out=out),
        "takes input, but a batch has x",
    ),
    "no loss": (
        lambda out: line(mlp(), "nll", NUMBERS, out=out),
        "from cross_entropy, hinge, huber, l1, mse, squared_hinge",
    ),
    "a number for a loss": (lambda out: line(mlp(), lambda *_: 1.0, NUMBERS, out=out), "got a float"),
    "mse of numbers": (
        lambda out: line(mlp(), "mse", (NUMBERS[0], NUMBERS[1].float()), out=out),
        "torch.nn.MSELoss",
    ),
    "no module": (lambda out: line(torch.tanh, EACH, NUMBERS, out=out), "must be a torch.nn.Module"),
    "complex": (
        lambda out: line(nn.Linear(5, 3, dtype=torch.cfloat), EACH, NUMBERS, out=out),
        "parameter weight is of torch.complex64",
    ),
    "a kept activation": (
        lambda out: line(keeping_its_output(), EACH, NUMBERS, out=out),
        r"torch\.no_grad\(\)",
    ),
    "grid": (lambda out: line(mlp(), EACH, NUMBERS, out=out, x=(1, -1, 3)), "x must be"),
    "samples of a mean": (
        lambda out: line(mlp(), nn.MultiMarginLoss(), NUMBERS, out=out, samples=6),
        "samples=6 needs the loss of each sample",
    ),
    "two architectures": (
        lambda out: interpolate(mlp(), mlp(classes=4), EACH, NUMBERS, out=out),
        r"2.weight is \(3, 8\) in one and \(4, 8\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_before_a_file_is_made(tmp_path: Path, mistake: str) -> None:
    call, message = MISTAKES[mistake]
    with pytest.raises(LandscapeError, match=message):
        call(tmp_path / "line.h5")
    assert not list(tmp_path.iterdir())


def test_random_forward_passes_are_refused_with_both_numbers(tmp_path: Path) -> None:
    class Left(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(x)  # whatever the mode

    with pytest.raises(LandscapeError, match="dropout left on") as error:
        line(nn.Sequential(mlp(), Left()), EACH, NUMBERS, out=tmp_path / "line.h5")
    one, other = re.findall(r"\d\.\d+", str(error.value))
    assert one != other
    assert not (tmp_path / "line.h5").exists()


def test_what_float64_cannot_run_says_so(tmp_path: Path) -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs @ torch.ones(3, 3)).square().sum(1)

    with pytest.raises(LandscapeError, match=r"does not run .*; choose precision=fp32"):
        line(mlp(), loss, NUMBERS, out=tmp_path / "line.h5", precision="bf16")
