"""The minimum near a trained network's weights, up to rounding: where a model of the loss is to be right."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor
from torch.func import grad, grad_and_value

from landscape_cli.arrays import Array
from landscape_cli.curvature.dense import dense_hessian

STATIONARY = 1e-7  # length of the gradient at which losses no longer tell what is lower


def stationary_point(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Return a minimum of a smooth function near `start`, (p,) float64, by Newton's method in a trust region.

    The method is SciPy's ``trust-ncg`` (Nocedal and Wright 2006, algorithm 7.2), with exact products with the
    Hessian. It compares losses, so it ends at `STATIONARY`; a last step with the whole Hessian goes on to
    where rounding ends it.
    """
    slope, both = grad(loss), grad_and_value(loss)

    def height(x: Array) -> tuple[float, Array]:
        gradient, value = both(_like(start, x))
        return float(value), _array(gradient)

    def product(x: Array, vector: Array) -> Array:
        fixed = _like(start, vector)
        return _array(grad(lambda at: slope(at) @ fixed)(_like(start, x)))

    how: dict[str, Any] = {"hessp": product, "options": {"gtol": STATIONARY}}
    near = _like(start, minimize(height, _array(start), jac=True, method="trust-ncg", **how).x)
    last = np.asarray(np.linalg.solve(dense_hessian(loss, near), _array(slope(near))), dtype=np.float64)
    return near - _like(start, last)


def _like(point: Tensor, values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values)).to(point)


def _array(values: Tensor) -> Array:
    return np.asarray(values.cpu())
