"""All components of an orthogonal tensor at once, as points of unit spheres."""

from dataclasses import replace

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated


def tensor_components(components: Tensor) -> Function:
    """Return sum_{i != j} T(u_i, u_i, u_j, u_j) of T = sum_k a_k^(x4) for as many vectors u_i.

    With all u_i of unit length its minima, of the value 0, are the a_k in any order and with any sign; all
    other stationary points are strict saddles (Ge et al. 2015, equation 9). Lengths are the caller's to keep.

    Args:
        components: a_k, (d, d), float64, orthonormal rows; a point holds the u_i one after the other.
    """
    dimension = len(components)

    def products(points: Tensor) -> tuple[Tensor, Tensor]:
        along = points.reshape(*points.shape[:-1], dimension, dimension) @ components.T  # <u_i, a_k>
        return along, along.square()

    def value(points: Tensor) -> Tensor:
        squares = products(points)[1]
        return squares.sum(-2).square().sum(-1) - squares.square().sum((-2, -1))

    def gradient(points: Tensor) -> Tensor:
        along, squares = products(points)
        others = squares.sum(-2, keepdim=True) - squares
        return (4 * others * along @ components).flatten(-2)

    size = dimension**2
    start = torch.eye(dimension, dtype=torch.float64).flatten().tolist()
    found = differentiated(value, ((-1.0, 1.0),) * size, tuple(start), 0.05)
    return replace(found, gradient=gradient, lowest=0.0)


def on_spheres(points: Tensor, dimension: int) -> Tensor:
    """Return points, (..., k d), whose k vectors of `dimension` coordinates are scaled to unit length."""
    vectors = points.reshape(*points.shape[:-1], -1, dimension)
    lengths: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return (vectors / lengths).flatten(-2)


def worst_component(points: Tensor, components: Tensor) -> Tensor:
    """Return max_k min_i 1 - |<u_i, a_k>|: 0 where every component is found, sign and order left open.

    Args:
        points: the u_i of unit length one after the other, (n, d d).
        components: a_k, (d, d), orthonormal rows.
    """
    vectors = points.reshape(len(points), -1, len(components))
    worst: Tensor = (1 - (vectors @ components.T).abs()).amin(1).amax(-1)
    return worst
