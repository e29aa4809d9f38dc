"""Stationary points of all kinds, minima or not, from many starts at once."""

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function


def seek(function: Function, start: Tensor, steps: int) -> Tensor:
    """Return where Levenberg-Marquardt on 1/2 |grad f|^2 gets to: most of these points are stationary.

    A step is -(H^2 + mu I)^-1 H g with mu = |g|^2 (Yamashita, Fukushima 2001), so it converges quadratically
    also to stationary points that are not isolated; one that makes |g| larger is halved until it does not.

    Args:
        function: f, of points (..., d).
        start: (n, d), float64.
        steps: how many.
    """
    points, gradient = start.clone(), function.gradient(start)
    for _ in range(steps):
        size = gradient.square().sum(-1)
        values, vectors = torch.linalg.eigh(function.hessian(points))
        along = torch.einsum("nij,ni->nj", vectors, gradient)
        damped = along * values / (values.square() + size[:, None]).clamp_min(1e-300)
        move = torch.einsum("nij,nj->ni", vectors, damped)
        for _ in range(20):
            after = points - move
            there = function.gradient(after)
            better = there.square().sum(-1) < size
            if bool(better.all()):
                break
            move = torch.where(better[:, None], move, move / 2)
        if not bool(better.any()):
            break
        points = torch.where(better[:, None], after, points)
        gradient = torch.where(better[:, None], there, gradient)
    return points
