"""The population loss of a two-layer ReLU network that learns from another, in closed form."""

import math

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function

SMALLEST_SINE = 1e-8  # the angle of two parallel vectors counts as this, for the normal to be finite


def relu_teacher(teacher: Tensor, width: int) -> Function:
    """Return 1/2 E (sum_i relu(w_i^T x) - sum_j relu(v_j^T x))^2 over x ~ N(0, I).

    With theta the angle of w and v, E relu(w^T x) relu(v^T x) = |w| |v| (sin theta + (pi - theta) cos theta)
    / (2 pi) (Cho, Saul 2009). Value, gradient and Hessian are those of Safran, Shamir 2018, section 4.

    Args:
        teacher: v_j, (n, d), float64, none of them 0.
        width: the number k of student units; a point holds the w_i one after the other, none of them 0.
    """
    dimension = teacher.shape[1]

    def students(points: Tensor) -> Tensor:
        return points.reshape(*points.shape[:-1], width, dimension)

    known = float(_kernel(teacher, teacher).sum()) / 2
    signs = torch.cat([torch.ones(width), -torch.ones(len(teacher))]).to(teacher)[:, None]

    def value(points: Tensor) -> Tensor:
        own = students(points)
        return _kernel(own, own).sum((-2, -1)) / 2 - _kernel(own, teacher).sum((-2, -1)) + known

    def gradient(points: Tensor) -> Tensor:
        own = students(points)
        # 1/(2 pi) sum_j s_j (|v_j| sin(theta_ij) w_i / |w_i| + (pi - theta_ij) v_j), s_j = -1 of a teacher
        units = torch.cat([own, teacher.expand(*own.shape[:-2], *teacher.shape)], dim=-2)
        _, sine, angle = _angles(own, units)
        along = sine @ (_length(units) * signs)
        return ((along * own / _length(own) + (math.pi - angle) @ (units * signs)) / (2 * math.pi)).flatten(
            -2
        )

    def hessian(points: Tensor) -> Tensor:
        own = students(points)
        blocks = _mixed(own)
        diagonal = (_curvature(own, own, same=True) - _curvature(own, teacher)).movedim(-3, 0)
        eye = torch.eye(dimension).to(points) / 2
        for unit in range(width):
            blocks[..., unit, :, unit, :] = eye + diagonal[unit]
        return blocks.reshape(*points.shape, points.shape[-1])

    start = torch.eye(width, dimension, dtype=torch.float64) + 0.5
    return Function(
        value,
        ((-1.5, 1.5),) * (width * dimension),
        tuple(start.flatten().tolist()),
        2 / (width + 3),
        gradient,
        hessian,
        lowest=0.0 if width >= len(teacher) else None,
        formula="E (student - teacher)\N{SUPERSCRIPT TWO} / 2",
    )


def _length(vectors: Tensor) -> Tensor:
    found: Tensor = torch.linalg.vector_norm(vectors, dim=-1, keepdim=True)
    return found


def _angles(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return cos, sin and theta of all pairs, (..., k, n)."""
    cosine = ((one / _length(one)) @ (other / _length(other)).mT).clamp(-1.0, 1.0)
    return cosine, (1 - cosine.square()).sqrt(), cosine.arccos()


def _kernel(one: Tensor, other: Tensor) -> Tensor:
    cosine, sine, angle = _angles(one, other)
    return _length(one) * _length(other).mT * (sine + (math.pi - angle) * cosine) / (2 * math.pi)


def _normals(one: Tensor, other: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Return the unit vectors n_ij along v_j's part across w_i, (..., k, n, d)."""
    ahead, aside = one / _length(one), other / _length(other)
    across = aside[..., None, :, :] - cosine[..., None] * ahead[..., :, None, :]
    return across / sine.clamp_min(SMALLEST_SINE)[..., None]


def _curvature(own: Tensor, others: Tensor, same: bool = False) -> Tensor:
    """Return sum_j d^2/dw^2 of the kernel, (..., k, d, d); `same`: without pairs of a unit with itself."""
    cosine, sine, _ = _angles(own, others)
    normals, ahead = _normals(own, others, cosine, sine), own / _length(own)
    ratio = sine * _length(others).mT / _length(own)
    if same:
        ratio = ratio * (1 - torch.eye(ratio.shape[-1]).to(ratio))
    plane = torch.eye(own.shape[-1]).to(own) - ahead[..., :, None] * ahead[..., None, :]
    spread = normals.mT @ (ratio[..., None] * normals)
    return (ratio.sum(-1)[..., None, None] * plane + spread) / (2 * math.pi)


def _mixed(own: Tensor) -> Tensor:
    """Return d^2/dw_i dw_j of the kernel for i != j, (..., k, d, k, d); where i = j it is to be filled."""
    cosine, sine, angle = _angles(own, own)
    normals, ahead = _normals(own, own, cosine, sine), own / _length(own)
    turned = normals.transpose(-3, -2)  # n of w_i's part across w_j
    eye = torch.eye(own.shape[-1]).to(own)
    blocks = (
        (math.pi - angle)[..., None, None] * eye
        + ahead[..., None, :, :, None] * turned[..., None, :]
        + ahead[..., :, None, :, None] * normals[..., None, :]
    )
    return (blocks / (2 * math.pi)).transpose(-3, -2)
