"""Models, losses and data as people bring them, and what float64 makes of them."""

import copy
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader

from landscape_cli.store import Surface, directions

EACH = nn.CrossEntropyLoss(reduction="none")


class Stopping:
    """A loss that stops the work at its n-th call, as Ctrl-C does; it counts them."""

    def __init__(self, at: int | None = None) -> None:
        self.calls, self.at = 0, at

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.calls += 1
        if self.calls == self.at:
            raise KeyboardInterrupt
        return EACH(outputs, targets)


class LanguageModel(nn.Module):
    """Tied embeddings, and a mask of -inf among the buffers."""

    def __init__(self, length: int = 7) -> None:
        super().__init__()
        self.embedding = nn.Embedding(11, 12)
        self.positions = nn.Parameter(0.3 * torch.randn(length, 12))
        layer = nn.TransformerEncoderLayer(12, 2, 16, batch_first=True)  # with dropout, in training
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(12, 11)
        self.head.weight = self.embedding.weight
        self.register_buffer("causal", torch.full((length, length), -torch.inf).triu(1))

    def forward(self, tokens: Tensor, mask: Tensor) -> Tensor:
        length = tokens.shape[1]
        x = self.embedding(tokens) + self.positions[:length]
        padding = torch.zeros_like(mask, dtype=x.dtype).masked_fill(~mask, -torch.inf)
        return self.head(self.encoder(x, self.causal[:length, :length], padding))


class Recurrent(nn.Module):
    """Sequences of numbers, of any length."""

    def __init__(self) -> None:
        super().__init__()
        self.states = nn.GRU(5, 6, batch_first=True)
        self.head = nn.Linear(6, 3)

    def forward(self, series: Tensor) -> Tensor:
        return self.head(self.states(series)[0][:, -1])


class Odd(nn.Module):
    """Parametrized weights, whole-number buffers, BatchNorm; two inputs; outputs in an object."""

    def __init__(self) -> None:
        super().__init__()
        self.first = weight_norm(nn.Linear(5, 6))
        self.norm = nn.BatchNorm1d(6)
        self.last = nn.Linear(6, 3)
        self.register_buffer("order", torch.tensor([2, 0, 1]))

    def forward(self, left: Tensor, right: Tensor) -> Any:
        hidden = self.norm(self.first(torch.cat([left, right], dim=1)))
        return SimpleNamespace(logits=self.last(hidden.tanh())[:, self.order])


def resnet(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    model = torchvision.models.resnet18(num_classes=10)
    model(images(32, seed=3)[0])  # BatchNorm's statistics are no longer 0 and 1
    return model


def images(n: int = 16, seed: int = 1) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(n, 3, 32, 32, generator=generator), torch.arange(n) % 10


def mlp(seed: int = 0, classes: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(5, 8), nn.Tanh(), nn.Linear(8, classes))


def numbers(n: int = 18, classes: int = 3) -> tuple[Tensor, Tensor]:
    return torch.randn(n, 5, generator=torch.Generator().manual_seed(2)), torch.arange(n) % classes


def sentences(lengths: Iterable[int], batch_size: int) -> DataLoader[Any]:
    """Batches of dictionaries, each as long as its longest sentence."""
    generator = torch.Generator().manual_seed(4)
    rows = [torch.randint(0, 11, (length + 1,), generator=generator) for length in lengths]

    def collate(rows: list[Tensor]) -> dict[str, Tensor]:
        tokens, targets = (
            pad_sequence(part, batch_first=True) for part in zip(*map(shifted, rows), strict=True)
        )
        mask = pad_sequence([torch.ones(len(row) - 1, dtype=torch.bool) for row in rows], batch_first=True)
        return {"tokens": tokens, "mask": mask, "targets": targets}

    def shifted(row: Tensor) -> tuple[Tensor, Tensor]:
        return row[:-1], row[1:]

    return DataLoader(rows, batch_size, collate_fn=collate)


def token_losses(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
    return F.cross_entropy(logits[batch["mask"]], batch["targets"][batch["mask"]], reduction="none")


def squares(outputs: Tensor, targets: Tensor) -> Tensor:
    return (outputs - targets).square()


def language_model() -> nn.Module:
    torch.manual_seed(0)
    return LanguageModel()


def token_twin(loader: DataLoader[Any]) -> Callable[[nn.Module], list[Tensor]]:
    return lambda model: [token_losses(model(batch["tokens"], batch["mask"]), batch) for batch in loader]


def directions_in(path: Path) -> dict[str, dict[str, Tensor]]:
    return {
        axis: {name: torch.from_numpy(array).double() for name, array in direction.items()}
        for axis, direction in directions(path).items()
    }


def twins(found: Surface, model: nn.Module, losses: Callable[[nn.Module], list[Tensor]]) -> np.ndarray:
    """The mean of the losses at each point, of copies in float64 whose weights are set."""
    axes = directions_in(found.path)
    values = np.empty((1 if found.y is None else len(found.y), len(found.x)))
    for row, column in np.ndindex(values.shape):
        place = {"x": float(found.x[column]), "y": 0.0 if found.y is None else float(found.y[row])}
        twin = copy.deepcopy(model).double().eval()
        with torch.no_grad():
            for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
                for axis, direction in axes.items():
                    if name in direction:
                        tensor += place[axis] * direction[name]
            values[row, column] = torch.cat([part.flatten() for part in losses(twin)]).mean()
    return values[0] if found.y is None else values


def state_of(model: nn.Module) -> dict[str, Any]:
    """Everything about a module that a call might disturb."""
    return {
        "tensors": {name: (id(one), one.clone()) for name, one in model.state_dict(keep_vars=True).items()},
        "modes": [module.training for module in model.modules()],
        "gradients": [(one.requires_grad, one.grad is None) for one in model.parameters()],
        "devices": {one.device for one in model.state_dict().values()},
        "layouts": [one.stride() for one in model.state_dict().values()],
        "hooks": [
            (len(module._forward_hooks), len(module._forward_pre_hooks), len(module._backward_hooks))
            for module in model.modules()
        ],
        "attributes": [sorted(vars(module)) for module in model.modules()],
    }


def assert_same_state(model: nn.Module, before: dict[str, Any]) -> None:
    after = state_of(model)
    tensors = before.pop("tensors"), after.pop("tensors")
    assert before == after
    for (was, old), (now, new) in zip(*(list(one.values()) for one in tensors), strict=True):
        assert was == now
        assert old.dtype == new.dtype
        assert torch.equal(old, new)


IMAGES, NUMBERS = images(), numbers()
FITTED = torch.randn(18, 2, generator=torch.Generator().manual_seed(5))
SERIES = [(NUMBERS[0].view(-1, length, 5), NUMBERS[1][: 18 // length]) for length in (2, 3, 6)]
EQUAL, RAGGED = sentences([7] * 6, 4), sentences([7, 3, 5, 6, 2, 4, 7, 5], 3)
ODD_INPUTS = [(NUMBERS[0][:, :2], NUMBERS[0][:, 2:]), {"left": NUMBERS[0][:, :2], "right": NUMBERS[0][:, 2:]}]


def odd_loss(outputs: Any, targets: Tensor) -> Tensor:
    return F.cross_entropy(outputs.logits, targets, reduction="none")


def odd_twin(model: nn.Module) -> list[Tensor]:
    left, right = (one.double() for one in ODD_INPUTS[0])
    return [odd_loss(model(left, right), NUMBERS[1])]
