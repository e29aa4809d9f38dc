"""Entropy-SGD: steps by hand in float64, the local entropy of a quadratic in closed form, and resuming."""

import copy
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from training.test_loop import configured, trained
from training.test_resume import same

import cases
from conftest import Trainings
from landscape_cli.data.batches import epoch_batches
from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.training import optimizers
from landscape_cli.training.entropy_sgd import EntropySGD, _generator

OPTIONS = {"name": "entropy_sgd", "lr": 0.8, "inner_steps": 2, "inner_lr": 0.1, "gamma": 0.5, "scoping": 0.3}


def twin(config: Any, model: nn.Module, data: Dataset) -> nn.Module:
    """Algorithm 1, walk by walk, with the batches of each pass over the data one after the other."""
    twin = copy.deepcopy(model).double().train()
    params, options = list(twin.parameters()), config.optimizer
    order = torch.Generator().manual_seed(config.seed)
    momentum, decay = options.get("momentum", 0.0), options.get("weight_decay", 0.0)
    velocity = [torch.zeros_like(w) for w in params]
    updates = 0
    for _ in range(config.epochs):
        batches = epoch_batches(len(data.train), config.batch_size, order)
        for first in range(0, len(batches), options["inner_steps"]):
            centre = [w.detach().clone() for w in params]
            mean = [w.clone() for w in centre]
            gamma = options["gamma"] * (1 + options["scoping"]) ** updates
            for number, rows in enumerate(batches[first : first + options["inner_steps"]]):
                outputs = twin(data.train.inputs[rows].double())
                loss = nn.functional.cross_entropy(outputs, data.train.targets[rows])
                slopes = torch.autograd.grad(loss, params)
                drawn_from = _generator(
                    {"seed": 0, "updates": updates, "walked": number}, torch.device("cpu")
                )
                with torch.no_grad():
                    for w, g, x, mu in zip(params, slopes, centre, mean, strict=True):
                        noise = torch.empty(w.shape).normal_(generator=drawn_from).double()
                        w -= options["inner_lr"] * (g + decay * w + gamma * (w - x))
                        w += math.sqrt(options["inner_lr"]) * options["noise"] * noise
                        mu.copy_(0.75 * mu + 0.25 * w)
            with torch.no_grad():
                for w, x, mu, v in zip(params, centre, mean, velocity, strict=True):
                    v.copy_(momentum * v + x - mu)
                    way = x - mu + momentum * v if options.get("nesterov") else v
                    w.copy_(x - options["lr"] * way)
            updates += 1
    return twin


@pytest.mark.parametrize(
    "options",
    [
        {"noise": 0.0},
        {"noise": 0.05, "weight_decay": 0.1, "momentum": 0.9},
        {"noise": 0.05, "momentum": 0.5, "nesterov": True},
        {"noise": 0.0, "inner_steps": 1, "scoping": 0.0},
    ],
)
def test_the_weights_are_those_of_walks_by_hand(tmp_path: Path, options: dict[str, Any]) -> None:
    """48 samples in batches of 16: with walks of two the last walk of each pass has one step."""
    model, data = cases.NETWORKS["mlp"](), cases.dataset()
    config = configured(optimizer={**OPTIONS, **options})
    expected = twin(config, model, data).state_dict()
    before = copy.deepcopy(model.state_dict())
    trained(config, model, data, tmp_path / "run")
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value.double(), expected[name].double(), rtol=1e-4, atol=2e-6)
        assert (value - before[name]).abs().max() > 1e-3


def walk(hessian: Tensor, start: Tensor, **options: Any) -> tuple[nn.Parameter, EntropySGD]:
    """A walk on f(x) = x H x / 2, whose steps have the exact gradient."""
    weight = nn.Parameter(start.clone())
    optimizer = EntropySGD([weight], **options)
    for _ in range(options["inner_steps"]):
        weight.grad = (weight.detach() @ hessian).clone()
        optimizer.step()
    return weight, optimizer


def test_on_a_quadratic_the_step_is_the_gradient_of_the_local_entropy() -> None:
    """exp(-f - gamma/2 |x - x'|^2) is a Gaussian with the mean gamma (H + gamma)^-1 x: the way to it is
    (H + gamma)^-1 H x, and gamma times that the gradient of -F, for F = -x H (H + gamma)^-1 x gamma / 2 + c.
    """
    random = torch.Generator().manual_seed(0)
    factor = torch.randn(5, 5, generator=random, dtype=torch.float64)
    hessian, start = factor @ factor.T / 5, torch.randn(5, generator=random, dtype=torch.float64)
    gamma, lr = 0.7, 0.3
    quiet = {"inner_steps": 800, "inner_lr": 0.2, "noise": 0.0, "scoping": 0.0}
    weight, _ = walk(hessian, start, lr=lr, gamma=gamma, **quiet)
    place = start.clone().requires_grad_()
    entropy = -gamma / 2 * place @ hessian @ torch.linalg.inv(hessian + gamma * torch.eye(5)) @ place
    (slope,) = torch.autograd.grad(-entropy, place)
    torch.testing.assert_close(weight.detach(), start - lr / gamma * slope)
    assert (weight - start).abs().max() > 0.1


def test_the_walk_is_as_hot_as_half_the_square_of_its_noise() -> None:
    """At temperature T the variance along a curvature h is T / (h + gamma)."""
    hessian, gamma, noise = torch.eye(1) * 3.0, 1.0, 0.2
    weight = nn.Parameter(torch.zeros(200_000, 1))
    optimizer = EntropySGD([weight], inner_steps=10**6, inner_lr=0.01, gamma=gamma, noise=noise, scoping=0.0)
    for _ in range(120):
        weight.grad = weight.detach() @ hessian
        optimizer.step()
    expected = noise**2 / 2 / (3 + gamma)
    assert float(weight.detach().var()) == pytest.approx(expected, rel=0.05)  # of a step of 0.01: 2 %


def test_noise_is_that_of_the_seed_and_of_no_other_step() -> None:
    start, options = torch.zeros(50), {"inner_steps": 3, "noise": 1.0, "mean_decay": 0.0}
    ends = [walk(torch.eye(50), start, seed=seed, **options)[0].detach() for seed in (0, 0, 1)]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])
    group = {"seed": 0, "updates": 0, "walked": 0}
    drawn = [
        torch.randn(4, generator=_generator({**group, **other}, torch.device("cpu")))
        for other in ({}, {"updates": 1}, {"walked": 1})
    ]
    assert not torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_a_walk_that_is_closed_moves_the_centre_once() -> None:
    weight, optimizer = walk(torch.eye(3), torch.ones(3), inner_steps=2, noise=0.0)
    moved = weight.detach().clone()
    optimizer.close()
    assert torch.equal(weight, moved)
    weight.grad = torch.ones(3)
    optimizer.step()
    assert not torch.equal(weight, moved)
    optimizer.close()
    torch.testing.assert_close(
        weight.detach(), moved - 0.25 * 0.1
    )  # the mean has moved by a quarter of a step
    assert optimizer.param_groups[0]["updates"] == 2


def test_an_interrupted_training_ends_with_the_same_bits(whole_and_resumed: Trainings) -> None:
    words = "architecture=cnn architecture.dropout=0.3 dataset.train_size=60 batch_size=20 epochs=3"
    words += " optimizer=entropy_sgd optimizer.inner_steps=2 optimizer.noise=0.01 optimizer.momentum=0.5"
    assert same(*whole_and_resumed(words.split()))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"inner_steps": 0}, r"optimizer\.inner_steps must be a positive whole number, got 0"),
        ({"inner_steps": 2.5}, "positive whole number"),
        ({"mean_decay": 1.0}, r"optimizer\.mean_decay must be a number in \[0, 1\), got 1"),
        ({"gamma": -1}, r"optimizer\.gamma must be a finite number of zero or more"),
        ({"nesterov": True}, "nesterov needs a momentum"),
    ],
)
def test_mistakes_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(LandscapeError, match=words):
        optimizers.build({**OPTIONS, **options}, [nn.Parameter(torch.ones(2))])
