"""All that changes while a network trains, as one thing that can be saved and restored."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.lr_scheduler import LambdaLR

from landscape_cli.data.batches import augmentation, parts_of
from landscape_cli.data.load import Dataset
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.options import HINGES
from landscape_cli.training import optimizers, schedules
from landscape_cli.training.options import Recipe
from landscape_cli.training.recomputation import checkpointed
from landscape_cli.training.sam import Ascent, ascent
from landscape_cli.training.tracking import Tracker
from landscape_cli.weights.selection import Params, selected


@dataclass
class State:
    """The network, what updates it, and where in the training it stands."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    schedule: LambdaLR
    order: torch.Generator  # of the batches and the augmentation, on the CPU
    ascend: Ascent | None = None  # of sharpness-aware minimization
    tracker: Tracker | None = None  # of its layers
    epoch: int = 0
    step: int = 0

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        return float(self.optimizer.param_groups[0]["lr"])

    def state_dict(self) -> dict[str, Any]:
        """Return the content of a checkpoint, complete for an exact resume."""
        device = next(self.model.parameters()).device
        rng = {"order": self.order.get_state(), "torch": torch.get_rng_state()}
        if device.type == "cuda":
            rng["cuda"] = torch.cuda.get_rng_state(device)
        return {
            "epoch": self.epoch,
            "step": self.step,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "rng": rng,
            **({"tracked": self.tracker.kept(self.step)} if self.tracker else {}),
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Stand where `saved` stood, random numbers included."""
        device = next(self.model.parameters()).device
        self.epoch, self.step = saved["epoch"], saved["step"]
        self.model.load_state_dict(saved["model"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.schedule.load_state_dict(saved["schedule"])
        if self.tracker:
            self.tracker.restore(self.step, saved["tracked"])
        self.order.set_state(saved["rng"]["order"])
        torch.set_rng_state(saved["rng"]["torch"])
        if device.type == "cuda" and "cuda" in saved["rng"]:
            torch.cuda.set_rng_state(saved["rng"]["cuda"], device)


def prepare(
    recipe: Recipe,
    optimizer: dict[str, Any],
    schedule: dict[str, Any],
    model: nn.Module,
    dataset: Dataset,
    processes: int = 1,
) -> State:
    """Return the state before the first step: everything built and checked, nothing done.

    Args:
        recipe: of the training.
        optimizer: its name and options.
        schedule: likewise.
        model: with its initial weights, on the device; parameters that are not trained get no gradients.
        dataset: on the device.
        processes: that share each batch.

    Raises:
        LandscapeError: an unknown choice, a value out of range, or choices that do not go together.
    """
    n = len(dataset.train)
    if dataset.train.targets.is_floating_point():
        _check_regression(recipe, dataset)
    augmentation(recipe.augment, dataset.input_shape)  # refuses what does not fit
    if recipe.batch_size != "full" and recipe.batch_size > n:
        raise LandscapeError(
            f"batch_size={recipe.batch_size} is more than the {n} training samples; say batch_size=full"
        )
    batches = recipe.batch_sizes(n)
    smallest = min(
        len(part)
        for epoch in (0, *batches.milestones)
        for batch in parts_of(torch.arange(n), batches.size(epoch))
        for part in parts_of(batch, recipe.micro_batch or n)
    )
    if any(isinstance(module, _BatchNorm) for module in model.modules()):
        if smallest == 1:
            raise LandscapeError(
                "BatchNorm (normalization=batch) needs at least two samples a forward pass, got one:"
                f" batch_size={recipe.batch_size} of {n} training samples;"
                " raise it or choose another normalization"
            )
        least = 1 if recipe.sync_batchnorm or processes == 1 else 2
        if smallest // processes < least:
            raise LandscapeError(
                f"BatchNorm (normalization=batch) needs at least {least * processes} samples a forward pass"
                f" of {processes} processes, got {smallest}: batch_size={recipe.batch_size} of {n} training"
                " samples; raise it, start fewer processes or choose another normalization"
            )
    if recipe.checkpointing:
        checkpointed(model)  # refuses what it cannot
    updates = optimizers.build(optimizer, _trained(model, recipe.params), recipe.seed)
    order = torch.Generator().manual_seed(recipe.seed)
    factor = schedules.build(schedule, recipe.passes(batches), batches)
    tracker = Tracker(recipe.track, model) if recipe.track else None
    return State(model, updates, LambdaLR(updates, factor), order, ascent(optimizer), tracker)


def _trained(model: nn.Module, params: Params) -> list[nn.Parameter]:
    """Return the parameters that are trained, and let the others have no gradients.

    Raises:
        LandscapeError: there are none.
    """
    names = set(selected(model, params))
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(parameter.requires_grad and name in names)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise LandscapeError(f"params={params}: the network's own code keeps all of these from being trained")
    return [parameter for name, parameter in model.named_parameters() if name in names]


def _check_regression(recipe: Recipe, dataset: Dataset) -> None:
    """Refuse what is meant for classes.

    Raises:
        LandscapeError: naming the key.
    """
    name = dataset.name
    if recipe.loss in HINGES and not all(
        (split.targets.abs() == 1).all() for split in (dataset.train, dataset.test)
    ):
        raise LandscapeError(
            f"loss={recipe.loss} is for classes, or for targets of -1 and 1, and those of data set {name} are"
            " others; choose loss=mse, l1 or huber"
        )
    if recipe.loss == "cross_entropy":
        raise LandscapeError(
            f"loss=cross_entropy needs class numbers, and the targets of data set {name} are floating-point;"
            " choose loss=mse, l1 or huber, or store the classes as whole numbers"
        )
    for split, stop in (("train", recipe.stop_at_train_accuracy), ("test", recipe.stop_at_test_accuracy)):
        if stop is None:
            continue
        raise LandscapeError(
            f"stop_at_{split}_accuracy={stop} needs classes, and the targets of data"
            f" set {name} are floating-point; leave it out"
        )
