"""Activation checkpointing (Chen et al. 2016): activations are computed twice, and few are kept meanwhile."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from landscape_cli.errors import LandscapeError
from landscape_cli.training.twins import twin_of


def checkpointed(model: nn.Module) -> nn.Module:
    """Return a network of the same tensors that keeps only the inputs of its segments for the backward pass.

    The backward pass computes a segment anew when it comes to it, with the random numbers and the buffers
    (running statistics of BatchNorm, say) of the first time, and leaves both as they were: gradients and
    buffers are those of `model`, for one forward pass more. Each outermost ``nn.Sequential`` of n parts is
    run in segments of about sqrt(n), so that about 2 sqrt(n) activations are kept at a time; of an
    ``nn.ModuleList`` each member is a segment.

    Raises:
        LandscapeError: it has neither.
    """
    network = twin_of(model)
    chains = [*_chains(network)]
    if not any(len(_parts(chain)) > 1 for chain in chains):
        raise LandscapeError(
            "checkpointing=true needs a network with an nn.Sequential or an nn.ModuleList of two parts or"
            f" more, and {type(model).__name__} has none; leave it out"
        )
    for chain in chains:
        if isinstance(chain, nn.ModuleList):
            for member in chain:
                member.forward = _recomputed(member.forward, [member])
        else:
            groups = segments(_parts(chain), round(math.sqrt(sum(map(_is_weighted, _parts(chain))))))
            chain.forward = in_segments(groups)  # type: ignore[method-assign]
    return network


def segments(parts: Sequence[nn.Module], length: int) -> list[Sequence[nn.Module]]:
    """Return consecutive groups of parts, of `length` that have parameters each; the last may have fewer.

    The other parts stay with the one before, for some of them change their inputs in place, and the inputs of
    a segment are kept.
    """
    weighted = [place for place, part in enumerate(parts) if _is_weighted(part)]
    cuts = weighted[length :: max(length, 1)]
    return [parts[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(parts)], strict=True)]


def in_segments(groups: Sequence[Sequence[nn.Module]]) -> Callable[[Tensor], Tensor]:
    """Return what runs groups of parts one after the other, and computes each anew for its backward pass."""

    def run(group: Sequence[nn.Module]) -> Callable[[Tensor], Tensor]:
        def through(x: Tensor) -> Tensor:
            for part in group:
                x = part(x)
            return x

        return _recomputed(through, group)

    steps = [run(group) for group in groups]

    def forward(x: Tensor) -> Tensor:
        for step in steps:
            x = step(x)
        return x

    return forward


def _recomputed(compute: Callable[..., Any], modules: Sequence[nn.Module]) -> Callable[..., Any]:
    """Return a function that is computed anew for its backward pass, with the buffers of the first time."""

    def forward(*inputs: Any, **keywords: Any) -> Any:
        buffers = [(each, name) for module in modules for each in module.modules() for name in each._buffers]
        before = [_copy(module._buffers[name]) for module, name in buffers]

        @contextmanager
        def again() -> Iterator[None]:
            after = [module._buffers[name] for module, name in buffers]
            for (module, name), buffer in zip(buffers, before, strict=True):
                module._buffers[name] = _copy(buffer)
            try:
                yield
            finally:
                for (module, name), buffer in zip(buffers, after, strict=True):
                    module._buffers[name] = buffer

        def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
            return nullcontext(), again()

        tensors = [each for each in inputs if isinstance(each, Tensor)]
        versions = [each._version for each in tensors]
        outputs = checkpoint(compute, *inputs, use_reentrant=False, context_fn=contexts, **keywords)
        if versions != [each._version for each in tensors]:
            raise LandscapeError(
                "checkpointing=true needs the inputs of each part a second time, and"
                f" {_named(modules)} changes its own in place; leave it out, or let the network not do so"
            )
        return outputs

    return forward


def _copy(buffer: Tensor | None) -> Tensor | None:
    return None if buffer is None else buffer.clone()


def _named(modules: Sequence[nn.Module]) -> str:
    return " - ".join(type(module).__name__ for module in modules)


def _chains(module: nn.Module) -> Iterator[nn.Sequential | nn.ModuleList]:
    """Yield the outermost chains: those that are in no other one."""
    if _is_chain(module) or isinstance(module, nn.ModuleList):
        yield module  # type: ignore[misc]
        return
    for child in module.children():
        yield from _chains(child)


def _is_chain(module: nn.Module) -> bool:
    """Whether a module does nothing but run its children one after the other."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _parts(chain: nn.Module) -> list[nn.Module]:
    """Return what a chain runs, those of chains within it one by one; where these have hooks, as one."""
    parts: list[nn.Module] = []
    for child in chain.children():
        hooked = child._forward_hooks or child._forward_pre_hooks
        parts += _parts(child) if _is_chain(child) and not hooked else [child]
    return parts


def _is_weighted(part: nn.Module) -> bool:
    return any(True for _ in part.parameters())
