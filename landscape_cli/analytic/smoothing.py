"""A function averaged over a Gaussian kernel: the diffusion equation and the effective energy.

Pardalos, Shalloway, Xue 1993, in Sagun, "Different kinds of minima".
"""

import math

import numpy as np
import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.errors import LandscapeError


def smoothed(function: Function, width: float, temperature: float = math.inf, nodes: int = 64) -> Function:
    """Return F(x) = g^-1(E g(f(x + r))), r of the density pi^(-d/2) Lambda^-d exp(-|r|^2 / Lambda^2).

    Each coordinate of r has the variance Lambda^2 / 2, not Lambda^2. At an infinite temperature g is the
    identity (diffusion equation); at a finite one g(f) = exp(-f / T) (effective energy), so that
    F = -T log E exp(-f(x + r) / T). The mean is Gauss and Hermite's sum, exact for polynomials below the
    degree 2 `nodes`.

    Args:
        function: f, of a few coordinates d: the sum has nodes^d terms.
        width: Lambda. At 0 the function is f.
        temperature: T, in units of f.
        nodes: along each coordinate.

    Returns:
        F, with the gradient E f', or its mean weighted by exp(-f / T), and the Hessian by automatic
        differentiation.

    Raises:
        LandscapeError: a width below 0, or a temperature that is not positive.
    """
    if not 0 <= width < math.inf:
        raise LandscapeError(f"width must be a finite number of zero or more, got {width}")
    if not temperature > 0:
        raise LandscapeError(f"temperature must be a positive number, got {temperature}")
    if width == 0:
        return function
    places, weights = np.polynomial.hermite.hermgauss(nodes)
    grids = torch.meshgrid(*[torch.from_numpy(places)] * function.dimension, indexing="ij")
    offsets = width * torch.stack([grid.flatten() for grid in grids], dim=-1)
    each = torch.from_numpy(np.log(weights)) - math.log(math.pi) / 2
    logs = torch.stack(torch.meshgrid(*[each] * function.dimension, indexing="ij")).sum(0).flatten()

    def parts(points: Tensor) -> tuple[Tensor, Tensor]:  # f at all nodes (..., k), and where these are
        at = points[..., None, :] + offsets.to(points)
        return function.value(at), at

    def value(points: Tensor) -> Tensor:
        values, _ = parts(points)
        if math.isinf(temperature):
            return (logs.to(points).exp() * values).sum(-1)
        return -temperature * torch.logsumexp(logs.to(points) - values / temperature, dim=-1)

    def gradient(points: Tensor) -> Tensor:
        values, at = parts(points)
        inverse = 0.0 if math.isinf(temperature) else 1 / temperature
        shares = torch.softmax(logs.to(points) - inverse * values, dim=-1)
        return (shares[..., None] * function.gradient(at)).sum(-2)

    def hessian(points: Tensor) -> Tensor:
        rows = points.reshape(-1, points.shape[-1])
        found: Tensor = torch.func.vmap(torch.func.jacrev(torch.func.grad(value)))(rows)
        return found.reshape(*points.shape, points.shape[-1])

    formula = f"{function.formula}, smoothed by {width:g}"
    return Function(value, function.box, function.start, function.lr, gradient, hessian, formula=formula)
