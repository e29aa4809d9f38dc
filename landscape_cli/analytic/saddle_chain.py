"""A chain of saddles that gradient descent visits one after the other (in the manner of Du et al. 2017)."""

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.errors import LandscapeError


def saddle_chain(dimension: int = 4, ratio: float = 1.0) -> Function:
    """Return a function with d saddles in a row between [-1, 1]^d and its 2^d minima at (+-4, ..., +-4).

    sum_i (1 - S(x_{i-1})) L x_i^2 + S(x_{i-1}) h(x_i), where S rises from 0 at |x| = 1 to 1 at |x| = 2, and
    is 1 for i = 1; h is -x^2 within |x| <= 1 and L (|x| - 4)^2 - nu beyond |x| >= 2, and falls between. So
    each coordinate is pulled to zero with the curvature 2 L until the one before it has left. Where the
    first k are +-4 and the others zero is a stationary point, for k < d with the eigenvalue -2: a strict
    saddle.

    A coordinate shrinks by 1 - 2 lr L a step for as long as those before it take, and then grows by 1 + 2 lr.
    So gradient descent is at each saddle longer than at all before together, by the factor
    log(1 / (1 - 2 lr L)) / log(1 + 2 lr). In the region through which it comes from [-1, 1]^d this is a chain
    of the form of Du et al. 2017 (arXiv:1705.10412); S here makes it one function of all space, twice
    continuously differentiable.

    Args:
        dimension: d, the number of saddles.
        ratio: L, the curvature that pulls a coordinate in over that with which it leaves.

    Raises:
        LandscapeError: fewer than two dimensions, or a ratio that is not positive.
    """
    if dimension < 2:
        raise LandscapeError(f"function.dimension must be at least 2, got {dimension}")
    if not 0 < ratio < float("inf"):
        raise LandscapeError(f"function.ratio must be a positive number, got {ratio}")
    # h' of 1 + t is the cubic with -2, -2 as value and slope at t = 0 and -4 L, 2 L at t = 1
    cubic = (-2.0, -2.0, -14 * ratio + 10.0, 10 * ratio - 6.0)
    depth = 4 * ratio + 1 - sum(c / power for power, c in enumerate(cubic, start=1))

    def leaving(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return h, h' and h''."""
        size, sign = points.abs(), points.sign()
        t = (size - 1).clamp(0, 1)
        within, beyond = size <= 1, size >= 2
        between = sum((c * t**n / n for n, c in enumerate(cubic, start=1)), torch.full_like(t, -1.0))
        slope = sum((c * t**n for n, c in enumerate(cubic)), torch.zeros_like(t))
        bend = sum((c * n * t ** (n - 1) for n, c in enumerate(cubic) if n), torch.zeros_like(t))
        wall = size - 4
        value = torch.where(within, -(size**2), torch.where(beyond, ratio * wall**2 - depth, between))
        first = torch.where(within, -2 * size, torch.where(beyond, 2 * ratio * wall, slope))
        second = torch.where(within, -2.0, torch.where(beyond, 2 * ratio, bend))
        return value, sign * first, second

    def switch(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return S, S' and S'': Hermite's polynomial of degree five."""
        t = (points.abs() - 1).clamp(0, 1)
        value = t**3 * (10 - 15 * t + 6 * t**2)
        return value, points.sign() * 30 * t**2 * (1 - t) ** 2, 60 * t * (1 - t) * (1 - 2 * t)

    def ways(points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return S(x_{i-1}) for i from 1 to d, and S'(x_i), S''(x_i) for i from 1 to d - 1."""
        before, rise, rise_bend = switch(points[..., :-1])
        return torch.cat([torch.ones_like(points[..., :1]), before], dim=-1), rise, rise_bend

    def value(points: Tensor) -> Tensor:
        way, _, _ = ways(points)
        return ((1 - way) * ratio * points**2 + way * leaving(points)[0]).sum(-1)

    def gradient(points: Tensor) -> Tensor:
        (way, rise, _), (height, slope, _) = ways(points), leaving(points)
        found = (1 - way) * 2 * ratio * points + way * slope
        found[..., :-1] += rise * (height - ratio * points**2)[..., 1:]
        return found

    def hessian(points: Tensor) -> Tensor:
        (way, rise, rise_bend), (height, slope, bend) = ways(points), leaving(points)
        own = (1 - way) * 2 * ratio + way * bend
        own[..., :-1] += rise_bend * (height - ratio * points**2)[..., 1:]
        mixed = rise * (slope - 2 * ratio * points)[..., 1:]
        return torch.diag_embed(own) + torch.diag_embed(mixed, offset=1) + torch.diag_embed(mixed, offset=-1)

    corners = torch.cartesian_prod(*[torch.tensor([-4.0, 4.0], dtype=torch.float64)] * min(dimension, 4))
    minima = tuple(map(tuple, corners.tolist())) if dimension <= 4 else ()
    box, start = ((-5.0, 5.0),) * dimension, tuple(0.5 / 2**i for i in range(dimension))
    lr, formula = 0.25 / max(1.0, ratio), f"chain of {dimension} saddles"
    return Function(value, box, start, lr, gradient, hessian, minima, -dimension * depth, formula)
