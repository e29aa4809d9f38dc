"""The functions for notebooks, on models, losses and data as people bring them, against float64 twins."""

import copy
import json
import re
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torchvision
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, TensorDataset

from conftest import Landscape
from landscape_cli import barrier, interpolate, line, plot, read, surface
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.problem import subset
from landscape_cli.store import Surface

EACH = nn.CrossEntropyLoss(reduction="none")
SMALL = {"x": (-1, 1, 3), "y": (0, 0.5, 2)}


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


def names_in(group: h5py.Group) -> list[str]:
    found: list[str] = []
    group.visititems(lambda name, item: found.append(name) if isinstance(item, h5py.Dataset) else None)
    return found


def directions_in(path: Path) -> dict[str, dict[str, Tensor]]:
    with h5py.File(path) as file:
        return {
            axis: {name: torch.tensor(group[name][()]).double() for name in names_in(group)}
            for axis, group in file["directions"].items()
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


CASES: dict[str, tuple[Callable[[], nn.Module], Any, Any, Callable[[nn.Module], list[Tensor]], float]] = {
    "resnet18": (resnet, EACH, IMAGES, lambda model: [EACH(model(IMAGES[0].double()), IMAGES[1])], 1e-5),
    "named loss": (mlp, "cross_entropy", NUMBERS, lambda m: [EACH(m(NUMBERS[0].double()), NUMBERS[1])], 1e-6),
    "mean loss": (
        mlp,
        nn.CrossEntropyLoss(),
        NUMBERS,
        lambda model: [EACH(model(NUMBERS[0].double()), NUMBERS[1])],
        1e-6,
    ),
    "class weights": (
        mlp,
        nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]), reduction="none"),
        NUMBERS,
        lambda m: [EACH(m(NUMBERS[0].double()), NUMBERS[1]) * (1 + NUMBERS[1])],
        1e-6,
    ),
    "tokens": (language_model, token_losses, EQUAL, token_twin(EQUAL), 1e-6),
    "sentences of any length": (language_model, token_losses, RAGGED, token_twin(RAGGED), 1e-6),
    "series of any length": (
        Recurrent,
        EACH,
        SERIES,
        lambda model: [EACH(model(inputs.double()), targets) for inputs, targets in SERIES],
        1e-6,
    ),
    "regression": (
        lambda: mlp(classes=2),
        nn.MSELoss(),
        (NUMBERS[0], FITTED),
        lambda model: [squares(model(NUMBERS[0].double()), FITTED)],
        1e-6,
    ),
    "lambda": (
        lambda: mlp(classes=2),
        lambda outputs, targets: squares(outputs, targets).sum(1),
        TensorDataset(NUMBERS[0], FITTED),
        lambda model: [squares(model(NUMBERS[0].double()), FITTED).sum(1)],
        1e-6,
    ),
    "by position": (Odd, odd_loss, (ODD_INPUTS[0], NUMBERS[1]), odd_twin, 1e-6),
    "by name": (Odd, odd_loss, (ODD_INPUTS[1], NUMBERS[1]), odd_twin, 1e-6),
}


@pytest.mark.parametrize("case", CASES)
def test_values_are_those_of_float64_and_the_model_is_left_as_it_was(tmp_path: Path, case: str) -> None:
    make, loss, data, twin, rounding = CASES[case]
    model = make()
    next(model.parameters()).requires_grad_(False)
    list(model.modules())[-1].eval()
    list(model.modules())[-2].register_forward_hook(lambda *_: None)
    before = state_of(model)
    if isinstance(data, TensorDataset):
        data = DataLoader(data, batch_size=4)
    found = surface(model, loss, data, out=tmp_path / "plane.h5", **SMALL)
    np.testing.assert_allclose(found.values["train/loss"], twins(found, model, twin), rtol=rounding)
    assert found.values["train/loss"].shape == (2, 3)
    assert found.evaluated.all()
    assert_same_state(model, before)


def test_a_line_has_two_splits_and_an_accuracy(tmp_path: Path) -> None:
    model, test = mlp(), (numbers(9)[0] + 1, numbers(9)[1])
    found = line(model, EACH, NUMBERS, test, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert set(found.values) == {
        f"{split}/{value}" for split in ("train", "test") for value in ("loss", "accuracy")
    }
    for split, (inputs, targets) in {"train": NUMBERS, "test": test}.items():
        right = (model(inputs).argmax(1) == targets).double().mean().item()
        assert found.values[f"{split}/accuracy"][1] == pytest.approx(right)
        losses = twins(found, model, lambda twin, x=inputs, y=targets: [EACH(twin(x.double()), y)])
        np.testing.assert_allclose(found.values[f"{split}/loss"], losses, rtol=1e-6)


WAYS: dict[str, Callable[[], Any]] = {
    "a list of two": lambda: list(NUMBERS),
    "NumPy": lambda: tuple(one.numpy() for one in NUMBERS),
    "a loader": lambda: DataLoader(TensorDataset(*NUMBERS), batch_size=4),
    "a shuffling loader": lambda: DataLoader(TensorDataset(*NUMBERS), batch_size=4, shuffle=True),
    "a generator": lambda: ((NUMBERS[0][i : i + 5], NUMBERS[1][i : i + 5]) for i in range(0, 18, 5)),
    "a tuple of batches": lambda: ((NUMBERS[0][:9], NUMBERS[1][:9]), (NUMBERS[0][9:], NUMBERS[1][9:])),
    "a mapping": lambda: {
        "input": NUMBERS[0],
        "targets": NUMBERS[1],
        "name": "the batch's",
        "text": ["a"] * 18,
    },
    "mappings": lambda: [{"input": NUMBERS[0][i : i + 9], "targets": NUMBERS[1][i : i + 9]} for i in (0, 9)],
}


@pytest.mark.parametrize("way", WAYS)
def test_data_come_in_any_form(tmp_path: Path, way: str) -> None:
    def loss(outputs: Tensor, targets: Any) -> Tensor:
        return EACH(outputs, targets["targets"] if isinstance(targets, dict) else targets)

    model, options = mlp(), {"x": (-1, 1, 3)}
    expected = line(model, loss, NUMBERS, out=tmp_path / "tensors.h5", **options).values["train/loss"]
    found = line(model, loss, WAYS[way](), out=tmp_path / "other.h5", **options).values["train/loss"]
    np.testing.assert_allclose(found, expected, rtol=1e-7)
    torch.manual_seed(99)
    again = line(model, loss, WAYS[way](), out=tmp_path / "other.h5", **options)  # takes them for the same
    np.testing.assert_array_equal(again.values["train/loss"], found)


def test_the_callers_random_numbers_go_on_as_they_would(tmp_path: Path) -> None:
    model, loader = mlp(), DataLoader(TensorDataset(*NUMBERS), batch_size=4, shuffle=True)
    state = torch.get_rng_state()
    line(model, EACH, loader, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert torch.equal(state, torch.get_rng_state())


def test_batches_of_tokens_are_never_made_larger(tmp_path: Path) -> None:
    sizes = set()

    def loss(logits: Tensor, batch: dict[str, Tensor]) -> Tensor:
        sizes.add(len(logits))
        return token_losses(logits, batch)

    line(language_model(), loss, EQUAL, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert sizes == {4, 2}


def keeping_its_output() -> nn.Module:
    model = mlp()
    model[1].output = model[0](NUMBERS[0])
    return model


MISTAKES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "a dataset": (
        lambda out: line(mlp(), EACH, TensorDataset(*NUMBERS), out=out),
        r"must be \(inputs, targets\) or a DataLoader, got a TensorDataset",
    ),
    "three": (
        lambda out: line(mlp(), EACH, [(*NUMBERS, 1)], out=out),
        r"or a mapping, got \[float32 \(18, 5\), ",
    ),
    "lengths": (
        lambda out: line(mlp(), EACH, (NUMBERS[0], NUMBERS[1][:3]), out=out),
        r"got float32 \(18, 5\) and",
    ),
    "no sample": (
        lambda out: line(mlp(), EACH, (NUMBERS[0][:0], NUMBERS[1][:0]), out=out),
        r"one or more, got",
    ),
    "no batch": (lambda out: line(mlp(), EACH, iter([]), out=out), "can be read only once"),
    "a number": (
        lambda out: line(mlp(), EACH, {"input": NUMBERS[0], "factor": torch.tensor(2.0)}, out=out),
        r"factor: float32 \(\)",
    ),
    "a list": (
        lambda out: line(mlp(), EACH, {"input": NUMBERS[0], "lengths": [1] * 18}, out=out),
        "a list of int; make it a tensor or leave it out",
    ),
    "other names": (
        lambda out: line(mlp(), EACH, {"x": NUMBERS[0]}, out=out),
        "takes input, but a batch has x",
    ),
    "no loss": (lambda out: line(mlp(), "nll", NUMBERS, out=out), "choose from cross_entropy, mse"),
    "a number for a loss": (lambda out: line(mlp(), lambda *_: 1.0, NUMBERS, out=out), "got a float"),
    "mse of numbers": (
        lambda out: line(mlp(), "mse", (NUMBERS[0], NUMBERS[1].float()), out=out),
        "torch.nn.MSELoss",
    ),
    "no module": (lambda out: line(torch.tanh, EACH, NUMBERS, out=out), "must be a torch.nn.Module"),
    "complex": (
        lambda out: line(nn.Linear(5, 3, dtype=torch.cfloat), EACH, NUMBERS, out=out),
        "parameter weight is of torch.complex64",
    ),
    "a kept activation": (
        lambda out: line(keeping_its_output(), EACH, NUMBERS, out=out),
        r"torch\.no_grad\(\)",
    ),
    "grid": (lambda out: line(mlp(), EACH, NUMBERS, out=out, x=(1, -1, 3)), "x must be"),
    "samples of a mean": (
        lambda out: line(mlp(), nn.CrossEntropyLoss(), NUMBERS, out=out, samples=6),
        "samples=6 needs the loss of each sample",
    ),
    "two architectures": (
        lambda out: interpolate(mlp(), mlp(classes=4), EACH, NUMBERS, out=out),
        r"2.weight is \(3, 8\) in one and \(4, 8\)",
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_told_before_a_file_is_made(tmp_path: Path, mistake: str) -> None:
    call, message = MISTAKES[mistake]
    with pytest.raises(LandscapeError, match=message):
        call(tmp_path / "line.h5")
    assert not list(tmp_path.iterdir())


def test_random_forward_passes_are_refused_with_both_numbers(tmp_path: Path) -> None:
    class Left(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return F.dropout(x)  # whatever the mode

    with pytest.raises(LandscapeError, match="dropout left on") as error:
        line(nn.Sequential(mlp(), Left()), EACH, NUMBERS, out=tmp_path / "line.h5")
    one, other = re.findall(r"\d\.\d+", str(error.value))
    assert one != other
    assert not (tmp_path / "line.h5").exists()


def test_an_interrupted_surface_goes_on_where_it_stopped(tmp_path: Path) -> None:
    calls, stop_at = 0, 100

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        return EACH(outputs, targets)

    def go_on(name: str) -> Surface:
        return surface(mlp(), loss, NUMBERS, out=tmp_path / name, x=(-1, 1, 5), y=(-1, 1, 5), batch_size=3)

    with pytest.raises(KeyboardInterrupt):
        go_on("plane.h5")
    done = read(tmp_path / "plane.h5").evaluated.sum()
    assert 10 < done < 25
    calls, stop_at = 0, 0
    found = go_on("plane.h5")
    assert (
        6 * (25 - done) <= calls < 6 * (25 - done) + 6
    )  # six batches a point; the rest looks for randomness
    calls = 0
    again = go_on("plane.h5")
    assert calls < 6
    whole = go_on("whole.h5")
    for other in (again, whole):
        np.testing.assert_array_equal(found.values["train/loss"], other.values["train/loss"])


def test_another_model_or_other_data_are_refused(tmp_path: Path) -> None:
    out, few = tmp_path / "plane.h5", {"x": (-1, 1, 3), "y": None}
    surface(mlp(), EACH, NUMBERS, out=out, **few)
    before = out.read_bytes()
    other = mlp()
    with torch.no_grad():
        other[2].bias[0] += 1e-6
    calls: list[Callable[[], Surface]] = [
        lambda: surface(other, EACH, NUMBERS, out=out, **few),
        lambda: surface(mlp(), EACH, (NUMBERS[0], 2 - NUMBERS[1]), out=out, **few),
        lambda: surface(mlp(), EACH, NUMBERS, NUMBERS, out=out, **few),
        lambda: surface(mlp(), EACH, NUMBERS, out=out, direction_seed=1, **few),
        lambda: surface(mlp(), EACH, NUMBERS, out=out, batch_size=5, **few),
        lambda: interpolate(mlp(), mlp(1), EACH, NUMBERS, out=out),
    ]
    for call in calls:
        with pytest.raises(LandscapeError, match="was begun with another configuration"):
            call()
    assert out.read_bytes() == before


def running_statistics_of(model: nn.Module, inputs: Tensor) -> nn.Module:
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1.0
    model.train()(inputs)
    return model.eval()


@pytest.mark.parametrize("batchnorm", ["interpolate", "recompute", "keep"])
def test_interpolation(tmp_path: Path, batchnorm: str) -> None:
    start, end, (inputs, targets) = resnet(0), resnet(1), IMAGES
    before = state_of(start), state_of(end)
    found = interpolate(
        start, end, EACH, IMAGES, out=tmp_path / "i.h5", alpha=(-0.5, 1, 4), batchnorm=batchnorm
    )
    for model, state in zip((start, end), before, strict=True):
        assert_same_state(model, state)
    points = [{**dict(one.named_parameters()), **dict(one.named_buffers())} for one in (start, end)]
    expected = []
    for alpha in found.x:
        twin = copy.deepcopy(start).double().eval()
        with torch.no_grad():
            for name, tensor in [*twin.named_parameters(), *twin.named_buffers()]:
                buffer = name not in dict(twin.named_parameters())
                if tensor.is_floating_point() and not (buffer and batchnorm != "interpolate"):
                    one, other = (point[name].double() for point in points)
                    tensor.copy_((1 - alpha) * one + alpha * other)
            if batchnorm == "recompute":
                running_statistics_of(twin, inputs.double())
            loss = EACH(twin(inputs.double()), targets).mean().item()
        expected.append(loss if np.isfinite(loss) else np.inf)  # variances below zero
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-5)
    assert found.kind == "interpolation"
    assert found.marks == [("start", 0.0, 0.0), ("end", 1.0, 0.0)]
    rise = found.values["train/loss"][1:] - np.linspace(*found.values["train/loss"][[1, 3]], 3)
    assert barrier(found) == pytest.approx((rise.max(), found.x[1:][rise.argmax()]))


class Masked(nn.Module):
    """One class is out of the question."""

    def __init__(self) -> None:
        super().__init__()
        self.model = mlp(torch.initial_seed())
        self.register_buffer("mask", torch.tensor([0.0, 0.0, -torch.inf]))

    def forward(self, x: Tensor) -> Tensor:
        return self.model(x) + self.mask


def test_masks_of_infinities_are_no_weights(tmp_path: Path) -> None:
    torch.manual_seed(1)
    start, data = Masked(), numbers(classes=2)
    torch.manual_seed(2)
    found = interpolate(start, Masked(), EACH, data, out=tmp_path / "i.h5", alpha=(0, 1, 3))
    expected = twins(found, start, lambda twin: [EACH(twin(data[0].double()), data[1])])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    assert len(set(found.values["train/loss"])) == 3
    assert np.isfinite(found.values["train/loss"]).all()


def test_a_barrier_needs_the_two_ends(tmp_path: Path) -> None:
    short = interpolate(mlp(), mlp(1), EACH, NUMBERS, out=tmp_path / "i.h5", alpha=(0, 0.5, 3))
    with pytest.raises(LandscapeError, match=r"alpha 0 and 1 are not both on the grid"):
        barrier(short)
    with pytest.raises(LandscapeError, match=r"no values 'test/loss'"):
        barrier(short, "test")
    with pytest.raises(LandscapeError, match="holds a plane"):
        barrier(surface(mlp(), EACH, NUMBERS, out=tmp_path / "p.h5", x=(0, 1, 2), y=(0, 1, 2)))


def test_samples_are_a_subset_with_its_standard_error(tmp_path: Path) -> None:
    model = mlp()
    found = line(model, EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3), samples=np.int64(9), seed=4)
    few = subset([NUMBERS], 9, 4, "train")
    inputs, targets = NUMBERS[0][few], NUMBERS[1][few]
    assert targets.bincount().tolist() == [3, 3, 3]
    expected = twins(found, model, lambda twin: [EACH(twin(inputs.double()), targets)])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    each = EACH(model.double()(inputs.double()), targets)
    assert found.values["train/loss_stderr"][1] == pytest.approx(each.std().item() / 3, rel=1e-5)


def test_samples_of_a_regression(tmp_path: Path) -> None:
    data = (NUMBERS[0], FITTED[:, :1])
    loss = nn.MSELoss(reduction="none")  # of shape (n, 1)
    found = line(mlp(classes=1), loss, data, out=tmp_path / "line.h5", x=(-1, 1, 3), samples=9)
    few = subset([data], 9, 0, "train")
    expected = twins(found, mlp(classes=1), lambda m: [squares(m(data[0][few].double()), data[1][few])])
    np.testing.assert_allclose(found.values["train/loss"], expected, rtol=1e-6)
    assert set(found.values) == {"train/loss", "train/loss_stderr"}


def test_anchors_are_exact(tmp_path: Path) -> None:
    options: dict[str, Any] = {"x": (-1, 1, 9)}
    exact = line(mlp(), EACH, NUMBERS, out=tmp_path / "exact.h5", **options).values["train/loss"]
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "a.h5", samples=9, anchors=2, **options)
    anchors = found.values["train/loss_stderr"] == 0
    assert anchors.sum() == 2
    np.testing.assert_allclose(found.values["train/loss"][anchors], exact[anchors], rtol=1e-6)
    plain = line(mlp(), EACH, NUMBERS, out=tmp_path / "s.h5", samples=9, **options).values["train/loss"]
    errors = [np.abs(np.log(one / exact)).max() for one in (found.values["train/loss"], plain)]
    assert errors[0] < errors[1]


def test_tolerance_leaves_points_out(tmp_path: Path) -> None:
    exact = line(mlp(), EACH, NUMBERS, out=tmp_path / "exact.h5", x=(-1, 1, 33)).values["train/loss"]
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "t.h5", x=(-1, 1, 33), tolerance=0.02)
    assert 5 <= found.evaluated.sum() < 33
    np.testing.assert_array_equal(found.values["train/loss"][found.evaluated], exact[found.evaluated])
    np.testing.assert_allclose(np.log(found.values["train/loss"]), np.log(exact), atol=0.02)


def test_bf16_tells_its_error(tmp_path: Path) -> None:
    model, loss = mlp(), nn.CrossEntropyLoss(torch.tensor([1.0, 2.0, 3.0]))
    exact = line(model, loss, NUMBERS, out=tmp_path / "fp32.h5", x=(-1, 1, 3))
    found = line(model, loss, NUMBERS, out=tmp_path / "bf16.h5", x=(-1, 1, 3), precision="bf16")
    checks = json.loads(found.attributes["precision_check"])
    assert [check["x"] for check in checks] == [0, -1, 1]
    errors = found.values["train/loss"] / exact.values["train/loss"] - 1
    assert 1e-6 < np.abs(errors).max() < 0.02
    for check, error in zip(checks, errors[[1, 0, 2]], strict=True):
        assert check["relative_error"] == pytest.approx(abs(error), rel=0.01, abs=1e-6)


def test_overflow_is_infinite(tmp_path: Path) -> None:
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(0, 1e38, 3), norm="none")
    assert np.isfinite(found.values["train/loss"][0])
    assert (found.values["train/loss"][1:] == np.inf).all()


def test_pictures(tmp_path: Path, landscape: Landscape) -> None:
    options: dict[str, Any] = {"x": (np.float64(-1), np.float64(1), np.int64(5))}
    plane = surface(mlp(), EACH, NUMBERS, out=tmp_path / "new" / "plane.h5", y=(-1, 1, 4), **options)
    first = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", **options)
    both = interpolate(mlp(), mlp(1), EACH, NUMBERS, out=str(tmp_path / "i.h5"), alpha=(0, 1, 5))
    assert isinstance(plot(plane), Figure)
    assert isinstance(plot([first, both], tmp_path / "lines.svg", scale="log"), Figure)
    assert isinstance(plot(plane, str(tmp_path / "plane.png"), kind="heatmap", value="accuracy"), Figure)
    assert isinstance(plot(plane, tmp_path / "plane.html"), Figure)
    assert (tmp_path / "plane.png").read_bytes().startswith(b"\x89PNG")
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("lines.svg", "plane.html"))
    assert read(str(tmp_path / "new" / "plane.h5")).values["train/loss"].shape == (4, 5)
    with pytest.raises(LandscapeError, match=r"out= with the ending \.html"):
        plot(plane, kind="interactive")
    outcome = landscape("plot", f"file={tmp_path / 'i.h5'}", "out=i.png")
    assert outcome.status == 0, outcome.err


def run_python(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_waits_for_torch_until_it_is_needed() -> None:
    run_python(
        "import sys, landscape_cli\n"
        "assert 'torch' not in sys.modules\n"
        "from landscape_cli import *\n"
        "assert surface.__module__ == plot.__module__ == 'landscape_cli.api'\n"
        "assert 'torch' in sys.modules\n"
        "assert not hasattr(landscape_cli, 'surfaces')"
    )


def test_the_functions_are_there_to_be_completed() -> None:
    run_python("import landscape_cli\nassert set(landscape_cli.__all__) <= set(dir(landscape_cli))")


def test_another_loss_is_refused_in_the_same_file(tmp_path: Path) -> None:
    line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))
    with pytest.raises(LandscapeError, match="the loss or the network's code has changed"):
        line(mlp(), nn.CrossEntropyLoss(label_smoothing=0.1), NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))


def test_outputs_keep_their_type_in_bf16(tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Outputs:
        logits: Tensor

    class Named(NamedTuple):
        logits: Tensor

    class Attributes(OrderedDict[str, Tensor]):
        logits = property(lambda self: self["logits"])

    class Wrapped(nn.Module):
        def __init__(self, wrap: Callable[[Tensor], Any]) -> None:
            super().__init__()
            self.model, self.wrap = mlp(), wrap

        def forward(self, x: Tensor) -> Any:
            return self.wrap(self.model(x))

    for wrap in (Outputs, Named, lambda logits: Attributes(logits=logits)):
        found = line(Wrapped(wrap), odd_loss, NUMBERS, out=tmp_path / "1.h5", x=(-1, 1, 3), precision="bf16")
        (tmp_path / "1.h5").unlink()
        assert np.isfinite(found.values["train/loss"]).all()


def test_what_float64_cannot_run_says_so(tmp_path: Path) -> None:
    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        return (outputs @ torch.ones(3, 3)).square().sum(1)

    with pytest.raises(LandscapeError, match=r"does not run .*; choose precision=fp32"):
        line(mlp(), loss, NUMBERS, out=tmp_path / "line.h5", precision="bf16")


def test_notebooks_show_pictures_and_a_line_of_a_surface(tmp_path: Path) -> None:
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert plot(found)._repr_png_().startswith(b"\x89PNG")
    assert re.fullmatch(r"<surface .*line.h5: 3, 3 of 3 points evaluated, .*train/loss.*>", repr(found))
