"""How far a fast number format is off: measured against float64 at a few points of the surface."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError
from landscape_cli.evaluation.batches import Batch, size_of, to_dtype
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.plane import Plane
from landscape_cli.evaluation.problem import Problem, chosen
from landscape_cli.weights.arithmetic import point_of

SAMPLES = 256  # float64 convolutions take fifty times as long


@dataclass(frozen=True)
class Check:
    """The loss at a point, on some samples of a split."""

    x: float
    y: float
    split: str
    samples: int
    loss: float
    float64_loss: float
    relative_error: float


def measure(
    problem: Problem,
    splits: Mapping[str, list[Batch]],
    directions: Mapping[str, Mapping[str, Tensor]],
    points: Sequence[tuple[float, float]],
    precision: str,
    *,
    recompute: bool,
) -> list[Check]:
    """Return, for each point, the loss in `precision` and in float64, on the first 256 samples of a split.

    Args:
        problem: whose model stands at (0, 0).
        splits: the evaluated samples; the first split is taken.
        directions: "x", and for a plane "y".
        points: (x, y).
        precision: the number format to judge.
        recompute: whether running statistics are estimated at each point, here on the same samples.
    """
    split, parts = next(iter(splits.items()))
    few = chosen(parts, torch.arange(SAMPLES))
    count = sum(size_of(inputs) for inputs, _ in few)

    def plane(name: str, dtype: torch.dtype) -> Plane:
        model = copy.deepcopy(problem.model).to(dtype)
        batches = [(to_dtype(inputs, dtype), to_dtype(targets, dtype)) for inputs, targets in few]
        evaluator = Evaluator(
            model, {split: batches}, problem.objective, precision if name == precision else "fp32"
        )
        inputs = [inputs for inputs, _ in batches] if recompute else None
        return Plane(evaluator, point_of(model), directions, inputs)

    fast = plane(precision, torch.float32)
    found = [fast.evaluate(x, y)[split].loss for x, y in points]
    try:
        exact = plane("float64", torch.float64)
        expected = [exact.evaluate(x, y)[split].loss for x, y in points]
    except RuntimeError as failure:  # a model that makes tensors of float32 itself
        raise LandscapeError(
            f"precision={precision} is measured against float64, in which this model or loss does not run"
            f" ({str(failure).splitlines()[0]}); choose precision=fp32"
        ) from failure
    return [
        Check(x, y, split, count, one, other, abs(one / other - 1) if other else 0.0)
        for (x, y), one, other in zip(points, found, expected, strict=True)
    ]


def points_to_check(x: Array, y: Array | None) -> list[tuple[float, float]]:
    """Return (0, 0) and the ends of the diagonals, or of the line."""
    if y is None:
        return [(0.0, 0.0), (float(x[0]), 0.0), (float(x[-1]), 0.0)]
    corners = [(float(a), float(b)) for a in (x[0], x[-1]) for b in (y[0], y[-1])]
    return [(0.0, 0.0), *corners]
