"""Ravines, saddles, wells and valleys: where what an optimizer does can be computed by hand."""

import math

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.analytic.surfaces2d import check_positive, stacked
from landscape_cli.errors import LandscapeError


def quadratic(eigenvalues: Tensor, formula: str = "") -> Function:
    """Return 1/2 sum_i lambda_i x_i^2; `eigenvalues` is (d,), of either sign.

    The step size is 1.8 / max |lambda|, near the bound 2 / lambda_max of gradient descent.
    """
    curvature = eigenvalues.double()

    def value(points: Tensor) -> Tensor:
        return (curvature.to(points) * points**2).sum(-1) / 2

    def gradient(points: Tensor) -> Tensor:
        return curvature.to(points) * points

    def hessian(points: Tensor) -> Tensor:
        return torch.diag_embed(curvature.to(points).expand_as(points))

    dimension, convex = len(curvature), bool((curvature >= 0).all())
    minima, lowest = (((0.0,) * dimension,), 0.0) if convex else ((), None)
    lr = 1.8 / float(curvature.abs().max())
    box = ((-1.5, 1.5),) * dimension
    return Function(value, box, (1.0,) * dimension, lr, gradient, hessian, minima, lowest, formula)


def ravine(condition: float = 100.0, dimension: int = 2) -> Function:
    """Return 1/2 sum_i lambda_i x_i^2 with lambda from 1 to the condition number, geometrically spaced.

    Raises:
        LandscapeError: a condition number below 1, or fewer than two dimensions.
    """
    if not 1 <= condition < math.inf:
        raise LandscapeError(f"function.condition must be a number of at least 1, got {condition}")
    if dimension < 2:
        raise LandscapeError(f"function.dimension must be at least 2, got {dimension}")
    powers = torch.linspace(0, 1, dimension, dtype=torch.float64)
    formula = f"(x^2 + {condition:g} y^2) / 2" if dimension == 2 else f"ravine of condition {condition:g}"
    return quadratic(condition**powers, formula)


def dented_ravine(
    condition: float = 100.0, place: float = 2.0, depth: float = 1.5, width: float = 0.3
) -> Function:
    """Return (x^2 + c y^2) / 2 - depth e^(-((x - place)^2 + y^2) / (2 width^2)): a dent in a ravine's floor.

    Where the dent is steep enough it has a minimum of its own, above the global one near the origin.

    Args:
        condition: c, the curvature across the ravine over that along it.
        place: of the dent along x.
        depth: of the dent.
        width: standard deviation of the Gaussian that it is.

    Raises:
        LandscapeError: a condition number below 1, or a width or depth that is not positive.
    """
    bowl = ravine(condition)
    check_positive("depth", depth)
    check_positive("width", width)
    centre = torch.tensor([place, 0.0], dtype=torch.float64)

    def dent(points: Tensor) -> tuple[Tensor, Tensor]:  # (...), and (..., 2): (x - centre) / width^2
        off = (points - centre.to(points)) / width**2
        return depth * torch.exp(-(off.square().sum(-1)) * width**2 / 2), off

    def value(points: Tensor) -> Tensor:
        return bowl.value(points) - dent(points)[0]

    def gradient(points: Tensor) -> Tensor:
        height, off = dent(points)
        return bowl.gradient(points) + height[..., None] * off

    def hessian(points: Tensor) -> Tensor:
        height, off = dent(points)
        eye = torch.eye(2).to(points) / width**2
        return bowl.hessian(points) + height[..., None, None] * (eye - off[..., :, None] * off[..., None, :])

    reach = 2.0 * abs(place) + 1
    box = ((-reach / 2, reach), (-1.0, 1.0))
    formula = f"(x^2 + {condition:g} y^2) / 2, with a dent at x = {place:g}"
    lr = 1.0 / (condition + depth / width**2)
    return Function(value, box, (1.5 * place, 0.5), lr, gradient, hessian, formula=formula)


def saddle(curvature: float = 1.0) -> Function:
    """Return (x^2 - c y^2) / 2: a strict saddle at the origin; from (1, 0) gradient descent ends on it.

    Raises:
        LandscapeError: a curvature that is not positive.
    """
    check_positive("curvature", curvature)
    start = (1.0, 1e-6)
    made = quadratic(torch.tensor([1.0, -curvature], dtype=torch.float64), f"(x^2 - {curvature:g} y^2) / 2")
    return Function(
        made.value,
        made.box,
        start,
        0.1 / max(1.0, curvature),
        made.gradient,
        made.hessian,
        formula=made.formula,
    )


def monkey_saddle() -> Function:
    """Return x^3 - 3 x y^2: at the origin gradient and Hessian are zero, and three ways lead down."""

    def value(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return x**3 - 3 * x * y**2

    def gradient(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return torch.stack([3 * x**2 - 3 * y**2, -6 * x * y], dim=-1)

    def hessian(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return stacked([6 * x, -6 * y], [-6 * y, -6 * x])

    box = ((-1.5, 1.5), (-1.5, 1.5))
    return Function(value, box, (1.0, 1e-3), 1e-2, gradient, hessian, formula="x^3 - 3xy^2")


def two_wells(narrow: float = 50.0, wide: float = 2.0, distance: float = 3.0, rise: float = 0.0) -> Function:
    """Return two round wells of different widths, side by side along x, joined smoothly.

    -t log(e^(-a/t) + e^(-b/t)) of a = narrow ((x - p)^2 + y^2) / 2 + rise and b = wide ((x - q)^2 + y^2) / 2,
    which cross at x = 0 without a rise, at the height H = narrow p^2 / 2; t = H / 25. Within the wells this
    is a or b to ten digits, without a rise.

    Args:
        narrow: curvature of the well on the left.
        wide: of that on the right.
        distance: between the two centres, q - p.
        rise: height of the left well's floor above that of the right one.

    Raises:
        LandscapeError: a value is out of range.
    """
    for name, given in (("narrow", narrow), ("wide", wide), ("distance", distance)):
        check_positive(name, given)
    left = distance * math.sqrt(wide) / (math.sqrt(narrow) + math.sqrt(wide))
    right, height = distance - left, narrow * left**2 / 2
    if not 0 <= rise < height:
        raise LandscapeError(f"function.rise must be from 0 to below the barrier's {height:g}, got {rise}")
    softness = height / 25
    centres, curvatures = (-left, right), (narrow, wide)
    wells = list(zip(centres, curvatures, (rise, 0.0), strict=True))

    def heights(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return torch.stack([curve * ((x - at) ** 2 + y**2) / 2 + floor for at, curve, floor in wells], dim=-1)

    def slopes(points: Tensor) -> Tensor:  # (..., well, coordinate)
        x, y = points.unbind(-1)
        return stacked(*[[curve * (x - at), curve * y] for at, curve, _ in wells])

    def value(points: Tensor) -> Tensor:
        return -softness * torch.logsumexp(-heights(points) / softness, dim=-1)

    def gradient(points: Tensor) -> Tensor:
        shares = torch.softmax(-heights(points) / softness, dim=-1)
        return (shares[..., None] * slopes(points)).sum(-2)

    def hessian(points: Tensor) -> Tensor:
        shares, each = torch.softmax(-heights(points) / softness, dim=-1), slopes(points)
        mean = (shares[..., None] * each).sum(-2)
        spread = torch.einsum("...w,...wi,...wj->...ij", shares, each, each)
        spread = spread - mean[..., :, None] * mean[..., None, :]
        curve = (shares * torch.tensor(curvatures, dtype=torch.float64).to(points)).sum(-1)
        return curve[..., None, None] * torch.eye(2).to(points) - spread / softness

    reach = 1.3 * right
    box, minima = ((-2 * left - 0.5, right + reach), (-reach, reach)), ((-left, 0.0), (right, 0.0))
    formula, start = f"two wells of curvature {narrow:g} and {wide:g}", (-1.4 * left, 0.2 * left)
    lowest = 0.0
    return Function(value, box, start, 0.5 / narrow, gradient, hessian, minima, lowest, formula)


def valley() -> Function:
    """Return (uv - 1)^2 / 2: a connected valley uv = 1, along which the top curvature u^2 + v^2 grows."""

    def value(points: Tensor) -> Tensor:
        u, v = points.unbind(-1)
        return (u * v - 1) ** 2 / 2

    def gradient(points: Tensor) -> Tensor:
        u, v = points.unbind(-1)
        off = u * v - 1
        return torch.stack([off * v, off * u], dim=-1)

    def hessian(points: Tensor) -> Tensor:
        u, v = points.unbind(-1)
        mixed = 2 * u * v - 1
        return stacked([v**2, mixed], [mixed, u**2])

    box = ((-0.5, 4.5), (-0.5, 4.5))
    return Function(value, box, (4.0, 0.6), 0.05, gradient, hessian, (), 0.0, "(uv - 1)^2 / 2")
