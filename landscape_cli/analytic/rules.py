"""The optimizers that descend: torch's where torch has them, and those that it has not.

A rule takes a function, the starts (n, d), random numbers and its options, and returns what makes a step:
each call moves all points once and returns where they are. A rule works on each row alone.
"""

import itertools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from landscape_cli.analytic.function import Function
from landscape_cli.uncompiled import without_compiler

Step = Callable[[], Tensor]
Rule = Callable[..., Step]


def _torchs(kind: type[torch.optim.Optimizer], **fixed: Any) -> Rule:
    """Return the rule of an optimizer whose update is one coordinate at a time."""

    def rule(function: Function, start: Tensor, random: torch.Generator, **options: Any) -> Step:
        points = start.clone()
        optimizer = without_compiler(kind)([points], **fixed, **options)

        def step() -> Tensor:
            points.grad = function.gradient(points)
            optimizer.step()
            return points

        return step

    return rule


def newton(
    function: Function, start: Tensor, random: torch.Generator, *, lr: float, damping: float = 0.0
) -> Step:
    """Return steps x - lr (H + damping I)^-1 g; directions of the eigenvalue zero stay as they are."""
    points = start.clone()

    def step() -> Tensor:
        hessian = function.hessian(points)
        known = hessian.isfinite().all(-1).all(-1)
        eye = torch.eye(points.shape[-1]).to(points)
        values, vectors = torch.linalg.eigh(torch.where(known[:, None, None], hessian, eye) + damping * eye)
        small = values.abs() <= 1e-14 * values.abs().amax(-1, keepdim=True)
        along = torch.einsum("nij,ni->nj", vectors, function.gradient(points))
        along = torch.where(small, 0.0, along / torch.where(small, 1.0, values))
        points.sub_(lr * torch.einsum("nij,nj->ni", vectors, along))
        return points

    return step


def sam(function: Function, start: Tensor, random: torch.Generator, *, lr: float, rho: float) -> Step:
    """Return steps along the gradient at x + rho g / |g| (Foret et al. 2021)."""
    points = start.clone()

    def step() -> Tensor:
        gradient = function.gradient(points)
        length = torch.linalg.vector_norm(gradient, dim=-1, keepdim=True)
        ascent = rho * gradient / length.clamp_min(1e-12)
        points.sub_(lr * function.gradient(points + ascent))
        return points

    return step


def noisy_gd(function: Function, start: Tensor, random: torch.Generator, *, lr: float, noise: float) -> Step:
    """Return steps x - lr g + sqrt(noise) xi (Ge et al. 2015)."""
    points = start.clone()

    def step() -> Tensor:
        points.sub_(lr * function.gradient(points)).add_(noise**0.5 * _normal(points, random))
        return points

    return step


def annealed_gd(
    function: Function, start: Tensor, random: torch.Generator, *, lr: float, eta: float, gamma: float
) -> Step:
    """Return steps x - lr (g + sigma_t xi), sigma_t^2 = eta / (1 + t)^gamma (Neelakantan et al. 2015).

    With gamma = 0 the noise is the same in every step.
    """
    points = start.clone()
    done = itertools.count()

    def step() -> Tensor:
        sigma = (eta / (1 + next(done)) ** gamma) ** 0.5
        points.sub_(lr * (function.gradient(points) + sigma * _normal(points, random)))
        return points

    return step


def perturbed_gd(
    function: Function,
    start: Tensor,
    random: torch.Generator,
    *,
    lr: float,
    radius: float,
    threshold: float,
    wait: int,
) -> Step:
    """Return gradient descent that is moved at random where the gradient is small (Jin et al. 2017)."""
    points = start.clone()
    since = torch.full((len(start),), wait, device=start.device)

    def step() -> Tensor:
        length = torch.linalg.vector_norm(function.gradient(points), dim=-1)
        moved = (length <= threshold) & (since >= wait)
        points.add_(torch.where(moved[:, None], radius * in_ball(points, random), 0.0))
        since.add_(1)[moved] = 0
        points.sub_(lr * function.gradient(points))
        return points

    return step


def sgd(
    function: Function,
    start: Tensor,
    random: torch.Generator,
    *,
    lr: float,
    parts: int,
    batch: int,
    spread: float,
) -> Step:
    """Return stochastic gradient descent on a finite sum whose mean is the function.

    Part i is f(x) + a_i x, so that the mean over parts is f exactly; each step sees the mean of a batch of
    parts, drawn with replacement for every start on its own. The gradient's noise has the variance spread^2 /
    batch in each coordinate, but for the factor 1 - 1 / parts.
    """
    points = start.clone()
    tilts = spread * torch.randn(parts, start.shape[-1], generator=random, dtype=torch.float64)
    tilts = (tilts - tilts.mean(0)).to(start)

    def step() -> Tensor:
        drawn = torch.randint(parts, (len(points), batch), generator=random).to(points.device)
        points.sub_(lr * (function.gradient(points) + tilts[drawn].mean(1)))
        return points

    return step


def in_ball(points: Tensor, random: torch.Generator) -> Tensor:
    """Return points drawn uniformly from the unit ball, of the shape (n, d) of `points`."""
    direction = _normal(points, random)
    direction /= torch.linalg.vector_norm(direction, dim=-1, keepdim=True)
    radius = torch.rand(len(points), 1, generator=random, dtype=torch.float64).to(points)
    return direction * radius ** (1 / points.shape[-1])


def _normal(points: Tensor, random: torch.Generator) -> Tensor:
    return torch.randn(points.shape, generator=random, dtype=torch.float64).to(points)


RULES: dict[str, Rule] = {
    "gd": _torchs(torch.optim.SGD),
    "heavy_ball": _torchs(torch.optim.SGD),
    "nesterov": _torchs(torch.optim.SGD, nesterov=True),
    "adagrad": _torchs(torch.optim.Adagrad),
    "rmsprop": _torchs(torch.optim.RMSprop),
    "adam": _torchs(torch.optim.Adam),
    "newton": newton,
    "damped_newton": newton,
    "sam": sam,
    "noisy_gd": noisy_gd,
    "annealed_gd": annealed_gd,
    "perturbed_gd": perturbed_gd,
    "sgd": sgd,
}
"""Name of each optimizer -> its rule."""


def begun(function: Function, start: Tensor, name: str, options: Mapping[str, Any], seed: int) -> Step:
    """Return what makes the steps of an optimizer.

    Args:
        function: in float64.
        start: (n, d), float64, on the device that works.
        name: one of `RULES`.
        options: of the optimizer, its step size ``lr`` among them.
        seed: of what it draws at random: each optimizer draws the same for the same seed.
    """
    return RULES[name](function, start, torch.Generator().manual_seed(seed), **options)
