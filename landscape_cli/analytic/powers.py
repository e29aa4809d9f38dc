"""Sums of powers of the coordinates, and any function in other coordinates."""

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function


def powers(coefficients: list[float], exponents: list[int]) -> Function:
    """Return sum_i c_i x_i^p_i, p_i >= 2 whole: stationary at the origin, degenerate where a p_i > 2."""
    c, p = (torch.tensor(given, dtype=torch.float64) for given in (coefficients, exponents))

    def value(points: Tensor) -> Tensor:
        return (c.to(points) * points ** p.to(points)).sum(-1)

    def gradient(points: Tensor) -> Tensor:
        return (c * p).to(points) * points ** (p - 1).to(points)

    def hessian(points: Tensor) -> Tensor:
        return torch.diag_embed((c * p * (p - 1)).to(points) * points ** (p - 2).to(points))

    dimension, convex = len(c), bool(((c > 0) & (p % 2 == 0)).all())
    minima, lowest = (((0.0,) * dimension,), 0.0) if convex else ((), None)
    names = "xyz" if dimension <= 3 else [f"x{i}" for i in range(1, dimension + 1)]
    terms = [f"{a:+g} {x}^{n}" for a, x, n in zip(coefficients, names, exponents, strict=False)]
    lr = 0.1 / float((c.abs() * p).max())
    box, start = ((-1.5, 1.5),) * dimension, (1.0,) * dimension
    return Function(value, box, start, lr, gradient, hessian, minima, lowest, " ".join(terms))


def rotated(function: Function, rotation: Tensor, centre: Tensor) -> Function:
    """Return g(x) = f(Q^T (x - c)), whose gradient is Q grad f and whose Hessian Q (Hessian of f) Q^T.

    Box, start and step size are those of f; its minima are known at other places.

    Args:
        function: f.
        rotation: Q, (d, d), orthogonal.
        centre: c, (d,), where g is what f is at the origin.
    """
    turn, middle = rotation.double(), centre.double()

    def inner(points: Tensor) -> Tensor:
        return (points - middle.to(points)) @ turn.to(points)

    def outer(points: Tensor) -> Tensor:
        return points @ turn.to(points).mT

    def value(points: Tensor) -> Tensor:
        return function.value(inner(points))

    def gradient(points: Tensor) -> Tensor:
        return outer(function.gradient(inner(points)))

    def hessian(points: Tensor) -> Tensor:
        return outer(turn.to(points) @ function.hessian(inner(points)))

    minima = tuple(
        tuple((turn @ torch.tensor(place).double() + middle).tolist()) for place in function.minima
    )
    return Function(
        value,
        function.box,
        function.start,
        function.lr,
        gradient,
        hessian,
        minima,
        function.lowest,
        function.formula,
    )
