"""The optimizers are torch's, to the bit, without what torch wraps around their methods."""

from typing import Any

import pytest
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

import cases
from landscape_cli.config import CONF
from landscape_cli.training import optimizers

OPTIONS = [
    OmegaConf.to_container(OmegaConf.load(path)) for path in sorted((CONF / "optimizer").glob("*.yaml"))
]


def test_every_optimizer_is_under_test() -> None:
    assert {option["name"] for option in OPTIONS} == set(optimizers.OPTIMIZERS)  # type: ignore[index, call-overload]


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option["name"])
def test_a_training_with_a_break_ends_where_torchs_own_does(option: dict[str, Any]) -> None:
    split = cases.images()

    def loss(model: nn.Module) -> Tensor:
        return nn.functional.cross_entropy(model(split.inputs), split.targets)

    ours, theirs = cases.NETWORKS["mlp"](), cases.NETWORKS["mlp"]()
    arguments = {key: value for key, value in option.items() if key not in ("name", "sam", "asam")}
    reference = optimizers.OPTIMIZERS[option["name"]](theirs.parameters(), **arguments)
    optimizer = optimizers.build(option, ours.parameters())
    for step in range(6):
        for model, updates in ((ours, optimizer), (theirs, reference)):
            updates.zero_grad()
            loss(model).backward()
            updates.step()
        if step == 2:
            saved = optimizer.state_dict()
            optimizer = optimizers.build(option, ours.parameters())
            optimizer.load_state_dict(saved)
    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert one.grad is not None
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)
    assert optimizer.state_dict().keys() == reference.state_dict().keys()


def test_a_step_records_no_graph() -> None:
    weight = nn.Parameter(torch.ones(2))
    optimizer = optimizers.build({"name": "rmsprop", "lr": 0.1}, [weight])
    (weight**2).sum().backward()
    optimizer.step()
    assert weight.is_leaf
    assert weight.requires_grad
    assert not any(value.requires_grad for value in optimizer.state[weight].values())
