"""How few steps of SGD bring a loss down to a target, at the best of many step sizes."""

import copy
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from landscape_cli.data.load import Split
from landscape_cli.training.stacked import Stack, losses_of, shared

SPACING = 1.05  # of the steps between which the loss is interpolated


class Fewest(NamedTuple):
    """The fewest steps, and the step size that took them; inf and NaN where none reached the target."""

    steps: float
    rate: float


def fewest_steps_to(
    model: nn.Module,
    split: Split,
    loss: str,
    target: float,
    *,
    batch_size: int,
    rates: Sequence[float],
    repeats: int,
    order: Generator,
    most: int,
) -> Fewest:
    """Return after how many steps the mean loss over a split is down at `target`, at the best step size.

    At each step size the loss is the mean over some trainings from the same weights. It is looked at after
    steps 5 % apart, all of the first ones, and interpolated between them, in its logarithm. Training is plain
    SGD at a constant step size, on batches whose samples are drawn with replacement: their gradients are off
    that of all samples by noise of the covariance Sigma / B, whatever the batch size B.

    Args:
        model: as for `Stack`; left as it is.
        split: the samples, in the model's dtype and on its device.
        loss: its name.
        target: of the loss.
        batch_size: B.
        rates: step sizes.
        repeats: trainings at each step size.
        order: a CPU generator, which draws the batches.
        most: steps.
    """
    stack = Stack([copy.deepcopy(model) for _ in range(len(rates) * repeats)])
    sizes = torch.tensor(rates, dtype=torch.float64)
    step, last, before = 0, 0, torch.full_like(sizes, torch.inf)
    while True:
        now = _mean_losses(stack, split, loss, len(sizes))
        reached = (now <= target).nonzero().flatten()
        if len(reached):
            # of several between the same two looks, the first on its way there
            part = torch.where(before.isfinite(), (before / target).log() / (before / now).log(), 1.0)
            best = reached[part[reached].argmin()]
            return Fewest(last + float(part[best]) * (step - last), float(sizes[best]))
        going = now.isfinite().nonzero().flatten()
        if not len(going) or step == most:
            return Fewest(math.inf, math.nan)
        if len(going) < len(sizes):
            sizes, now = sizes[going], now[going]
            stack.keep((going[:, None] * repeats + torch.arange(repeats)).flatten())
        last, before = step, now
        for _ in range(min(max(1, math.ceil(step * (SPACING - 1))), most - step)):
            rows = torch.randint(len(split), (len(sizes) * repeats, batch_size), generator=order)
            _step(stack, loss, split.inputs[rows], split.targets[rows], sizes.repeat_interleave(repeats))
            step += 1


@torch.no_grad()
def _mean_losses(stack: Stack, split: Split, loss: str, rates: int) -> Tensor:
    """Return the mean loss over samples and over the trainings at each step size, (rates,), on the CPU."""
    count = len(next(iter(stack.parameters.values())))
    outputs = stack.outputs(shared(split.inputs, count))
    each = losses_of(loss, outputs, shared(split.targets, count)).mean(dim=1).double().cpu()
    return each.view(rates, -1).mean(dim=1)


def _step(stack: Stack, loss: str, inputs: Tensor, targets: Tensor, rates: Tensor) -> None:
    """Move each network against its batch's gradient, by its own step size."""
    parameters = list(stack.parameters.values())
    total = losses_of(loss, stack.outputs(inputs), targets).mean(dim=1).sum()
    with torch.no_grad():
        for parameter, slope in zip(parameters, torch.autograd.grad(total, parameters), strict=True):
            parameter.sub_(rates.to(slope).view(-1, *[1] * (parameter.ndim - 1)) * slope)
