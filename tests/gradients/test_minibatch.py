"""Gradients of batches and of samples beside those of one sample after the other."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import cases
import reference
from landscape_cli.data.load import Split
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.user_loss import objective_of
from landscape_cli.gradients.minibatch import Gradients, batch_noise, sample_gradients
from landscape_cli.gradients.noise_scale import noise_scale_of_batches, noise_scale_of_samples


def flat(parts: dict[str, Tensor]) -> Tensor:
    return torch.cat([part.flatten() for part in parts.values()])


def made(name: str, loss: str = "cross_entropy", params: str = "all") -> tuple[nn.Module, Split, Gradients]:
    model, images = cases.NETWORKS[name]().double().eval(), cases.images()
    split = Split(images.inputs.double(), images.targets)
    parts = [(split.inputs[:25], split.targets[:25]), (split.inputs[25:], split.targets[25:])]
    return model, split, Gradients(model, parts, objective(loss), params)


@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("name", cases.NETWORKS)
def test_of_batches_they_are_means_of_those_of_samples(name: str, loss: str) -> None:
    model, split, gradients = made(name, loss)
    torch.testing.assert_close(gradients.mean(), flat(reference.gradient(model, split, loss)))
    rows = torch.tensor([3, 3, 24, 25, 39])  # of both parts, one twice
    drawn = Split(split.inputs[rows], split.targets[rows])
    expected = flat(reference.gradient(model, drawn, loss))
    torch.testing.assert_close(gradients.of(rows, 2), expected)
    each = sample_gradients(model, drawn, loss)
    np.testing.assert_allclose(each.mean(axis=0), expected.numpy(), rtol=1e-6, atol=1e-10)
    alone = flat(reference.gradient(model, Split(split.inputs[24:25], split.targets[24:25]), loss))
    np.testing.assert_allclose(each[2], alone.numpy(), rtol=1e-6, atol=1e-10)


def test_by_some_parameters_they_are_parts_of_it() -> None:
    model, split, gradients = made("mlp", params="last")
    last = list(model.named_parameters())[-2:]
    expected = reference.gradient(model, split, "cross_entropy")
    torch.testing.assert_close(gradients.mean(), flat({name: expected[name] for name, _ in last}))
    assert (gradients.size, gradients.samples) == (len(gradients.mean()), 40)


def test_losses_of_a_caller_are_weighed_as_in_their_mean() -> None:
    model, split, _ = made("mlp")
    weights = torch.tensor([1.0, 2.0, 5.0], dtype=torch.float64)
    parts = [(split.inputs[:25], split.targets[:25]), (split.inputs[25:], split.targets[25:])]
    for loss in (nn.CrossEntropyLoss(), nn.CrossEntropyLoss(weight=weights), nn.functional.cross_entropy):
        found = Gradients(model, parts, objective_of(loss), "all").mean()
        twin = copy.deepcopy(model)
        loss(twin(split.inputs), split.targets).backward()
        torch.testing.assert_close(found, flat({name: one.grad for name, one in twin.named_parameters()}))


def test_what_a_loss_does_not_depend_on_has_a_gradient_of_zeros() -> None:
    model = nn.Sequential(nn.Linear(4, 3), nn.Linear(3, 2)).double()
    parts = [(torch.ones(5, 4, dtype=torch.float64), torch.zeros(5, dtype=torch.int64))]
    constant = objective_of(lambda outputs, targets: torch.ones(len(targets), dtype=torch.float64))
    assert not Gradients(model, parts, constant, "all").mean().any()


def test_noise_of_batches_has_the_samples_noise_scale() -> None:
    model, split, gradients = made("cnn")
    exact = noise_scale_of_samples(sample_gradients(model, split, "cross_entropy")) * 39 / 40
    mean, random = gradients.mean(), np.random.RandomState(0)
    noise = torch.stack([batch_noise(gradients, mean, 5, random, 5) for _ in range(200)])
    found = noise_scale_of_batches(noise.numpy(), mean.numpy(), 5)
    assert abs(found.value - exact) < 3 * found.error < 0.5 * exact


def test_the_model_is_left_as_it_is() -> None:
    model, split, gradients = made("resnet-batch")
    state = copy.deepcopy(model.state_dict())
    gradients.mean()
    model.train()
    sample_gradients(model, split, "mse")
    assert all(module.training for module in model.modules())
    assert all(one.grad is None and one.requires_grad for one in model.parameters())
    assert all(torch.equal(tensor, state[name]) for name, tensor in model.state_dict().items())
