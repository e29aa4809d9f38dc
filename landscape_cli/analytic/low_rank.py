"""Low-rank matrices of what is known of them: all entries, linear measurements, or a part of the entries."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.errors import LandscapeError


def asymmetric_factorization(target: Tensor, rank: int) -> Function:
    """Return 1/2 ||U V^T - M||_F^2 + 1/8 ||U^T U - V^T V||_F^2; the second term balances the two factors.

    Args:
        target: M, (rows, columns), float64.
        rank: columns of U and V; a point holds U row by row, then V.

    Raises:
        LandscapeError: a rank that is not from 1 to the smaller side of M.
    """
    rows, columns = target.shape
    if not 1 <= rank <= min(rows, columns):
        raise LandscapeError(f"the rank must be from 1 to {min(rows, columns)}, got {rank}")

    def factors(points: Tensor) -> tuple[Tensor, Tensor]:
        left, right = points.split([rows * rank, columns * rank], dim=-1)
        shape = points.shape[:-1]
        return left.reshape(*shape, rows, rank), right.reshape(*shape, columns, rank)

    def value(points: Tensor) -> Tensor:
        left, right = factors(points)
        imbalance = left.mT @ left - right.mT @ right
        rest = left @ right.mT - target
        return rest.square().sum((-2, -1)) / 2 + imbalance.square().sum((-2, -1)) / 8

    def gradient(points: Tensor) -> Tensor:
        left, right = factors(points)
        half = (left.mT @ left - right.mT @ right) / 2
        rest = left @ right.mT - target
        parts = rest @ right + left @ half, rest.mT @ left - right @ half
        return torch.cat([part.flatten(-2) for part in parts], dim=-1)

    singular = torch.linalg.svdvals(target)
    found = _differentiated(value, (rows + columns) * rank, 0.2 / float(singular[0]))
    return replace(found, gradient=gradient, lowest=float(singular[rank:].square().sum()) / 2)


def matrix_sensing(truth: Tensor, sensors: Tensor) -> Function:
    """Return 1/(4m) sum_i (<A_i, U U^T> - b_i)^2 with b_i = <A_i, X> and X = truth truth^T.

    With m of the order of d r Gaussian A_i it has no spurious minima (Bhojanapalli et al. 2016).

    Args:
        truth: (d, r), float64; a point holds U, of the same shape, row by row.
        sensors: A_i, (m, d, d).
    """
    size = truth.shape
    flat = ((sensors + sensors.mT) / 2).flatten(1)
    labels = flat @ (truth @ truth.mT).flatten()

    def residual(points: Tensor) -> tuple[Tensor, Tensor]:
        factor = points.reshape(*points.shape[:-1], *size)
        return factor, (factor @ factor.mT).flatten(-2) @ flat.T - labels

    def value(points: Tensor) -> Tensor:
        return residual(points)[1].square().sum(-1) / (4 * len(flat))

    def gradient(points: Tensor) -> Tensor:
        factor, rest = residual(points)
        weighted = (rest @ flat).reshape(*points.shape[:-1], size[0], size[0])
        return (weighted @ factor).flatten(-2) / len(flat)

    found = _differentiated(value, truth.numel(), 0.2 / _largest_eigenvalue(truth))
    return replace(found, gradient=gradient, lowest=0.0)


def matrix_completion(truth: Tensor, observed: Tensor, *, bound: float, weight: float) -> Function:
    """Return 1/(4p) ||P(U U^T - X)||_F^2 + weight sum_i max(|U_i| - bound, 0)^4 with X = truth truth^T.

    P keeps the observed entries, a share p of all. The second term keeps rows U_i from growing beyond a
    bound; with it there are no spurious minima where p is large enough (Ge, Lee, Ma 2016).

    Args:
        truth: (d, r), float64; a point holds U, of the same shape, row by row.
        observed: (d, d), bool, symmetric.
        bound: alpha, at least the length of the longest row of `truth` if that is to be a minimum.
        weight: lambda.
    """
    size, target, mask = truth.shape, truth @ truth.mT, observed.to(truth)
    share = float(mask.mean())

    def residual(points: Tensor) -> tuple[Tensor, Tensor]:
        factor = points.reshape(*points.shape[:-1], *size)
        return factor, mask * (factor @ factor.mT - target)

    def beyond(factor: Tensor) -> tuple[Tensor, Tensor]:
        # the root's derivative at 0 is not finite, and there is nothing beyond the bound
        length = factor.square().sum(-1).clamp_min(1e-30).sqrt()
        return length, (length - bound).clamp_min(0.0)

    def value(points: Tensor) -> Tensor:
        factor, rest = residual(points)
        return rest.square().sum((-2, -1)) / (4 * share) + weight * (beyond(factor)[1] ** 4).sum(-1)

    def gradient(points: Tensor) -> Tensor:
        factor, rest = residual(points)
        length, excess = beyond(factor)
        pull = 4 * weight * excess**3 / length
        return (rest @ factor / share + pull[..., None] * factor).flatten(-2)

    found = _differentiated(value, truth.numel(), 0.05 / _largest_eigenvalue(truth))
    return replace(found, gradient=gradient, lowest=0.0)


def recovery_error(points: Tensor, truth: Tensor) -> Tensor:
    """Return ||U U^T - X||_F / ||X||_F with X = truth truth^T.

    Args:
        points: factors U row by row, (n, d r).
        truth: (d, r).
    """
    factor, target = points.reshape(len(points), *truth.shape), truth @ truth.mT
    error: Tensor = torch.linalg.matrix_norm(factor @ factor.mT - target) / torch.linalg.matrix_norm(target)
    return error


def _largest_eigenvalue(factor: Tensor) -> float:
    return float(torch.linalg.matrix_norm(factor, 2)) ** 2


def _differentiated(value: Callable[[Tensor], Tensor], dimension: int, lr: float) -> Function:
    """Return the function with a start on the diagonal of its box, from -1 to 1."""
    return differentiated(value, ((-1.0, 1.0),) * dimension, (0.5,) * dimension, lr)
