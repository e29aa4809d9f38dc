"""The training loop: steps on batches that live on the device, rows of metrics, exact resume."""

import math
import time
from functools import partial

import torch
from torch import Tensor, nn

from landscape_cli import device as devices
from landscape_cli.data.batches import augmentation, epoch_batches, parts_of
from landscape_cli.data.load import Dataset, Split
from landscape_cli.errors import DivergedError
from landscape_cli.evaluation.losses import per_sample_loss
from landscape_cli.evaluation.memory import enough_to_train
from landscape_cli.progress import bar, describe
from landscape_cli.training.entropy_sgd import EntropySGD
from landscape_cli.training.gradient_noise import add_noise
from landscape_cli.training.metrics import measured
from landscape_cli.training.options import Recipe
from landscape_cli.training.recomputation import checkpointed
from landscape_cli.training.record import Record
from landscape_cli.training.sam import drawn_again, perturbed
from landscape_cli.training.state import State
from landscape_cli.training.sync_batchnorm import synchronized
from landscape_cli.workers.data_parallel import Processes, SingleProcess

ALONE = SingleProcess()


def train(
    recipe: Recipe,
    state: State,
    dataset: Dataset,
    record: Record,
    processes: Processes = ALONE,
) -> None:
    """Train `state.model`, in place, to the end of `recipe`, from where `record` stands.

    The training split is visited in a new random order each epoch. A batch larger than `micro_batch` is
    worked off in parts whose gradients add up to that of the batch's mean loss (BatchNorm then sees the
    parts). With SAM or ASAM each batch is passed twice, with the same crops and dropout masks, so that both
    gradients are of one function.

    Of several processes each takes its share of every part, and their gradients are added up; that of rank 0
    alone measures and writes.

    Raises:
        DivergedError: the loss is no longer finite.
        LandscapeError: the memory does not suffice.
    """
    model, optimizer = state.model, state.optimizer
    layout = devices.memory_format(model, dataset.train.inputs)
    model.to(memory_format=layout)
    train_split, test_split = (
        Split(devices.in_layout(split.inputs, layout), split.targets)
        for split in (dataset.train, dataset.test)
    )
    device = train_split.inputs.device
    augment = augmentation(recipe.augment, dataset.input_shape)
    if recipe.compile:
        torch.compiler.reset()  # a sweep's jobs in one process would share a limited number of compilations
    network = synchronized(model, device) if recipe.sync_batchnorm and processes.size > 1 else model
    network = checkpointed(network) if recipe.checkpointing else network
    forward = torch.compile(network) if recipe.compile else network

    def backward(part: Tensor, weight: float) -> Tensor:
        own, share = processes.share(len(part))
        indices, place = part[own], {"first": own.start, "of": len(part)}
        inputs = augment(train_split.inputs[indices], state.order, dataset.zero, **place)
        inputs = devices.in_layout(inputs, layout)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.precision == "bf16"):
            outputs = forward(inputs)
        loss = per_sample_loss(recipe.loss, outputs.float(), train_split.targets[indices]).mean()
        loss = loss * (weight * share)
        loss.backward()
        return loss.detach()

    def gradient(indices: Tensor) -> Tensor:
        optimizer.zero_grad()
        parts = parts_of(indices, recipe.micro_batch or len(indices))
        loss = torch.stack([backward(part, len(part) / len(indices)) for part in parts]).sum()
        processes.add_up(model.parameters())
        if recipe.l1:
            penalty = torch.stack([parameter.abs().sum() for parameter in model.parameters()]).sum()
            (recipe.l1 * penalty).backward()
        return loss

    def step(indices: Tensor) -> Tensor:
        indices = devices.sent(indices, device)
        if state.ascend is None:
            loss = gradient(indices)
        else:
            with drawn_again(state.order, device):
                loss = gradient(indices)
            with perturbed(model, state.ascend):
                gradient(indices)
        if recipe.clip_grad_norm:
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_grad_norm)
        if recipe.gradient_noise:
            add_noise(model.parameters(), recipe.gradient_noise, recipe.seed, state.step)
        optimizer.step()
        state.schedule.step()
        state.step += 1
        return loss

    def recorded(started: float, lr: float, *, finite: bool = True) -> dict[str, float]:
        describe(progress, "evaluating")
        values = measured(model, train_split, test_split, recipe.loss)
        row = {"lr": lr, **values, "seconds": time.perf_counter() - started}
        if state.tracker:
            record.add_layers(state, state.tracker.measure(state.step, train_split, recipe.loss))
        record.add(state, row, last=is_last(row) and finite)
        return row

    def is_last(row: dict[str, float]) -> bool:
        stops = {"train": recipe.stop_at_train_accuracy, "test": recipe.stop_at_test_accuracy}
        return state.epoch >= epochs or any(
            stop is not None and row[f"{split}_accuracy"] >= stop for split, stop in stops.items()
        )

    resumed = processes.first(lambda: record.restore(state))
    processes.align(state)
    n = len(train_split)
    batches = recipe.batch_sizes(n)
    epochs = math.ceil(recipe.passes(batches))
    largest = batches.size(epochs - 1)
    size = min(recipe.micro_batch or largest, largest)
    with (
        devices.enough_threads(_operations(model, train_split.inputs) * size / processes.size),
        bar(epochs * n, "training", "samples", initial=state.epoch * n) as progress,
    ):
        started = time.perf_counter()
        row = processes.first(lambda: record.last_row() if resumed else recorded(started, state.lr))
        if not resumed:
            started = time.perf_counter()
        while not is_last(row):
            describe(progress, "training")
            network.train()
            processes.seed(recipe.seed, state.epoch)
            with enough_to_train(size):
                for indices in epoch_batches(n, batches.size(state.epoch), state.order):
                    if state.step == recipe.steps:
                        break
                    lr = state.lr
                    loss = step(indices)
                    progress.update(len(indices))
            if isinstance(optimizer, EntropySGD):
                optimizer.close()  # what is measured and kept is its centre
            state.epoch += 1
            loss = processes.total(loss)
            finite = bool(torch.isfinite(loss))
            if state.epoch == epochs or record.is_due(state.epoch) or not finite:
                row = processes.first(partial(recorded, started, lr, finite=finite))
                started = time.perf_counter()
            else:
                processes.first(lambda: record.save(state))
            progress.set_postfix_str(f"epoch {state.epoch}/{epochs} {_told(row)}", refresh=False)
            if not finite:
                error = DivergedError(
                    f"training diverged: a loss of {loss.item()} in epoch {state.epoch} of {record.path};"
                    " lower optimizer.lr, or set clip_grad_norm or schedule.warmup"
                )
                error.folder = record.path
                raise error
        describe(progress, "trained")
    processes.first(lambda: record.finish(state.epoch))


def _operations(model: nn.Module, inputs: Tensor) -> float:
    """Return the floating-point operations of one sample's forward pass."""
    training = model.training
    model.eval()
    count = devices.operations(lambda: model(inputs[:2])) / len(inputs[:2])
    model.train(training)
    return count


def _told(row: dict[str, float]) -> str:
    loss = f"loss {row['train_loss']:.3g}/{row['test_loss']:.3g}"
    if math.isnan(row["train_accuracy"]):  # a regression
        return loss
    return f"{loss} accuracy {row['train_accuracy']:.1%}/{row['test_accuracy']:.1%}"
