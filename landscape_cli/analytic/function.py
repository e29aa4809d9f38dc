"""What a function to descend on is: values, gradients and Hessians at many points at once, in float64."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.errors import LandscapeError

Box = tuple[tuple[float, float], ...]
"""First and last coordinate along each axis."""


@dataclass(frozen=True)
class Function:
    """A function of points of R^d, and what is known of it.

    Attributes:
        value: (..., d) -> (...).
        box: where its picture is drawn and starts are drawn at random, d pairs.
        start: where a descent begins that is not told otherwise, d numbers.
        lr: a step size with which gradient descent from there gets to a minimum.
        gradient: (..., d) -> (..., d), the closed form; None: by automatic differentiation.
        hessian: (..., d) -> (..., d, d), likewise.
        minima: known minimizers, each d numbers; others may exist where the set of them is a curve.
        lowest: the least value, where known.
        formula: for titles.
    """

    value: Callable[[Tensor], Tensor]
    box: Box
    start: tuple[float, ...]
    lr: float
    gradient: Callable[[Tensor], Tensor]
    hessian: Callable[[Tensor], Tensor]
    minima: tuple[tuple[float, ...], ...] = ()
    lowest: float | None = None
    formula: str = ""

    @property
    def dimension(self) -> int:
        """The number d of coordinates."""
        return len(self.box)


def differentiated(
    value: Callable[[Tensor], Tensor],
    box: Box,
    start: tuple[float, ...],
    lr: float,
    *,
    minima: tuple[tuple[float, ...], ...] = (),
    lowest: float | None = None,
    formula: str = "",
) -> Function:
    """Return the function whose derivatives torch finds; `value` takes points (..., d)."""

    def gradient(points: Tensor) -> Tensor:
        with torch.enable_grad():
            at = points.detach().requires_grad_()
            (found,) = torch.autograd.grad(value(at).sum(), at)
        return found

    def hessian(points: Tensor) -> Tensor:
        if not points.numel():  # vmap refuses none
            return points.new_zeros(*points.shape, points.shape[-1])
        rows: Tensor = torch.func.vmap(torch.func.jacrev(torch.func.grad(value)))(
            points.reshape(-1, points.shape[-1])
        )
        return rows.reshape(*points.shape, points.shape[-1])

    return Function(value, box, start, lr, gradient, hessian, minima, lowest, formula)


def pointwise(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function of one point, (d,) -> a number, as one of many, (..., d) -> (...)."""

    def value(points: Tensor) -> Tensor:
        values: Tensor = torch.func.vmap(function)(points.reshape(-1, points.shape[-1]))
        return values.reshape((*points.shape[:-1], *values.shape[1:]))

    return value


def checked(name: str, value: Callable[[Tensor], Tensor], start: Tensor) -> None:
    """Refuse what is no function of a point that torch can differentiate.

    Args:
        name: of the function, for the message.
        value: of points (..., d).
        start: a point, (d,).

    Raises:
        LandscapeError: it fails at `start`, or gives anything but one finite float64 number with a gradient.
    """
    try:
        at = start.detach()[None].requires_grad_()
        found = value(at)
        (slope,) = torch.autograd.grad(found.sum(), at)
    except Exception as error:
        raise LandscapeError(f"{name} fails at {start.tolist()}: {' '.join(str(error).split())}") from error
    if found.shape != (1,) or found.dtype != torch.float64:
        raise LandscapeError(
            f"{name} must give one float64 number for a point of {len(start)} coordinates, got a tensor of"
            f" shape {tuple(found.shape[1:])} and type {found.dtype}"
        )
    if not (math.isfinite(found.item()) and slope.isfinite().all()):
        raise LandscapeError(
            f"{name} is {found.item()} at the start {start.tolist()}, with the gradient {slope[0].tolist()};"
            " choose another start="
        )
