"""The training loop against float64 twins that spell out each update."""

import copy
import csv
import dataclasses
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import cases
import reference
from landscape_cli import checkpoint
from landscape_cli.data.batches import epoch_batches
from landscape_cli.data.load import Dataset
from landscape_cli.errors import DivergedError, LandscapeError
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.runs import METRICS, Run
from landscape_cli.schemas.training import TrainConfig
from landscape_cli.training.loop import train
from landscape_cli.training.metrics import gradient_norm
from landscape_cli.training.options import Recipe
from landscape_cli.training.record import Record, claim
from landscape_cli.training.state import State, prepare

SGD = {"name": "sgd", "lr": 0.05, "momentum": 0.0, "nesterov": False, "weight_decay": 0.0}
CONSTANT = {"name": "constant", "warmup": 0}


def configured(**keys: Any) -> TrainConfig:
    defaults = {"optimizer": SGD, "schedule": CONSTANT, "batch_size": 16, "epochs": 3, "out": "unused"}
    return TrainConfig(**{**defaults, **keys})


def trained(config: TrainConfig, model: nn.Module, data: Dataset, out: Path) -> State:
    torch.manual_seed(config.seed)
    recipe = config.part(Recipe)
    state = prepare(recipe, config.optimizer, config.schedule, model, data)
    made_by = {"dataset_fingerprint": data.fingerprint}
    every = config.checkpoint_every, config.evaluate_every
    with claim(out, dataclasses.asdict(config), made_by, *every) as record:
        train(recipe, state, data, record)
    return state


def twin_of_sgd(config: TrainConfig, model: nn.Module, data: Dataset) -> nn.Module:
    """SGD with everything that is added to it, from the update rules, in float64."""
    twin = copy.deepcopy(model).double().train()
    params = list(twin.parameters())
    momentum, decay = config.optimizer["momentum"], config.optimizer["weight_decay"]
    velocity = [torch.zeros_like(parameter) for parameter in params]
    order = torch.Generator().manual_seed(config.seed)
    step = 0
    for _ in range(config.epochs):
        for indices in epoch_batches(len(data.train), config.batch_size, order):
            losses = per_sample_loss(
                config.loss, twin(data.train.inputs[indices].double()), data.train.targets[indices]
            )
            gradients = list(torch.autograd.grad(losses.mean(), params))
            for gradient, parameter in zip(gradients, params, strict=True):
                gradient += config.l1 * parameter.detach().sign()
            if config.clip_grad_norm:
                length = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
                gradients = [
                    gradient * min(1.0, config.clip_grad_norm / (length + 1e-6)) for gradient in gradients
                ]
            lr = config.optimizer["lr"] * (
                1.0 if step == 0 else config.schedule.get("gamma", 1.0) ** (step / 3)
            )
            with torch.no_grad():
                for parameter, gradient, v in zip(params, gradients, velocity, strict=True):
                    gradient = gradient + decay * parameter
                    v.mul_(momentum).add_(gradient)
                    nesterov = config.optimizer["nesterov"]
                    parameter -= lr * (gradient + momentum * v if nesterov else v)
            step += 1
    return twin


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"batch_size": "full"},
        {"loss": "mse"},
        {"optimizer": {**SGD, "momentum": 0.9, "weight_decay": 0.1}},
        {"optimizer": {**SGD, "momentum": 0.9, "nesterov": True}},
        {"l1": 0.01},
        {"clip_grad_norm": 0.1},
        {"schedule": {"name": "exponential", "gamma": 0.5, "warmup": 0}},
        {"micro_batch": 5},
        {"micro_batch": 7, "batch_size": "full", "l1": 0.01, "clip_grad_norm": 0.2},
    ],
    ids=str,
)
def test_the_weights_are_those_of_the_update_rules(tmp_path: Path, keys: dict[str, Any]) -> None:
    config, model, data = configured(**keys), cases.NETWORKS["mlp"](), cases.dataset()
    twin = twin_of_sgd(config, model, data)
    trained(config, model, data, tmp_path / "run")
    for measured, expected in zip(model.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(measured.detach().double(), expected.detach(), rtol=1e-4, atol=1e-6)


def test_each_row_describes_the_weights_of_the_finished_epoch(tmp_path: Path) -> None:
    config, model, data = configured(checkpoint_every=1), cases.NETWORKS["resnet-batch"](), cases.dataset()
    trained(config, model, data, tmp_path / "run")
    with (tmp_path / "run" / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == METRICS
    assert [int(row["epoch"]) for row in rows] == [0, 1, 2, 3]
    assert [int(row["step"]) for row in rows] == [0, 3, 6, 9]
    for row in rows:
        path = tmp_path / "run" / "checkpoints" / f"epoch_{int(row['epoch']):04d}.pt"
        model.load_state_dict(checkpoint.load(path)["model"])
        for split in ("train", "test"):
            loss, accuracy = reference.evaluation(model, getattr(data, split), "cross_entropy")
            assert float(row[f"{split}_loss"]) == pytest.approx(loss, rel=1e-5)
            assert float(row[f"{split}_accuracy"]) == pytest.approx(accuracy, abs=1e-9)
        squares = [float((parameter.detach().double() ** 2).sum()) for parameter in model.parameters()]
        assert float(row["weight_norm"]) == pytest.approx(math.sqrt(sum(squares)), rel=1e-6)


@pytest.mark.parametrize("network", cases.NETWORKS)
def test_the_gradient_norm_is_that_of_the_mean_loss(network: str) -> None:
    model, data = cases.NETWORKS[network](), cases.dataset()
    twin, inputs = cases.double(model, data.train.inputs)
    loss = per_sample_loss("cross_entropy", twin.eval()(inputs), data.train.targets).mean()
    gradients = torch.autograd.grad(loss, list(twin.parameters()))
    expected = math.sqrt(sum(float((gradient**2).sum()) for gradient in gradients))
    assert gradient_norm(model.train(), data.train, "cross_entropy") == pytest.approx(expected, rel=1e-5)
    assert model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_checkpoints_are_kept_as_asked(tmp_path: Path) -> None:
    config = configured(epochs=5, checkpoint_every=2)
    trained(config, cases.NETWORKS["mlp"](), cases.dataset(), tmp_path / "run")
    assert Run(tmp_path / "run", {}).epochs() == [0, 2, 4, 5]
    assert not list((tmp_path / "run" / "checkpoints").glob("resume*"))


def without_seconds(path: Path) -> list[dict[str, float]]:
    return [{name: row[name] for name in METRICS[:-1]} for row in Run(path, {}).metrics()]


def test_rows_are_written_as_often_as_asked_and_say_the_same(tmp_path: Path) -> None:
    names = {1: "often", 3: "seldom"}
    for every, name in names.items():
        config = configured(epochs=8, checkpoint_every=4, evaluate_every=every)
        trained(config, cases.NETWORKS["resnet-batch"](), cases.dataset(), tmp_path / name)
    often, seldom = (without_seconds(tmp_path / name) for name in names.values())
    assert [row["epoch"] for row in seldom] == [0, 3, 4, 6, 8]
    assert seldom == [row for row in often if row["epoch"] in (0, 3, 4, 6, 8)]


@pytest.mark.parametrize("stopped_at", [2, 5, 6, 7])
def test_a_training_that_is_stopped_between_rows_goes_on_from_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    named = {group: {"name": "a name"} for group in ("dataset", "architecture", "normalization", "init")}
    config = configured(epochs=8, evaluate_every=3, **named)
    whole = trained(config, cases.NETWORKS["resnet-batch"](), cases.dataset(), tmp_path / "whole")
    monkeypatch.setattr("landscape_cli.training.record.SECONDS_BETWEEN_SAVES", 0)
    save, epochs = Record.save, []

    def stopping(self: Record, state: State, *, kept: bool = False) -> None:
        save(self, state, kept=kept)
        epochs.append(state.epoch)
        if epochs == [*range(stopped_at + 1)]:
            raise KeyboardInterrupt

    monkeypatch.setattr(Record, "save", stopping)
    with pytest.raises(KeyboardInterrupt):
        trained(config, cases.NETWORKS["resnet-batch"](), cases.dataset(), tmp_path / "run")
    resumed = trained(config, cases.NETWORKS["resnet-batch"](), cases.dataset(), tmp_path / "run")
    assert epochs == [*range(9)]
    assert without_seconds(tmp_path / "run") == without_seconds(tmp_path / "whole")
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_training_ends_with_the_accuracy_asked_for(tmp_path: Path) -> None:
    data = cases.dataset()
    config = configured(epochs=200, stop_at_train_accuracy=0.9, optimizer={**SGD, "lr": 0.5})
    state = trained(config, cases.NETWORKS["mlp"](), data, tmp_path / "run")
    rows = Run(tmp_path / "run", {}).metrics()
    assert rows[-1]["train_accuracy"] >= 0.9
    assert all(row["train_accuracy"] < 0.9 for row in rows[:-1])
    assert state.epoch == rows[-1]["epoch"] < 200
    assert Run(tmp_path / "run", {}).epochs() == [0, state.epoch]
    assert Run(tmp_path / "run", {}).finished


def test_training_ends_with_the_test_accuracy_asked_for(tmp_path: Path) -> None:
    data = cases.dataset()
    data = dataclasses.replace(data, test=data.train)
    config = configured(epochs=200, stop_at_test_accuracy=0.9, optimizer={**SGD, "lr": 0.5})
    state = trained(config, cases.NETWORKS["mlp"](), data, tmp_path / "run")
    rows = Run(tmp_path / "run", {}).metrics()
    assert rows[-1]["test_accuracy"] >= 0.9
    assert all(row["test_accuracy"] < 0.9 for row in rows[:-1])
    assert 0 < state.epoch == rows[-1]["epoch"] < 200


def test_steps_end_the_training_within_an_epoch(tmp_path: Path) -> None:
    data = cases.dataset()
    per_epoch = len(epoch_batches(len(data.train), 16, torch.Generator()))
    steps = 2 * per_epoch + 1
    state = trained(configured(steps=steps), cases.NETWORKS["mlp"](), data, tmp_path / "steps")
    rows = Run(tmp_path / "steps", {}).metrics()
    assert [row["step"] for row in rows] == [0, per_epoch, 2 * per_epoch, steps]
    assert [row["epoch"] for row in rows] == [0, 1, 2, 3]
    config = configured(epochs=2)
    begun = trained(config, cases.NETWORKS["mlp"](), data, tmp_path / "epochs")
    assert without_seconds(tmp_path / "epochs") == without_seconds(tmp_path / "steps")[:3]
    first = epoch_batches(len(data.train), 16, begun.order)[0]
    begun.optimizer.zero_grad()
    outputs = begun.model.train()(data.train.inputs[first])
    per_sample_loss(config.loss, outputs, data.train.targets[first]).mean().backward()
    begun.optimizer.step()
    for one, other in zip(state.model.parameters(), begun.model.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_a_schedule_ends_with_the_steps(tmp_path: Path) -> None:
    config = configured(steps=7, schedule={"name": "linear", "final": 0.0, "warmup": 0})
    state = trained(config, cases.NETWORKS["mlp"](), cases.dataset(), tmp_path / "run")
    assert state.step == 7
    assert state.lr == pytest.approx(0, abs=1e-12)


def test_rows_and_checkpoints_may_be_spaced_by_a_factor(tmp_path: Path) -> None:
    config = configured(epochs=30, evaluate_every="log", checkpoint_every="log", batch_size="full")
    trained(config, cases.NETWORKS["mlp"](), cases.dataset(), tmp_path / "run")
    spaced = [0, 1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 30]
    assert [row["epoch"] for row in Run(tmp_path / "run", {}).metrics()] == spaced
    assert Run(tmp_path / "run", {}).epochs() == spaced


def test_a_seed_determines_everything(tmp_path: Path) -> None:
    def weights(seed: int, name: str) -> list[torch.Tensor]:
        model = cases.NETWORKS["cnn"]()
        trained(configured(seed=seed, augment="crop_flip"), model, cases.dataset(), tmp_path / name)
        return [parameter.detach() for parameter in model.parameters()]

    first, again, other = weights(1, "a"), weights(1, "b"), weights(2, "c")
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


def test_a_loss_that_is_not_finite_ends_the_training_unfinished(tmp_path: Path) -> None:
    config = configured(optimizer={**SGD, "lr": 1e20}, loss="mse")
    with pytest.raises(DivergedError, match=r"diverged.*lower optimizer\.lr") as refused:
        trained(config, cases.NETWORKS["cnn"](), cases.dataset(), tmp_path / "run")
    assert refused.value.folder == tmp_path / "run"
    assert not Run(tmp_path / "run", {}).finished


def test_bf16_trains_in_low_precision_and_keeps_weights_in_float32(tmp_path: Path) -> None:
    results = {}
    for precision in ("fp32", "bf16"):
        model = cases.NETWORKS["cnn"]()
        trained(configured(precision=precision), model, cases.dataset(), tmp_path / precision)
        results[precision] = [parameter.detach() for parameter in model.parameters()]
    assert all(parameter.dtype == torch.float32 for parameter in results["bf16"])
    distance = max(float((a - b).abs().max()) for a, b in zip(*results.values(), strict=True))
    assert 0 < distance < 0.02


@pytest.mark.slow
@pytest.mark.filterwarnings(
    "ignore:.*torch.jit:DeprecationWarning"
)  # torch 2.11's compiler uses what it deprecates
def test_compiled_training_finds_the_same_weights(tmp_path: Path) -> None:
    results = []
    for compiled in (False, True):
        model = cases.NETWORKS["mlp"]()
        trained(configured(compile=compiled), model, cases.dataset(), tmp_path / str(compiled))
        results.append(dict(model.named_parameters()))
    for name, parameter in results[0].items():
        torch.testing.assert_close(parameter, results[1][name], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"augment": "flip"}, "no augmentation 'flip'"),
        ({"batch_size": 41}, "more than the 40 training samples"),
        ({"optimizer": {**SGD, "name": "sdg"}}, "nearest: sgd"),
        ({"optimizer": {**SGD, "lr": "fast"}}, r"optimizer\.lr must be a finite number"),
        ({"optimizer": {**SGD, "lr": -1.0}}, r"optimizer\.lr must be .* got -1"),
        ({"optimizer": {"name": "adam", "lr": 0.1, "betas": [0.9]}}, "two numbers"),
        ({"optimizer": {**SGD, "nesterov": True}}, "cannot be built"),
    ],
)
def test_mistakes_are_refused_before_the_work(keys: dict[str, Any], words: str) -> None:
    config, network = configured(**keys), cases.NETWORKS["mlp"]()
    with pytest.raises(LandscapeError, match=words):
        prepare(config.part(Recipe), config.optimizer, config.schedule, network, cases.dataset())


class TooLarge(nn.Module):
    """Has memory for so many samples in training, and so many in evaluation."""

    def __init__(self, training: int, evaluation: int = 10**9) -> None:
        super().__init__()
        self.inner, self.most = cases.NETWORKS["mlp"](), (evaluation, training)
        self.tried: list[int] = []

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.tried.append(len(inputs))
        if len(inputs) > self.most[self.training]:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        return self.inner(inputs)


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"batch_size": 16}, "passes of 16 samples; say micro_batch=8: "),
        ({"batch_size": "full"}, "passes of 40 samples; say micro_batch=20: "),
        ({"batch_size": 16, "micro_batch": 10}, "passes of 10 samples; say micro_batch=5: "),
        ({"batch_size": 16, "micro_batch": 1}, "passes of 1 samples; choose a smaller network"),
    ],
)
def test_out_of_memory_names_the_batch_that_was_tried_and_the_one_to_try(
    keys: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(LandscapeError) as raised:
        trained(configured(**keys), TooLarge(training=0), cases.dataset(), tmp_path / "run")
    assert str(raised.value).startswith(f"the memory does not suffice for {told}")
    assert len(str(raised.value).splitlines()) <= 2


def test_metrics_are_measured_in_smaller_batches_where_memory_is_short(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    named = {group: {"name": "a name"} for group in ("dataset", "architecture", "normalization", "init")}
    config = configured(epochs=1, **named)
    short, plenty = TooLarge(16, evaluation=16), TooLarge(16)
    trained(config, short, cases.dataset(), tmp_path / "short")
    assert capsys.readouterr().err.count("losses are measured in batches of 12") == 1
    trained(config, plenty, cases.dataset(), tmp_path / "plenty")
    one, other = (Run(tmp_path / name, {}).metrics() for name in ("short", "plenty"))
    for row, wanted in zip(one, other, strict=True):
        for name in set(METRICS) - {"seconds"}:
            assert row[name] == pytest.approx(wanted[name], rel=1e-5)


@pytest.mark.parametrize("stopped_at", [1, 3])
def test_an_interrupted_training_loses_no_epoch_that_is_older_than_a_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped_at: int
) -> None:
    """Nothing was written but epoch 0: the copy in memory is, with what was drawn at random."""
    monkeypatch.setattr("landscape_cli.training.record.SECONDS_BETWEEN_COPIES", 0)
    named = {group: {"name": "a name"} for group in ("dataset", "architecture", "normalization", "init")}
    config = configured(epochs=5, augment="crop_flip", **named)
    whole = trained(config, cases.NETWORKS["cnn"](), cases.dataset(), tmp_path / "whole")
    with monkeypatch.context() as patch:
        steps, step = [], State.lr.fget

        def stopping(self: State) -> float:
            steps.append(self.step)
            if self.epoch == stopped_at and len(steps) % 3 == 2:  # within an epoch of three steps
                raise KeyboardInterrupt
            return step(self)  # type: ignore[misc]

        patch.setattr(State, "lr", property(stopping))
        with pytest.raises(KeyboardInterrupt):
            trained(config, cases.NETWORKS["cnn"](), cases.dataset(), tmp_path / "run")
    names = {path.name for path in (tmp_path / "run" / "checkpoints").iterdir()}
    assert names == {"epoch_0000.pt", f"resume_{stopped_at:04d}.pt"}
    resumed = trained(config, cases.NETWORKS["cnn"](), cases.dataset(), tmp_path / "run")
    assert without_seconds(tmp_path / "run") == without_seconds(tmp_path / "whole")
    for one, other in zip(whole.model.parameters(), resumed.model.parameters(), strict=True):
        assert torch.equal(one, other)
