"""LARS: a learning rate for each layer (You, Gitman, Ginsburg 2017, arXiv:1708.03888)."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn


class LARS(torch.optim.Optimizer):
    """SGD with momentum in which every tensor moves by the same part of its norm.

    For each tensor w with the gradient g

        v <- momentum v + lr rate (g + weight_decay w),   w <- w - v,
        rate = trust |w| / (|g| + weight_decay |w|),

    so that without momentum a step is at most lr trust |w| long, however large the gradient, and just so long
    without weight decay. Where w or g is zero the rate is `trust`: the formula would keep a bias that begins
    at zero there.

    Args:
        params: parameters.
        lr: of all.
        momentum: of the steps, learning rate included, as in the paper.
        weight_decay: beta.
        trust: eta.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1.0,
        *,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        trust: float = 1e-3,
    ) -> None:
        options = {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "trust": trust}
        super().__init__(params, options)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Make a step by the gradients that the parameters have."""
        assert closure is None
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                rate = _rate(weight, weight.grad, group["weight_decay"], group["trust"])
                step = group["lr"] * rate * (weight.grad + group["weight_decay"] * weight)
                if group["momentum"]:
                    velocity = self.state[weight].setdefault("velocity", torch.zeros_like(weight))
                    step = velocity.mul_(group["momentum"]).add_(step)
                weight.sub_(step)


def _rate(weight: Tensor, gradient: Tensor, weight_decay: float, trust: float) -> Tensor:
    """Return the layer's rate, a scalar on its device."""
    length, slope = torch.linalg.vector_norm(weight), torch.linalg.vector_norm(gradient)
    there = (length > 0) & (slope > 0)
    return trust * torch.where(there, length / (slope + weight_decay * length), torch.ones_like(length))
