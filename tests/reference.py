"""The slow, obvious twins, in float64: one sample, one filter, one parameter at a time."""

import copy
import math

import torch
from torch import Tensor, nn

from landscape_cli.data.load import Split


def loss_of(output: Tensor, target: int, loss: str) -> float:
    """One sample's loss, from its definition."""
    values = output.tolist()
    if loss == "mse":
        return sum((value - (1.0 if c == target else 0.0)) ** 2 for c, value in enumerate(values))
    highest = max(values)
    return highest + math.log(sum(math.exp(value - highest) for value in values)) - values[target]


def evaluation(model: nn.Module, split: Split, loss: str) -> tuple[float, float]:
    """Mean loss and accuracy, sample by sample, in evaluation mode."""
    twin = copy.deepcopy(model).double().eval()
    losses, correct = [], 0
    with torch.no_grad():
        for sample, target in zip(split.inputs.double(), split.targets.tolist(), strict=True):
            output = twin(sample[None])[0]
            losses.append(loss_of(output, target, loss))
            correct += int(output.argmax()) == target
    return math.fsum(losses) / len(losses), correct / len(losses)


def gradient(model: nn.Module, split: Split, loss: str) -> dict[str, Tensor]:
    """The gradient of the mean loss, sample by sample, in evaluation mode."""
    twin = copy.deepcopy(model).double().eval()
    total = {name: torch.zeros_like(parameter) for name, parameter in twin.named_parameters()}
    for sample, target in zip(split.inputs.double(), split.targets.tolist(), strict=True):
        output = twin(sample[None])[0]
        if loss == "mse":
            wanted = torch.tensor([1.0 if c == target else 0.0 for c in range(len(output))])
            value = ((output - wanted) ** 2).sum()
        else:
            value = output.exp().sum().log() - output[target]
        twin.zero_grad()
        value.backward()
        for name, parameter in twin.named_parameters():
            assert parameter.grad is not None
            total[name] += parameter.grad / len(split)
    return total


def moved(model: nn.Module, terms: list[tuple[float, dict[str, Tensor]]]) -> nn.Module:
    """A float64 copy with every tensor set to its value plus the terms, entry by entry."""
    twin = copy.deepcopy(model).double()
    with torch.no_grad():
        for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
            for coefficient, direction in terms:
                if name in direction:
                    tensor += coefficient * direction[name].double()
    return twin


def filter_normalized(direction: Tensor, weight: Tensor) -> Tensor:
    """Li et al. (2018): d_i <- d_i ||w_i|| / (||d_i|| + 1e-10), filter by filter."""
    result = torch.empty_like(direction, dtype=torch.float64)
    for i in range(len(weight)):
        d = [float(value) for value in direction[i].double().flatten()]
        w = [float(value) for value in weight[i].double().flatten()]
        scale = math.sqrt(math.fsum(v * v for v in w)) / (math.sqrt(math.fsum(v * v for v in d)) + 1e-10)
        result[i] = torch.tensor([v * scale for v in d], dtype=torch.float64).reshape(direction[i].shape)
    return result
