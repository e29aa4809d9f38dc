"""`landscape_cli.noise` on one's own model: the same numbers as the shell's table."""

import copy
import inspect
from pathlib import Path

import pytest
import torch
from api.models import NUMBERS, mlp
from contract.made import network
from torch import nn

from conftest import Landscape
from landscape_cli import LandscapeError, noise
from landscape_cli.curvature.noise_options import Options
from landscape_cli.store import table


def test_it_is_what_the_table_says(landscape: Landscape, tmp_path: Path) -> None:
    words = ["dataset.train_size=100", "architecture.widths=[5]", "epochs=1", "batch_size=20", "out=run"]
    assert landscape("train", *words).status == 0
    assert landscape("noise", "run=run", "epochs=last", "draws=8", "k=2", "out=noise.csv").status == 0
    model, data = network(tmp_path / "run", 1)
    train = (data.train.inputs, data.train.targets)
    found = noise(model, "cross_entropy", train, batch_size=20, draws=8, k=2, device="cpu")
    row = table.read(tmp_path / "noise.csv")
    for name, value in found.items():
        assert value == pytest.approx(row.numbers(name)[0], rel=1e-5), name
    assert list(found) == [name for name in Options().columns if name != "top_overlap"]


def test_the_model_is_left_as_it_is_and_any_loss_will_do() -> None:
    model = mlp().train()
    state = copy.deepcopy(model.state_dict())
    losses = ("cross_entropy", nn.CrossEntropyLoss(), lambda out, to: nn.functional.cross_entropy(out, to))
    one, *others = (noise(model, loss, NUMBERS, batch_size=4, draws=8, k=2, device="cpu") for loss in losses)
    for other in others:
        assert other == pytest.approx(one, rel=1e-4)
    assert model.training
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())


def test_signature_and_mistakes() -> None:
    parameters = inspect.signature(noise).parameters
    assert parameters["draws"].default == 100
    assert "draws: batches, of samples drawn with replacement." in (noise.__doc__ or "")
    with pytest.raises(LandscapeError, match="batch_size must be a positive whole number, got 0"):
        noise(mlp(), "cross_entropy", NUMBERS, batch_size=0)
    with pytest.raises(TypeError, match="draw"):
        noise(mlp(), "cross_entropy", NUMBERS, batch_size=4, draw=3)  # type: ignore[call-arg]
