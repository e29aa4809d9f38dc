"""Softmax regression on given samples: a convex loss with gradient and Hessian in closed form."""

import torch
import torch.nn.functional as F
from torch import Tensor

from landscape_cli.analytic.function import Function


def softmax_regression(inputs: Tensor, targets: Tensor, classes: int, decay: float = 0.0) -> Function:
    """Return the mean cross-entropy of a linear model, plus decay / 2 |w|^2, as a function of its weights.

    A point holds the matrix W, classes x (features + 1), row by row, each row's last entry the bias. With
    p = softmax(W x) and x ending with 1 the gradient is mean (p - y) x^T, and the Hessian
    mean (diag p - p p^T) (x) x x^T, of rank at most samples (classes - 1) (Bishop 2006, section 4.3.4). Its
    eigenvalues are at most half the largest one of mean x x^T (Boehning 1992); the step size is one over
    that.

    Args:
        inputs: (samples, ...), flattened.
        targets: class indices, (samples,).
        classes: how many there are.
        decay: adds as much to every eigenvalue.
    """
    flat = inputs.double().reshape(len(inputs), -1)
    rows = torch.cat([flat, torch.ones_like(flat[:, :1])], dim=1)
    wanted = F.one_hot(targets, classes).double()
    samples, features = rows.shape
    dimension = classes * features

    def outputs(points: Tensor) -> Tensor:
        weights = points.reshape(*points.shape[:-1], classes, features)
        return torch.einsum("nd,...kd->...nk", rows, weights)

    def value(points: Tensor) -> Tensor:
        loss = -(wanted * torch.log_softmax(outputs(points), dim=-1)).sum(-1).mean(-1)
        return loss + decay / 2 * points.square().sum(-1)

    def gradient(points: Tensor) -> Tensor:
        off = torch.softmax(outputs(points), dim=-1) - wanted
        slope = torch.einsum("...nk,nd->...kd", off, rows) / samples
        return slope.reshape(points.shape) + decay * points

    def hessian(points: Tensor) -> Tensor:
        weighed = torch.softmax(outputs(points), dim=-1)[..., None] * rows[:, None, :]  # (..., n, k, d)
        blocks = torch.einsum("...nkd,ne->...kde", weighed, rows) / samples
        long = weighed.reshape(*weighed.shape[:-2], dimension)
        found = -long.mT @ long / samples
        for number in range(classes):
            own = slice(number * features, (number + 1) * features)
            found[..., own, own] += blocks[..., number, :, :]
        return found + decay * torch.eye(dimension).to(points)

    steepest = float(torch.linalg.eigvalsh(rows.mT @ rows / samples)[-1]) / 2 + decay
    zero, box = (0.0,) * dimension, ((-1.0, 1.0),) * dimension
    return Function(value, box, zero, 1 / steepest, gradient, hessian, formula="softmax regression")


def point_of(weight: Tensor, bias: Tensor) -> Tensor:
    """Return a linear layer's weight, (classes, features), and bias, (classes,), as a point, (1, d)."""
    return torch.cat([weight, bias[:, None]], dim=1).detach().double().reshape(1, -1)
