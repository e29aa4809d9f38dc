"""Descents to minima that are certified: no gradient, and a Hessian all of whose eigenvalues are positive."""

from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.rules import begun
from landscape_cli.analytic.stationary import KINDS, classify

ZERO_GRADIENT = 1e-9
MOMENTUM = 0.9
NEWTON_STEPS = 5
AT_ONCE = 20  # Hessians that are held at a time


@dataclass(frozen=True)
class Ends:
    """Where n descents ended.

    Attributes:
        points: (n, d).
        loss: (n,).
        spurious: (n,), bool: in a minimum above the least value.
        undecided: (n,), bool: above it, but not in a certified minimum.
    """

    points: Tensor
    loss: Tensor
    spurious: Tensor
    undecided: Tensor


def spurious_minima(function: Function, start: Tensor, rounds: int, steps: int, reached: float) -> Ends:
    """Return which descents end in a certified minimum above the least value, which is 0.

    Certified is |gradient| < 1e-9 and a smallest eigenvalue of the Hessian above 0 (Safran, Shamir 2018).
    Gradient descent has a momentum of 0.9, which takes a third of the steps. After each round those that
    have arrived are set aside. What is left above the least value is polished with Newton's steps.

    Args:
        function: whose least value is 0.
        start: (n, d), float64.
        rounds: of descent.
        steps: of a round.
        reached: a loss below this is the least value.
    """
    points, going = start.clone(), torch.arange(len(start))
    for _ in range(rounds):
        if not len(going):
            break
        how = {"lr": function.lr, "momentum": MOMENTUM}
        step = begun(function, points[going], "heavy_ball", how, seed=0)
        for _ in range(steps):
            now = step()
        points[going] = now
        going = going[~_arrived(function, now) & (function.value(now) > reached)]
    above = (function.value(points) > reached).nonzero().squeeze(1)
    for some in _parts(above[~_arrived(function, points[above])]):
        points[some] = _polished(function, points[some])
    certified = torch.zeros(len(start), dtype=torch.bool)
    for some in _parts(above):
        kinds = classify(function, points[some], gradient=ZERO_GRADIENT, curvature=0.0).kind
        certified[some] = kinds == KINDS.index("minimum")
    loss = function.value(points)
    return Ends(points, loss, certified & (loss > reached), ~certified & (loss > reached))


def _parts(numbers: Tensor) -> list[Tensor]:
    return [part for part in numbers.split(AT_ONCE) if len(part)]  # of none split makes one part


def _polished(function: Function, points: Tensor) -> Tensor:
    """Return where Newton's steps lead, of those points that they bring to a stationary one no higher."""
    step = begun(function, points, "newton", {"lr": 1.0}, seed=0)
    for _ in range(NEWTON_STEPS):
        now = step()
    better = _arrived(function, now) & (function.value(now) <= function.value(points))
    return torch.where(better[:, None], now, points)


def _arrived(function: Function, points: Tensor) -> Tensor:
    length: Tensor = torch.linalg.vector_norm(function.gradient(points), dim=-1)
    return length < ZERO_GRADIENT
