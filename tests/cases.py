"""Tiny networks and data on which every computation is compared with its slow twin."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from landscape_cli.architectures.build import build
from landscape_cli.data.load import Dataset, Split


def images(n: int = 40, shape: tuple[int, ...] = (2, 8, 8), classes: int = 3, seed: int = 0) -> Split:
    generator = torch.Generator().manual_seed(seed)
    inputs = torch.randn(n, *shape, generator=generator)
    return Split(inputs, torch.randint(0, classes, (n,), generator=generator))


def dataset(n: int = 40, shape: tuple[int, ...] = (2, 8, 8), classes: int = 3) -> Dataset:
    train, test = images(n, shape, classes, seed=1), images(n // 2, shape, classes, seed=2)
    return Dataset("made", train, test, classes, shape, torch.zeros(shape[0]), fingerprint="made")


def _network(architecture: dict[str, object], normalization: str) -> nn.Module:
    torch.manual_seed(3)
    model = build(architecture, {"name": normalization, "groups": 2}, (2, 8, 8), 3)
    for module in model.modules():  # as after some training: neither 0 nor 1
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            module.running_mean.uniform_(-0.2, 0.2)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


MLP = {"name": "mlp", "widths": [7, 5], "activation": "tanh"}
CNN = {"name": "cnn", "activation": "relu", "dropout": 0.0}
RESNET = {"name": "resnet20", "skip": True, "width": 0.25}

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "mlp": lambda: _network(MLP, "none"),
    "cnn": lambda: _network(CNN, "none"),
    "cnn-group": lambda: _network(CNN, "group"),
    "cnn-weight": lambda: _network(CNN, "weight"),
    "resnet-batch": lambda: _network(RESNET, "batch"),
}
LOSSES = ("cross_entropy", "mse")


def double(model: nn.Module, inputs: Tensor) -> tuple[nn.Module, Tensor]:
    """Return the model and the inputs in float64, as copies."""
    import copy

    return copy.deepcopy(model).double(), inputs.double()
