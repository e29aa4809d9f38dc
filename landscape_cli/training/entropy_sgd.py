"""Entropy-SGD (Chaudhari et al. 2017, arXiv:1611.01838): descent on the local entropy of the loss.

The local entropy at x is F = log of the integral over x' of exp(-f(x') - gamma/2 |x - x'|^2); its gradient is
-gamma (x - <x'>), and the mean <x'> is that of a Langevin walk around x, on the gradients of batches.
"""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from torch import nn


class EntropySGD(torch.optim.Optimizer):
    """Algorithm 1 of the paper: each step is one of the walk, each `inner_steps`-th moves the centre, too.

    From the centre x the walk begins at x' = mu = x, and a step with the gradient g of a batch at x' is

        x' <- x' - inner_lr (g + weight_decay x' + gamma (x' - x)) + sqrt(inner_lr) noise N(0, 1),
        mu <- mean_decay mu + (1 - mean_decay) x'.

    After `inner_steps` of them, or where `close` is called, x <- x - lr (x - mu), and the next walk begins
    there. As in the authors' code gamma is no factor of that step: it is part of `lr`, and with lr = 1 the
    centre moves to the mean. Between walks the weights are the centre, in one they are x'.

    Args:
        params: parameters.
        lr: of the centre.
        momentum: of the centre, as torch's SGD has it: v <- momentum v + (x - mu).
        nesterov: likewise.
        weight_decay: of the loss f whose local entropy it is.
        inner_steps: of a walk, L.
        inner_lr: its step size.
        gamma: the scope at first: what draws the walk to the centre.
        scoping: after t steps of the centre the scope is gamma (1 + scoping)^t.
        noise: of the walk; its square is twice the temperature.
        mean_decay: what part of the mean each step of the walk keeps.
        seed: of the noise, which is the same in all processes of a training and after each resume.
    """

    def __init__(
        self,
        params: Iterable[nn.Parameter],
        lr: float = 1.0,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
        inner_steps: int = 20,
        inner_lr: float = 0.1,
        gamma: float = 1e-4,
        scoping: float = 1e-3,
        noise: float = 1e-4,
        mean_decay: float = 0.75,
        seed: int = 0,
    ) -> None:
        if inner_steps < 1:
            raise ValueError(f"inner_steps must be at least 1, got {inner_steps}")
        if nesterov and not momentum:
            raise ValueError("nesterov needs a momentum")
        of_centre = {"lr": lr, "momentum": momentum, "nesterov": nesterov, "weight_decay": weight_decay}
        of_walk = {"inner_steps": inner_steps, "inner_lr": inner_lr, "gamma": gamma, "scoping": scoping}
        of_walk |= {"noise": noise, "mean_decay": mean_decay, "seed": seed}
        super().__init__(params, {**of_centre, **of_walk, "walked": 0, "updates": 0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Walk on by the gradients of the parameters; after the last step of a walk move the centre."""
        assert closure is None
        for group in self.param_groups:
            scope = group["gamma"] * (1 + group["scoping"]) ** group["updates"]
            generators: dict[torch.device, torch.Generator] = {}
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                state = self.state[weight]
                if group["walked"] == 0 or not state:
                    state["centre"], state["mean"] = weight.clone(), weight.clone()
                slope = weight.grad + group["weight_decay"] * weight + scope * (weight - state["centre"])
                weight.sub_(slope, alpha=group["inner_lr"])
                if group["noise"]:
                    generator = generators.setdefault(weight.device, _generator(group, weight.device))
                    drawn = torch.empty_like(weight).normal_(generator=generator)
                    weight.add_(drawn, alpha=group["noise"] * math.sqrt(group["inner_lr"]))
                state["mean"].lerp_(weight, 1 - group["mean_decay"])
            group["walked"] += 1
            if group["walked"] == group["inner_steps"]:
                self._move(group)

    @torch.no_grad()
    def close(self) -> None:
        """End a walk where it is, and let the weights be the centre that this gives."""
        for group in self.param_groups:
            if group["walked"]:
                self._move(group)

    def _move(self, group: dict[str, Any]) -> None:
        for weight in group["params"]:
            state = self.state.get(weight)
            if not state:
                continue
            way = state["centre"] - state["mean"]
            if group["momentum"]:
                velocity = state.setdefault("velocity", torch.zeros_like(weight))
                velocity.mul_(group["momentum"]).add_(way)
                way = way + group["momentum"] * velocity if group["nesterov"] else velocity
            weight.copy_(state["centre"] - group["lr"] * way)
        group["walked"], group["updates"] = 0, group["updates"] + 1


def _generator(group: dict[str, Any], device: torch.device) -> torch.Generator:
    """Return the random numbers of one step of a walk."""
    numbers = np.random.SeedSequence([group["seed"], group["updates"], group["walked"]])
    return torch.Generator(device).manual_seed(int(numbers.generate_state(1, np.uint64)[0] >> 1))
