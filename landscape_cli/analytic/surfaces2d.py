"""Functions that optimizers are shown on, each with its gradient and Hessian in closed form."""

import itertools
import math

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.errors import LandscapeError


def stacked(*rows: list[Tensor]) -> Tensor:
    """Return matrices (..., n, m) of entries that are (...) each."""
    return torch.stack([torch.stack(torch.broadcast_tensors(*row), dim=-1) for row in rows], dim=-2)


def check_positive(name: str, given: float) -> None:
    """Refuse an option of a function that is no positive number.

    Raises:
        LandscapeError: naming it.
    """
    if not 0 < given < math.inf:
        raise LandscapeError(f"function.{name} must be a positive number, got {given}")


def beale() -> Function:
    """Return the function of Beale (1958): a narrow curved valley, one minimum at (3, 1/2)."""
    constants = (1.5, 2.25, 2.625)

    def value(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return sum(
            ((c - x + x * y**power) ** 2 for power, c in enumerate(constants, start=1)), torch.zeros_like(x)
        )

    def gradient(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        along_x, along_y = torch.zeros_like(x), torch.zeros_like(x)
        for n, c in enumerate(constants, start=1):
            rest = c - x + x * y**n
            along_x = along_x + 2 * rest * (y**n - 1)
            along_y = along_y + 2 * rest * n * x * y ** (n - 1)
        return torch.stack([along_x, along_y], dim=-1)

    def hessian(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        xx, xy, yy = torch.zeros_like(x), torch.zeros_like(x), torch.zeros_like(x)
        for n, c in enumerate(constants, start=1):
            rest, in_x, in_y = c - x + x * y**n, y**n - 1, n * x * y ** (n - 1)
            xx = xx + 2 * in_x**2
            xy = xy + 2 * (in_x * in_y + rest * n * y ** (n - 1))
            yy = yy + 2 * (in_y**2 + (rest * n * (n - 1) * x * y ** (n - 2) if n > 1 else 0))
        return stacked([xx, xy], [xy, yy])

    formula = "(1.5 - x + xy)^2 + (2.25 - x + xy^2)^2 + (2.625 - x + xy^3)^2"
    return Function(
        value, ((-1.0, 4.0), (-2.0, 2.0)), (1.0, 1.5), 1e-2, gradient, hessian, ((3.0, 0.5),), 0.0, formula
    )


def rosenbrock(curvature: float = 100.0) -> Function:
    """Return (1 - x)^2 + c (y - x^2)^2 (Rosenbrock 1960, c = 100): a bent valley, one minimum at (1, 1).

    Raises:
        LandscapeError: a curvature that is not positive.
    """
    check_positive("curvature", curvature)

    def value(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return (1 - x) ** 2 + curvature * (y - x**2) ** 2

    def gradient(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        off = y - x**2
        return torch.stack([-2 * (1 - x) - 4 * curvature * x * off, 2 * curvature * off], dim=-1)

    def hessian(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        xx = 2 - 4 * curvature * (y - 3 * x**2)
        xy, yy = -4 * curvature * x, torch.full_like(x, 2 * curvature)
        return stacked([xx, xy], [xy, yy])

    formula = f"(1 - x)^2 + {curvature:g} (y - x^2)^2"
    box, start = ((-2.0, 2.0), (-1.0, 3.0)), (-1.5, 2.0)
    return Function(value, box, start, 0.05 / curvature, gradient, hessian, ((1.0, 1.0),), 0.0, formula)


def himmelblau() -> Function:
    """Return the function of Himmelblau (1972): four minima of value 0, four saddles, one maximum."""
    minima = ((3.0, 2.0), (-2.805118, 3.131313), (-3.779310, -3.283186), (3.584428, -1.848127))

    def value(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2

    def gradient(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        first, second = x**2 + y - 11, x + y**2 - 7
        return torch.stack([4 * x * first + 2 * second, 2 * first + 4 * y * second], dim=-1)

    def hessian(points: Tensor) -> Tensor:
        x, y = points.unbind(-1)
        xx, yy, xy = 12 * x**2 + 4 * y - 42, 12 * y**2 + 4 * x - 26, 4 * (x + y)
        return stacked([xx, xy], [xy, yy])

    box = ((-5.0, 5.0), (-5.0, 5.0))
    return Function(
        value, box, (0.0, 0.0), 1e-2, gradient, hessian, minima, 0.0, "(x^2 + y - 11)^2 + (x + y^2 - 7)^2"
    )


def rastrigin(dimension: int = 2) -> Function:
    """Return 10 d + sum_i (x_i^2 - 10 cos 2 pi x_i) (Rastrigin 1974): a minimum near every integer point."""
    turn = 2 * math.pi

    def value(points: Tensor) -> Tensor:
        return (10 + points**2 - 10 * torch.cos(turn * points)).sum(-1)

    def gradient(points: Tensor) -> Tensor:
        return 2 * points + 10 * turn * torch.sin(turn * points)

    def hessian(points: Tensor) -> Tensor:
        return torch.diag_embed(2 + 10 * turn**2 * torch.cos(turn * points))

    box, origin = ((-2.5, 2.5),) * dimension, (0.0,) * dimension
    formula = f"10·{dimension} + \N{GREEK CAPITAL LETTER SIGMA} (x^2 - 10 cos 2πx)"
    return Function(value, box, (1.7,) * dimension, 1e-3, gradient, hessian, (origin,), 0.0, formula)


def styblinski_tang(dimension: int = 2) -> Function:
    """Return 1/2 sum_i (x_i^4 - 16 x_i^2 + 5 x_i) (Styblinski and Tang 1990): 2^d minima, one global."""
    low, high = -2.903534, 2.746803  # the two minimizers in one dimension
    minima = tuple(itertools.product((low, high), repeat=dimension)) if dimension <= 4 else ()

    def value(points: Tensor) -> Tensor:
        return (points**4 - 16 * points**2 + 5 * points).sum(-1) / 2

    def gradient(points: Tensor) -> Tensor:
        return 2 * points**3 - 16 * points + 2.5

    def hessian(points: Tensor) -> Tensor:
        return torch.diag_embed(6 * points**2 - 16)

    formula = "\N{GREEK CAPITAL LETTER SIGMA} (x^4 - 16x^2 + 5x) / 2"
    box, start = ((-4.0, 4.0),) * dimension, (0.3,) * dimension
    lowest = -39.16616570377142 * dimension
    return Function(value, box, start, 1e-2, gradient, hessian, minima, lowest, formula)


def muller_brown() -> Function:
    """Return the potential of Müller and Brown (1979): three minima, two saddles between them."""
    depth = (-200.0, -100.0, -170.0, 15.0)
    a, b, c = (-1.0, -1.0, -6.5, 0.7), (0.0, 0.0, 11.0, 0.6), (-10.0, -10.0, -6.5, 0.7)
    places = ((1.0, 0.0), (0.0, 0.5), (-0.5, 1.5), (-1.0, 1.0))
    terms = list(zip(depth, a, b, c, places, strict=True))
    minima = ((-0.558224, 1.441726), (0.623499, 0.028038), (-0.050011, 0.466694))

    def parts(points: Tensor) -> list[tuple[Tensor, Tensor, Tensor, float, float, float]]:
        x, y = points.unbind(-1)
        found = []
        for height, along, mixed, across, (x0, y0) in terms:
            dx, dy = x - x0, y - y0
            each = height * torch.exp(along * dx**2 + mixed * dx * dy + across * dy**2)
            found.append(
                (each, 2 * along * dx + mixed * dy, mixed * dx + 2 * across * dy, along, mixed, across)
            )
        return found

    def value(points: Tensor) -> Tensor:
        return torch.stack([each for each, *_ in parts(points)]).sum(0)

    def gradient(points: Tensor) -> Tensor:
        found = [torch.stack([each * gx, each * gy], dim=-1) for each, gx, gy, *_ in parts(points)]
        return torch.stack(found).sum(0)

    def hessian(points: Tensor) -> Tensor:
        found = []
        for each, gx, gy, along, mixed, across in parts(points):
            xy = each * (gx * gy + mixed)
            found.append(stacked([each * (gx**2 + 2 * along), xy], [xy, each * (gy**2 + 2 * across)]))
        return torch.stack(found).sum(0)

    box = ((-1.5, 1.2), (-0.2, 2.0))
    lowest = -146.69951720995402
    return Function(
        value, box, (-0.8, 0.6), 2e-4, gradient, hessian, minima, lowest, "Müller-Brown potential"
    )
