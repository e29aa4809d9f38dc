"""A problem as derivatives are taken of it: one split, some of its samples, in batches that hold a graph."""

import copy

import torch
from torch import nn

from landscape_cli.evaluation.batches import Batch, automatic_size, rebatched, tensors, to_dtype
from landscape_cli.evaluation.problem import Problem, chosen, subset


def to_differentiate(
    problem: Problem,
    *,
    samples: int | None,
    seed: int,
    precision: str = "fp32",
    batch_size: int | None = None,
) -> tuple[str, nn.Module, list[Batch]]:
    """Return the name of a problem's only split, its network, and the samples in batches.

    Args:
        problem: left as it is.
        samples: how many of the split, as `subset` chooses them; None: all.
        seed: of their choice.
        precision: ``fp64``: of a copy of the network, and of the inputs; else they stay as they are.
        batch_size: samples a pass; None: chosen.

    Raises:
        LandscapeError: there are fewer samples.
    """
    ((split, parts),) = problem.splits.items()
    model = problem.model
    if samples is not None:
        parts = chosen(parts, subset(parts, samples, seed, split))
    if precision == "fp64":
        model = copy.deepcopy(model).double()
        parts = [(to_dtype(inputs, torch.float64), targets) for inputs, targets in parts]
    example = tensors(parts[0][0])[0]
    return split, model, rebatched(parts, batch_size or automatic_size(example, graph=True))
