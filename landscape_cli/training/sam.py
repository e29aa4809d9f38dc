"""Sharpness-aware minimization: the gradient is that of a place up the slope, the step starts at the weights.

SAM: Foret et al. 2021 (arXiv:2010.01412). ASAM: Kwon et al. 2021 (arXiv:2102.11600).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor, nn

from landscape_cli.errors import LandscapeError

ETA = 0.01  # lets weights of zero be perturbed

Ascent = Callable[[Sequence[Tensor], Sequence[Tensor]], list[Tensor]]
"""Called with the weights and the gradient, a tensor for each parameter; returns the perturbation."""


def sam(weights: Sequence[Tensor], gradient: Sequence[Tensor], rho: float) -> list[Tensor]:
    """Return rho g / ||g||, of length `rho`: to first order the worst perturbation of that length.

    Args:
        weights: a tensor for each parameter.
        gradient: likewise. Where it is zero the perturbation is too.
        rho: the length.
    """
    scale = _over_norm(rho, gradient)
    return [scale * one for one in gradient]


def asam(weights: Sequence[Tensor], gradient: Sequence[Tensor], rho: float) -> list[Tensor]:
    """Return rho T^2 g / ||T g|| with T = |w| + 0.01, elementwise: the worst with ||T^-1 eps|| = `rho`.

    Scaling a layer up and the next one down changes neither the network nor, but for 0.01, this.

    Args:
        weights: a tensor for each parameter.
        gradient: likewise. Where it is zero the perturbation is too.
        rho: the length, in units of the weights.
    """
    sizes = [weight.abs() + ETA for weight in weights]
    scaled = [size * one for size, one in zip(sizes, gradient, strict=True)]
    scale = _over_norm(rho, scaled)
    return [scale * size * one for size, one in zip(sizes, scaled, strict=True)]


KINDS: dict[str, Callable[[Sequence[Tensor], Sequence[Tensor], float], list[Tensor]]] = {
    "sam": sam,
    "asam": asam,
}


def ascent(optimizer: Mapping[str, Any]) -> Ascent | None:
    """Return the perturbation that the options ``sam`` and ``asam`` of an optimizer ask for, or None.

    Raises:
        LandscapeError: both are set, or one is no positive number.
    """
    asked = {name: optimizer[name] for name in KINDS if optimizer.get(name) is not None}
    for name, rho in asked.items():
        if not isinstance(rho, int | float) or isinstance(rho, bool) or not 0 < rho < float("inf"):
            raise LandscapeError(f"optimizer.{name} must be a positive number or null, got {rho!r}")
    if len(asked) > 1:
        both = " and ".join(f"optimizer.{name}={rho}" for name, rho in asked.items())
        raise LandscapeError(f"{both} do not go together; leave one null")
    for name, rho in asked.items():
        return lambda weights, gradient: KINDS[name](weights, gradient, rho)
    return None


@contextmanager
def perturbed(model: nn.Module, ascend: Ascent) -> Iterator[None]:
    """Move the weights along the gradient that they have; afterwards they are what they were, bit for bit.

    So are the buffers: the running statistics of BatchNorm follow the first pass alone.
    """
    moving = [parameter for parameter in model.parameters() if parameter.grad is not None]
    tensors = [*moving, *model.buffers()]
    with torch.no_grad():
        kept = [tensor.clone() for tensor in tensors]
        gradient = [parameter.grad for parameter in moving if parameter.grad is not None]
        for parameter, perturbation in zip(moving, ascend(moving, gradient), strict=True):
            parameter.add_(perturbation)
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, before in zip(tensors, kept, strict=True):
                tensor.copy_(before)


@contextmanager
def drawn_again(generator: Generator, device: torch.device) -> Iterator[None]:
    """Let what follows draw the same random numbers as the body: dropout masks, and those of `generator`."""
    before = generator.get_state()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
    generator.set_state(before)


def _over_norm(rho: float, vector: Sequence[Tensor]) -> Tensor:
    """Return rho / ||vector||, or 0 where that is infinite, without waiting for the device."""
    norm = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(part) for part in vector]))
    return torch.where(norm > 0, rho / norm, torch.zeros_like(norm))
