"""What kind of stationary point it is: by the gradient's length and the eigenvalues of the Hessian."""

from dataclasses import dataclass

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function

KINDS = ("not stationary", "minimum", "maximum", "strict saddle", "degenerate")


@dataclass(frozen=True)
class Points:
    """What a function is like at n points.

    Attributes:
        kind: (n,), the number of each one's entry in `KINDS`.
        gradient_norm: (n,).
        eigenvalues: of the Hessians, (n, d), increasing.
    """

    kind: Tensor
    gradient_norm: Tensor
    eigenvalues: Tensor

    @property
    def names(self) -> list[str]:
        """The kind of each point in words."""
        return [KINDS[number] for number in self.kind.tolist()]


def classify(
    function: Function, points: Tensor, *, gradient: float = 1e-6, curvature: float = 1e-6
) -> Points:
    """Return what kind of stationary point each of `points`, (n, d), is.

    With |grad| <= `gradient`: a minimum if all eigenvalues are above `curvature`; a maximum if all are below
    its negative; a strict saddle if one is below that and not all (Ge et al. 2015); degenerate otherwise:
    the second derivatives do not tell.

    Args:
        function: of points (…, d).
        points: (n, d).
        gradient: the largest length of a gradient that counts as zero.
        curvature: the largest modulus of an eigenvalue that does.
    """
    length = torch.linalg.vector_norm(function.gradient(points), dim=-1)
    eigenvalues = torch.linalg.eigvalsh(function.hessian(points))
    lowest, highest = eigenvalues[..., 0], eigenvalues[..., -1]
    kind = torch.full_like(length, KINDS.index("degenerate"), dtype=torch.long)
    kind[lowest < -curvature] = KINDS.index("strict saddle")
    kind[highest < -curvature] = KINDS.index("maximum")
    kind[lowest > curvature] = KINDS.index("minimum")
    kind[~(length <= gradient)] = KINDS.index("not stationary")
    return Points(kind, length, eigenvalues)
