"""A network that is filled up to more units is trained as it would be without them."""

from typing import Any

import pytest
import torch
from torch import Generator, nn

from landscape_cli.architectures.build import build
from landscape_cli.errors import LandscapeError
from landscape_cli.training.padded import padded
from landscape_cli.training.stacked import outputs_of, shared, train_stacked


def network(*widths: int, activation: str = "relu") -> nn.Module:
    architecture = {"name": "mlp", "widths": list(widths), "activation": activation}
    return build(architecture, {"name": "none"}, (5,), 2).double()


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize(
    "optimizer",
    [
        {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
        {"name": "adam", "lr": 0.01},
    ],
    ids=["sgd", "adam"],
)
def test_three_widths_together_end_where_each_ends_alone(activation: str, optimizer: dict[str, Any]) -> None:
    torch.manual_seed(2)
    widths = [(2, 3), (4, 2), (6, 6)]
    narrow = [network(*each, activation=activation) for each in widths]
    together = padded(narrow, network(6, 6, activation=activation))
    inputs = torch.randn(30, 5, dtype=torch.float64, generator=Generator().manual_seed(1))
    targets = (inputs.sum(1) > 0).long()
    torch.testing.assert_close(outputs_of(together, inputs), torch.stack([model(inputs) for model in narrow]))
    options: dict[str, Any] = {"loss": "cross_entropy", "optimizer": optimizer, "epochs": 40}
    train_stacked(together, shared(inputs, 3), shared(targets, 3), **options)
    for model in narrow:
        train_stacked([model], inputs[None], targets[None], **options)
    for one, other in zip(together, padded(narrow, together[-1]), strict=True):
        for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=1e-10, atol=1e-10)


def test_an_activation_that_is_not_zero_at_zero_would_not_do() -> None:
    torch.manual_seed(2)
    narrow, wide = network(2, activation="sigmoid"), network(4, activation="sigmoid")
    (filled,) = padded([narrow], wide)
    inputs, targets = torch.randn(1, 30, 5).double(), torch.zeros(1, 30, dtype=torch.int64)
    train_stacked([filled], inputs, targets, loss="mse", optimizer={"name": "sgd", "lr": 0.1}, epochs=2)
    assert list(filled.parameters())[-2][:, 2:].abs().min() > 0


@pytest.mark.parametrize("widths", [(7, 6), (6,), (6, 6, 6)])
def test_wider_or_of_another_depth(widths: tuple[int, ...]) -> None:
    with pytest.raises(LandscapeError, match="padded to more units"):
        padded([network(*widths)], network(6, 6))
