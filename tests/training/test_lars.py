"""LARS: its formula by hand in float64, what it makes of scales, and resuming."""

import copy
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from training.test_loop import configured, trained
from training.test_resume import same

import cases
from conftest import Trainings
from landscape_cli.data.batches import epoch_batches
from landscape_cli.training.lars import LARS


@pytest.mark.parametrize(("momentum", "decay"), [(0.0, 0.0), (0.9, 0.01)])
def test_the_weights_are_those_of_steps_by_hand(tmp_path: Path, momentum: float, decay: float) -> None:
    """With a schedule, for the learning rate is a part of the momentum."""
    model, data = cases.NETWORKS["mlp"](), cases.dataset()
    options = {"name": "lars", "lr": 2.0, "momentum": momentum, "weight_decay": decay, "trust": 0.01}
    config = configured(
        optimizer=options, schedule={"name": "multistep", "epochs": [1], "gamma": 0.5, "warmup": 0}
    )
    twin = copy.deepcopy(model).double()
    order = torch.Generator().manual_seed(config.seed)
    velocity = {name: torch.zeros_like(w) for name, w in twin.named_parameters()}
    for epoch in range(config.epochs):
        for rows in epoch_batches(len(data.train), 16, order):
            twin.zero_grad()
            nn.functional.cross_entropy(
                twin(data.train.inputs[rows].double()), data.train.targets[rows]
            ).backward()
            with torch.no_grad():
                for name, w in twin.named_parameters():
                    g = w.grad
                    assert g is not None
                    local = 0.01 * float(w.norm()) / (float(g.norm()) + decay * float(w.norm()))
                    lr = 2.0 * (0.5 if epoch >= 1 else 1.0)
                    velocity[name] = momentum * velocity[name] + lr * local * (g + decay * w)
                    w -= velocity[name]
    trained(config, model, data, tmp_path / "run")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value.double(), twin.state_dict()[name], rtol=1e-4, atol=2e-6)


def moved(weight: Tensor, gradient: Tensor) -> Tensor:
    parameter = nn.Parameter(weight.clone())
    parameter.grad = gradient
    LARS([parameter], lr=3.0, momentum=0.0, trust=0.01).step()
    return parameter.detach() - weight


def test_a_step_is_a_part_of_the_norm_whatever_the_gradient() -> None:
    weight, gradient = torch.randn(20), torch.randn(20)
    for scale in (1e-3, 1.0, 1e3):
        step = moved(weight, scale * gradient)
        torch.testing.assert_close(step.norm(), 0.03 * weight.norm())
        torch.testing.assert_close(
            step, -0.03 * weight.norm() * gradient / gradient.norm(), rtol=1e-4, atol=1e-6
        )


def test_what_is_zero_moves_by_the_trust_and_without_a_gradient_nothing_does() -> None:
    torch.testing.assert_close(moved(torch.zeros(3), torch.ones(3)), torch.full((3,), -0.03))
    assert torch.equal(moved(torch.ones(3), torch.zeros(3)), torch.zeros(3))


def test_an_interrupted_training_ends_with_the_same_bits(whole_and_resumed: Trainings) -> None:
    words = "architecture=cnn normalization=batch dataset.train_size=60 batch_size=20 epochs=3"
    assert same(*whole_and_resumed(f"{words} optimizer=lars optimizer.weight_decay=0.001".split()))
