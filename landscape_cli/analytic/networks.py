"""Losses of small networks on given samples as functions of their weights."""

from dataclasses import replace
from itertools import pairwise

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function, differentiated
from landscape_cli.errors import LandscapeError


def linear_chain(depth: int) -> Function:
    """Return 1/2 (w_1 w_2 ... w_depth - 1)^2, a linear network of width 1 on the sample 1 -> 1.

    All its minima are global. 0 is a strict saddle at depth 2 and a saddle with the Hessian 0 from depth 3 on
    (Kawaguchi 2016).

    Raises:
        LandscapeError: a depth below 2.
    """
    if depth < 2:
        raise LandscapeError(f"the depth must be at least 2, got {depth}")

    def value(points: Tensor) -> Tensor:
        product = torch.ones(points.shape[:-1]).to(points)
        for weight in points.unbind(-1):
            product = product * weight
        return (product - 1).square() / 2

    others = torch.tensor([[i for i in range(depth) if i != left_out] for left_out in range(depth)])

    def gradient(points: Tensor) -> Tensor:
        return (points.prod(-1, keepdim=True) - 1) * points[..., others].prod(-1)

    start = torch.linspace(0.2, 0.8, depth, dtype=torch.float64).tolist()
    found = differentiated(value, ((-1.5, 1.5),) * depth, tuple(start), 0.1, lowest=0.0)
    return replace(found, gradient=gradient)


def linear_network(inputs: Tensor, outputs: Tensor, widths: list[int]) -> Function:
    """Return 1/(2n) ||X W_1^T ... W_L^T - Y||_F^2 of the weights of a deep linear network.

    The least value is that of least squares among matrices whose rank is at most the narrowest width, and
    every minimum has it (Kawaguchi 2016): the squares of least squares without that bound, and those of the
    singular values that its fitted outputs have beyond that rank (Izenman 1975).

    Args:
        inputs: X, (n, a), float64, of rank a.
        outputs: Y, (n, b).
        widths: of the hidden layers; a point holds W_1, ..., W_L row by row.
    """
    sizes = [inputs.shape[1], *widths, outputs.shape[1]]
    shapes = [(after, before) for before, after in pairwise(sizes)]
    counts = [after * before for after, before in shapes]

    def layers(points: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        """Return W_l, and W_l ... W_1 with the identity before them."""
        parts = points.split(counts, dim=-1)
        weights = [
            part.reshape(*points.shape[:-1], *shape) for part, shape in zip(parts, shapes, strict=True)
        ]
        products = [torch.eye(sizes[0]).to(points).expand(*points.shape[:-1], -1, -1)]
        for weight in weights:
            products.append(weight @ products[-1])
        return weights, products

    def value(points: Tensor) -> Tensor:
        product = layers(points)[1][-1]
        return (inputs @ product.mT - outputs).square().sum((-2, -1)) / (2 * len(inputs))

    moments = inputs.T @ inputs / len(inputs), outputs.T @ inputs / len(inputs)

    def gradient(points: Tensor) -> Tensor:
        weights, products = layers(points)
        slope, parts = products[-1] @ moments[0] - moments[1], []
        for weight, before in zip(reversed(weights), reversed(products[:-1]), strict=True):
            parts.append((slope @ before.mT).flatten(-2))
            slope = weight.mT @ slope
        return torch.cat(parts[::-1], dim=-1)

    fitted = inputs @ torch.linalg.lstsq(inputs, outputs).solution
    beyond = torch.linalg.svdvals(fitted)[min(sizes) :]
    lowest = float((fitted - outputs).square().sum() + beyond.square().sum()) / (2 * len(inputs))
    size = sum(counts)
    found = differentiated(value, ((-1.0, 1.0),) * size, (0.5,) * size, 0.05, lowest=lowest)
    return replace(found, gradient=gradient)


def quadratic_network(inputs: Tensor, labels: Tensor, signs: Tensor) -> Function:
    """Return 1/(2n) sum_i (sum_j a_j (w_j^T x_i)^2 - y_i)^2 of the first layer's weights.

    The outputs are x^T S x with S = sum_j a_j w_j w_j^T, any symmetric matrix where d of the a_j are positive
    and d negative; one of those fits the labels of up to d (d + 1) / 2 inputs in general position.

    Args:
        inputs: x_i, (n, d), float64.
        labels: y_i, (n,).
        signs: a_j, (k,), which stay as they are; a point holds the w_j one after the other.
    """
    shape = len(signs), inputs.shape[1]

    def residual(points: Tensor) -> tuple[Tensor, Tensor]:
        hidden = points.reshape(*points.shape[:-1], *shape) @ inputs.T
        return hidden, (hidden.square() * signs[:, None]).sum(-2) - labels

    def value(points: Tensor) -> Tensor:
        return residual(points)[1].square().mean(-1) / 2

    def gradient(points: Tensor) -> Tensor:
        hidden, rest = residual(points)
        weighted = hidden * rest[..., None, :] * signs[:, None]
        return (weighted @ inputs).flatten(-2) * (2 / len(inputs))

    size = shape[0] * shape[1]
    found = differentiated(value, ((-1.0, 1.0),) * size, (0.5,) * size, 0.05)
    of_a_sign = min(int((signs > 0).sum()), int((signs < 0).sum()))
    fits = of_a_sign >= shape[1] and len(inputs) <= shape[1] * (shape[1] + 1) // 2
    return replace(found, gradient=gradient, lowest=0.0 if fits else None)


def relu_network(inputs: Tensor, labels: Tensor, width: int) -> Function:
    """Return 1/(2n) sum_i (sum_j a_j max(w_j^T x_i + c_j, 0) + b - y_i)^2 of all weights and biases.

    Args:
        inputs: x_i, (n, d), float64.
        labels: y_i, (n,).
        width: the number k of units; a point holds the w_j, the c_j, the a_j and b.
    """
    dimension = inputs.shape[1]
    counts = [width * dimension, width, width, 1]

    def value(points: Tensor) -> Tensor:
        weights, biases, outer, last = points.split(counts, dim=-1)
        rows = weights.reshape(*points.shape[:-1], width, dimension)
        hidden = (rows @ inputs.T + biases[..., None]).clamp_min(0.0)
        outputs: Tensor = (outer[..., None] * hidden).sum(-2) + last
        return (outputs - labels).square().mean(-1) / 2

    size = sum(counts)
    return differentiated(value, ((-1.0, 1.0),) * size, (0.5,) * size, 0.05)


def linear_minimum(inputs: Tensor, labels: Tensor, width: int, margin: float = 1.0) -> Tensor:
    """Return a point of `relu_network` where every unit is active on every sample and the fit is linear.

    Its outputs are those of linear least squares. Near it the network stays linear in its inputs, so it is a
    local minimum (Yun, Sra, Jadbabaie 2019, theorem 1), if linear functions do not fit the labels a bad one.

    Args:
        inputs: (n, d), float64.
        labels: (n,).
        width: the number of units.
        margin: what the least active unit gives.
    """
    padded = torch.cat([inputs, torch.ones(len(inputs), 1).to(inputs)], dim=1)
    found: Tensor = torch.linalg.lstsq(padded, labels[:, None]).solution.squeeze(1)
    slope, offset = found[:-1], found[-1:]
    bias = margin - (inputs @ slope).min()
    ones = torch.ones(width).to(inputs)
    # sum_j (1/k) (s^T x + c) + (offset - c)
    return torch.cat([slope.repeat(width), bias * ones, ones / width, offset - bias])
