"""Networks that are trained together end where each ends alone, to rounding."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor, nn

from landscape_cli.data.batches import epoch_batches
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.evaluation.options import LOSSES
from landscape_cli.training import optimizers
from landscape_cli.training.stacked import WHOLE, losses_of, outputs_of, shared, train_stacked
from landscape_cli.uncompiled import without_compiler

COUNT, SAMPLES = 3, 20
OPTIMIZERS: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-2},
    "adam": {"name": "adam", "lr": 0.01},
    "adamw": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
    "adagrad": {"name": "adagrad", "lr": 0.1},
    "rmsprop": {"name": "rmsprop", "lr": 0.01},
}


def networks(outputs: int = 3, dtype: torch.dtype = torch.float64) -> list[nn.Module]:
    torch.manual_seed(5)
    return [
        nn.Sequential(nn.Flatten(), nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, outputs)).to(dtype)
        for _ in range(COUNT)
    ]


def data(outputs: int = 3, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = Generator().manual_seed(7)
    inputs = torch.randn(COUNT, SAMPLES, 2, 4, dtype=dtype, generator=generator)
    return inputs, torch.randint(0, outputs, (COUNT, SAMPLES), generator=generator)


def orders() -> list[Generator]:
    return [Generator().manual_seed(number) for number in range(COUNT)]


def alone(
    model: nn.Module,
    inputs: Tensor,
    targets: Tensor,
    optimizer: dict[str, Any],
    epochs: int,
    *,
    loss: str = "cross_entropy",
    batch_size: int | str = "full",
    order: Generator | None = None,
    rate: Callable[[int], float] = lambda epoch: 1.0,
    stop_below: float = -1.0,
) -> int:
    """Train one network by torch's optimizer, sample by sample of each batch; return the epochs it took."""
    options = {key: value for key, value in optimizer.items() if key != "name"}
    steps = without_compiler(optimizers.OPTIMIZERS[optimizer["name"]])(model.parameters(), **options)
    for epoch in range(epochs):
        if float(per_sample_loss(loss, model(inputs), targets).mean().detach()) < stop_below:
            return epoch
        steps.param_groups[0]["lr"] = optimizer["lr"] * rate(epoch)
        whole = [torch.arange(len(inputs))]
        for batch in epoch_batches(len(inputs), batch_size, order) if order else whole:
            steps.zero_grad()
            for row in batch.tolist():
                one = per_sample_loss(loss, model(inputs[row : row + 1]), targets[row : row + 1])
                (one.sum() / len(batch)).backward()
            steps.step()
    return epochs


def assert_equal(together: list[nn.Module], apart: list[nn.Module], tolerance: float = 1e-10) -> None:
    for one, other in zip(together, apart, strict=True):
        for mine, theirs in zip(one.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs, rtol=tolerance, atol=tolerance)


def test_every_optimizer_is_under_test() -> None:
    assert {*OPTIMIZERS, *WHOLE} == set(optimizers.OPTIMIZERS)


@pytest.mark.parametrize("name", WHOLE)
def test_an_optimizer_that_looks_at_whole_layers_is_refused(name: str) -> None:
    with pytest.raises(LandscapeError, match=f"optimizer={name} does not work on each weight by itself"):
        train_stacked(
            networks(), *data(), loss="cross_entropy", optimizer={"name": name, "lr": 0.1}, epochs=1
        )


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_full_batches_of_data_of_ones_own(name: str) -> None:
    together, apart = networks(), networks()
    inputs, targets = data()
    train_stacked(together, inputs, targets, loss="cross_entropy", optimizer=OPTIMIZERS[name], epochs=6)
    for model, own, labels in zip(apart, inputs, targets, strict=True):
        alone(model, own, labels, OPTIMIZERS[name], 6)
    assert_equal(together, apart)
    assert any(
        not torch.equal(one, other) for one, other in zip(*map(nn.Module.parameters, apart[:2]), strict=True)
    )


@pytest.mark.parametrize("loss", LOSSES)
def test_batches_in_an_order_of_ones_own_under_each_loss(loss: str) -> None:
    together, apart = networks(), networks()
    inputs, targets = data()
    options: dict[str, Any] = {"loss": loss, "batch_size": 7}
    rate = lambda epoch: 0.5**epoch  # noqa: E731
    train_stacked(
        together,
        inputs,
        targets,
        optimizer=OPTIMIZERS["sgd"],
        epochs=3,
        orders=orders(),
        rate=rate,
        **options,
    )
    for model, own, labels, order in zip(apart, inputs, targets, orders(), strict=True):
        alone(model, own, labels, OPTIMIZERS["sgd"], 3, order=order, rate=rate, **options)
    assert_equal(together, apart)


@pytest.mark.parametrize(("name", "batch_size"), [("adam", "full"), ("sgd", 7)])
def test_a_network_that_has_met_its_goal_stays(name: str, batch_size: int | str) -> None:
    """At an epoch of its own; the others go on as if it had never been there."""
    together, apart, goal = networks(), networks(), 0.8
    inputs, targets = data()
    ended = train_stacked(
        together,
        inputs,
        targets,
        loss="cross_entropy",
        optimizer=OPTIMIZERS[name],
        epochs=26,
        batch_size=batch_size,
        orders=orders() if batch_size == 7 else (),
        goal=lambda outputs, losses: losses.mean(dim=1) < goal,
    )
    epochs = [
        alone(model, own, labels, OPTIMIZERS[name], 26, batch_size=batch_size, order=order, stop_below=goal)
        for model, own, labels, order in zip(
            apart, inputs, targets, orders() if batch_size == 7 else [None] * COUNT, strict=True
        )
    ]
    assert ended.epochs.tolist() == epochs
    assert len(set(epochs)) > 1
    assert ended.reached.tolist() == [epoch < 26 for epoch in epochs]
    assert_equal(together, apart)


def test_all_that_are_done_end_the_training_and_looks_may_be_rare() -> None:
    inputs, targets = data()
    looks = []

    def goal(outputs: Tensor, losses: Tensor) -> Tensor:
        assert outputs.shape == (len(losses), SAMPLES, 3)
        looks.append(len(losses))
        return torch.full((len(losses),), len(looks) == 3)

    ended = train_stacked(
        networks(),
        inputs,
        targets,
        loss="mse",
        optimizer=OPTIMIZERS["adam"],
        epochs=50,
        goal=goal,
        look_every=4,
    )
    assert looks == [COUNT] * 3
    assert ended.epochs.tolist() == [8] * COUNT
    assert ended.reached.all()


def test_one_number_as_output_and_shared_data_in_fp32() -> None:
    together, apart = (networks(1, torch.float32) for _ in range(2))
    inputs = data(dtype=torch.float32)[0][0]
    targets = torch.randn(SAMPLES, generator=Generator().manual_seed(1)).sign()
    train_stacked(
        together,
        shared(inputs, COUNT),
        shared(targets, COUNT),
        loss="squared_hinge",
        optimizer=OPTIMIZERS["adam"],
        epochs=5,
    )
    for model in apart:
        alone(model, inputs, targets, OPTIMIZERS["adam"], 5, loss="squared_hinge")
    assert_equal(together, apart, 1e-5)
    outputs = outputs_of(together, inputs)
    torch.testing.assert_close(
        outputs, torch.stack([model(inputs) for model in together]), rtol=1e-5, atol=1e-6
    )
    losses = losses_of("squared_hinge", outputs, shared(targets, COUNT))
    wanted = (1 - targets * outputs[..., 0]).clamp_min(0).square() / 2
    torch.testing.assert_close(losses, wanted)


def test_one_that_diverges_harms_no_other() -> None:
    inputs, targets = data()
    inputs[1] = torch.inf
    together, apart = networks(), networks()
    train_stacked(together, inputs, targets, loss="mse", optimizer=OPTIMIZERS["sgd"], epochs=3)
    for place in (0, 2):
        alone(apart[place], inputs[place], targets[place], OPTIMIZERS["sgd"], 3, loss="mse")
    assert_equal(together[::2], apart[::2])
    assert all(bool(parameter.isnan().any()) for parameter in together[1].parameters())


def test_what_cannot_be_trained_together() -> None:
    inputs, targets = data()
    wanted: dict[str, Any] = {"loss": "mse", "optimizer": OPTIMIZERS["sgd"], "epochs": 1}
    other = [*networks()[:2], nn.Sequential(nn.Flatten(), nn.Linear(8, 3)).double()]
    for models, message in (
        (other, "same parameters"),
        ([], "same parameters"),
        ([nn.Sequential(nn.Flatten(), nn.BatchNorm1d(8)).double()] * COUNT, "normalization=none"),
    ):
        with pytest.raises(LandscapeError, match=message):
            train_stacked(models, inputs[: len(models)], targets[: len(models)], **wanted)
    with pytest.raises(LandscapeError, match="3 networks are to be trained together, and targets are of 2"):
        train_stacked(networks(), inputs, targets[:2], **wanted)
    with pytest.raises(LandscapeError, match="orders are of 0"):
        train_stacked(networks(), inputs, targets, batch_size=4, **wanted)
    before = networks()
    after = copy.deepcopy(before)
    train_stacked(after, inputs, targets, **{**wanted, "epochs": 0})
    assert_equal(after, before, 0.0)
