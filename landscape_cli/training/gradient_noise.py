"""Annealed Gaussian noise on the gradient (Neelakantan et al. 2015, arXiv:1511.06807)."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import nn


def add_noise(parameters: Iterable[nn.Parameter], noise: Sequence[float], seed: int, step: int) -> None:
    """Add to each number of the gradients, in place, a normal one of the variance eta / (1 + t)^gamma.

    The numbers follow from `seed` and `step` alone: a training that is resumed draws the same ones, and so
    does each of several processes; nothing else that is drawn at random changes.

    Args:
        parameters: those without a gradient get none.
        noise: eta and gamma.
        seed: of the run.
        step: t, from 0.
    """
    eta, gamma = noise
    deviation = math.sqrt(eta / (1 + step) ** gamma)
    (drawn,) = np.random.SeedSequence([*b"gradient noise", seed, step]).generate_state(1, np.uint64)
    random: torch.Generator | None = None
    for parameter in parameters:
        if parameter.grad is not None:
            random = random or torch.Generator(parameter.device).manual_seed(int(drawn))
            own = torch.randn(
                parameter.shape, generator=random, device=parameter.device, dtype=parameter.grad.dtype
            )
            parameter.grad.add_(own, alpha=deviation)
