"""The full gradient beside that of one sample after the other, and beside differences of the loss."""

import copy

import pytest
import torch
from torch import nn

import cases
import reference
from landscape_cli.data.load import Split
from landscape_cli.gradients.full import gradient
from landscape_cli.weights.arithmetic import dot

ROUNDING = {torch.float64: 1e-10, torch.float32: 1e-4}


@pytest.mark.parametrize("dtype", ROUNDING, ids=str)
@pytest.mark.parametrize("loss", cases.LOSSES)
@pytest.mark.parametrize("name", cases.NETWORKS)
def test_it_is_the_mean_of_every_samples(name: str, loss: str, dtype: torch.dtype) -> None:
    model, images = cases.NETWORKS[name]().to(dtype), cases.images()
    expected = reference.gradient(model, images, loss)
    found = gradient(model, Split(images.inputs.to(dtype), images.targets), loss)
    assert list(found) == [name for name, _ in model.named_parameters()]
    largest = max(float(part.abs().max()) for part in expected.values())
    for name, part in found.items():
        assert part.dtype == dtype
        assert float((part.double() - expected[name]).abs().max()) <= ROUNDING[dtype] * largest, name


@pytest.mark.parametrize("name", ["mlp", "resnet-batch"])
def test_it_is_the_slope_of_the_loss(name: str) -> None:
    model, images = cases.NETWORKS[name]().double(), cases.images()
    found = gradient(model, Split(images.inputs.double(), images.targets), "cross_entropy")
    torch.manual_seed(0)
    direction = {name: torch.randn_like(part) for name, part in found.items()}
    above, below = (
        reference.evaluation(reference.moved(model, [(step, direction)]), images, "cross_entropy")[0]
        for step in (1e-6, -1e-6)
    )
    assert dot(found, direction) == pytest.approx((above - below) / 2e-6, rel=1e-4)


def test_the_gradient_of_a_split_is_that_of_its_mean_loss() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.Dropout(0.5), nn.Linear(5, 3)).double()
    inputs, targets = torch.randn(70, 12, dtype=torch.float64), torch.randint(0, 3, (70,))
    found = gradient(model, Split(inputs, targets), "cross_entropy")
    model.eval()
    nn.functional.cross_entropy(model(inputs), targets).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(found[name], parameter.grad, rtol=1e-12, atol=1e-14), name


def test_batches_make_no_difference() -> None:
    model, images = cases.NETWORKS["cnn"]().double(), cases.images()
    split = Split(images.inputs.double(), images.targets)
    whole = gradient(model, split, "mse")
    for name, part in gradient(model, split, "mse", batch_size=17).items():  # 17 + 17 + 6
        torch.testing.assert_close(part, whole[name], rtol=1e-10, atol=1e-14)


def test_the_model_is_left_as_it_is() -> None:
    model, images = cases.NETWORKS["resnet-batch"](), cases.images()
    first, last = next(iter(model.children())), list(model.parameters())[-1]
    model.train()
    first.eval()
    last.grad = torch.ones_like(last)
    modes = [module.training for module in model.modules()]
    assert len(set(modes)) == 2
    state = copy.deepcopy(model.state_dict())
    gradient(model, images, "mse")
    with pytest.raises(RuntimeError):
        gradient(model, Split(images.inputs[:, :1], images.targets), "mse")  # a channel is missing
    assert [module.training for module in model.modules()] == modes
    assert torch.equal(last.grad, torch.ones_like(last))
    assert [parameter.grad is None for parameter in model.parameters()].count(False) == 1
    for name, tensor in model.state_dict().items():
        assert tensor.dtype == state[name].dtype
        assert torch.equal(tensor, state[name])


def test_what_is_not_trained_is_left_out_and_what_is_not_used_is_zero() -> None:
    class Partly(nn.Linear):
        def __init__(self) -> None:
            super().__init__(4, 3)
            self.unused = nn.Parameter(torch.ones(2))
            self.bias.requires_grad_(False)

    found = gradient(Partly(), Split(torch.randn(5, 4), torch.zeros(5, dtype=torch.int64)), "mse")
    assert list(found) == ["weight", "unused"]
    assert torch.equal(found["unused"], torch.zeros(2))
    assert bool(found["weight"].any())
