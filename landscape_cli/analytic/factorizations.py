"""Matrix and tensor factorizations: all stationary points but the global minima are strict saddles."""

import math

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.errors import LandscapeError


def matrix_factorization(eigenvalues: list[float], rank: int = 1) -> Function:
    """Return 1/4 ||X X^T - M||_F^2 of X, n x rank, with M = diag(eigenvalues), decreasing and positive.

    Its gradient is (X X^T - M) X; at rank 1 its Hessian is ||x||^2 I + 2 x x^T - M, its stationary points are
    0 and +- sqrt(lambda_j) e_j, and only those of j = 1 are minima (Chi et al. 2019, section 3).

    Args:
        eigenvalues: of M, n of them.
        rank: columns of X; a point holds X row by row.

    Raises:
        LandscapeError: eigenvalues that do not decrease, or a rank that is not from 1 to n.
    """
    spectrum = torch.tensor(eigenvalues, dtype=torch.float64)
    n = len(spectrum)
    falls = bool((spectrum[1:] < spectrum[:-1]).all()) and n >= 2 and bool((spectrum > 0).all())
    if not falls:
        raise LandscapeError(
            f"function.eigenvalues must be two or more positive numbers that decrease, got {eigenvalues}"
        )
    if not 1 <= rank <= n:
        raise LandscapeError(f"function.rank must be from 1 to {n}, got {rank}")
    target = torch.diag(spectrum)

    def residual(points: Tensor) -> tuple[Tensor, Tensor]:
        factor = points.reshape(*points.shape[:-1], n, rank)
        return factor, factor @ factor.mT - target.to(points)

    def value(points: Tensor) -> Tensor:
        return residual(points)[1].square().sum((-2, -1)) / 4

    def gradient(points: Tensor) -> Tensor:
        factor, rest = residual(points)
        return (rest @ factor).reshape(points.shape)

    def hessian(points: Tensor) -> Tensor:
        # d((X X^T - M) X) = dX X^T X + X dX^T X + (X X^T - M) dX
        factor, rest = residual(points)
        rows, columns = torch.eye(n).to(points), torch.eye(rank).to(points)
        gram = factor.mT @ factor
        parts = (
            torch.einsum("ij,...ab->...iajb", rows, gram)
            + torch.einsum("...ib,...ja->...iajb", factor, factor)
            + torch.einsum("...ij,ab->...iajb", rest, columns)
        )
        return parts.reshape(*points.shape, points.shape[-1])

    lowest = float((spectrum[rank:] ** 2).sum()) / 4
    top = math.sqrt(float(spectrum[0]))
    ends = ((top, *(0.0,) * (n - 1)), (-top, *(0.0,) * (n - 1))) if rank == 1 else ()
    box = ((-1.3 * top, 1.3 * top),) * (n * rank)
    start = torch.linspace(0.02, 1, n * rank, dtype=torch.float64).tolist()
    formula = "|XX\N{MODIFIER LETTER CAPITAL T} - M|^2 / 4"
    lr = 0.2 / float(spectrum[0])
    return Function(value, box, tuple(start), lr, gradient, hessian, ends, lowest, formula)


def tensor_factorization(dimension: int = 2) -> Function:
    """Return 1/2 ||T - u^(x4)||^2 of T = sum_i e_i^(x4): 1/2 d - sum_i u_i^4 + 1/2 ||u||^8.

    The minima are +- e_i, a component of the orthogonal tensor each; between them lie strict saddles
    (Ge et al. 2015).

    Raises:
        LandscapeError: fewer than two dimensions.
    """
    if dimension < 2:
        raise LandscapeError(f"function.dimension must be at least 2, got {dimension}")

    def value(points: Tensor) -> Tensor:
        return dimension / 2 - (points**4).sum(-1) + points.square().sum(-1) ** 4 / 2

    def gradient(points: Tensor) -> Tensor:
        length = points.square().sum(-1, keepdim=True)
        return 4 * length**3 * points - 4 * points**3

    def hessian(points: Tensor) -> Tensor:
        length = points.square().sum(-1)[..., None, None]
        eye = torch.eye(dimension).to(points)
        outer = points[..., :, None] * points[..., None, :]
        return 4 * length**3 * eye + 24 * length**2 * outer - 12 * torch.diag_embed(points**2)

    units = torch.eye(dimension, dtype=torch.float64).tolist()
    minima = tuple(tuple(sign * entry for entry in unit) for unit in units for sign in (1.0, -1.0))
    box, start = ((-1.3, 1.3),) * dimension, (0.1, *(0.12,) * (dimension - 1))
    formula = "|T - u\N{CIRCLED TIMES}4|^2 / 2"
    return Function(value, box, start, 2e-2, gradient, hessian, minima, (dimension - 1) / 2, formula)
