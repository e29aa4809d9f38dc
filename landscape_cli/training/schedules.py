"""Learning-rate schedules: the factor on the learning rate as a function of the time in epochs."""

import math
from collections.abc import Callable
from typing import Any

from landscape_cli.errors import LandscapeError, unknown
from landscape_cli.training.batch_sizes import BatchSizes

Factor = Callable[[float], float]


def _number(schedule: dict[str, Any], key: str, *, positive: bool = False) -> float:
    value = schedule[key]
    if (
        not isinstance(value, int | float)
        or isinstance(value, bool)
        or not 0 <= value < math.inf
        or (positive and value == 0)
    ):
        raise LandscapeError(
            f"schedule.{key} must be a {'positive ' if positive else 'non-negative '}number, got {value!r}"
        )
    return float(value)


def _constant(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    return lambda t: 1.0


def _step(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    every, gamma = _number(schedule, "every", positive=True), _number(schedule, "gamma")
    return lambda t: gamma ** math.floor(t / every)


def _multistep(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    milestones, gamma = schedule["epochs"], _number(schedule, "gamma")
    if not isinstance(milestones, list) or not all(isinstance(epoch, int | float) for epoch in milestones):
        raise LandscapeError(f"schedule.epochs must be a list of epochs, got {milestones!r}")
    return lambda t: gamma ** sum(t >= milestone for milestone in milestones)


def _cosine(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    final = _number(schedule, "final")
    return lambda t: final + (1 - final) * (1 + math.cos(math.pi * (t - warmup) / (epochs - warmup))) / 2


def _linear(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    final = _number(schedule, "final")
    return lambda t: 1 + (final - 1) * (t - warmup) / (epochs - warmup)


def _exponential(schedule: dict[str, Any], epochs: float, warmup: float) -> Factor:
    gamma = _number(schedule, "gamma", positive=True)
    return lambda t: math.exp(min((t - warmup) * math.log(gamma), 700.0))  # e^700 is about the largest float


SCHEDULES = {
    "constant": _constant,
    "step": _step,
    "multistep": _multistep,
    "cosine": _cosine,
    "linear": _linear,
    "exponential": _exponential,
}


def build(schedule: dict[str, Any], epochs: float, batches: BatchSizes | int) -> Callable[[int], float]:
    """Return the factor on the learning rate at each step, counted from 0, of a training of `epochs` epochs.

    A step is one of the `batches`, or of so many batches an epoch.

    The first `schedule.warmup` epochs grow linearly from 1 / (warm-up steps) to 1. ``step`` and ``multistep``
    count epochs from the start of the training, the others from the end of the warm-up; ``cosine`` and
    ``linear`` end with the training.

    Raises:
        LandscapeError: an unknown name or a value out of range.
    """
    name = schedule.get("name")
    if name not in SCHEDULES:
        raise unknown("schedule", name, SCHEDULES)
    warmup = _number(schedule, "warmup")
    if warmup >= epochs > 0:
        raise LandscapeError(
            f"schedule.warmup={warmup:g} leaves nothing of epochs={epochs:g}; choose a shorter one"
        )
    if isinstance(batches, int):
        batches = BatchSizes(batches, 1)
    if batches.milestones and warmup > batches.milestones[0]:
        raise LandscapeError(
            f"schedule.warmup={warmup:g} goes on when batches grow, after epoch {batches.milestones[0]};"
            " let it end before, or begin grow_batch_at later"
        )
    epochs_of, warmup_steps = batches.epochs, round(warmup * batches.count(0))
    decay = SCHEDULES[name](schedule, epochs or 1, warmup)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return decay(min(epochs_of(step), epochs))

    return factor
