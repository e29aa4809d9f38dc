"""A training step with `checkpointing=true` beside one without: its time, and the memory of its tensors.

Kept is what autograd keeps of a forward pass for the backward one; peak is the most that all tensors of the
step take at a time (activations, what is computed again, gradients) beside the weights and the images.
"""

import time
import weakref
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchmarks import arguments, machine
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.workload import AS_THE_COMMANDS, Work
from landscape_cli.gradients.stored import stored_activations
from landscape_cli.training.recomputation import checkpointed

MIB = 2**20


class Peak(TorchDispatchMode):
    """The bytes of all tensors that operations make while this context is entered.

    Attributes:
        most: that were alive at a time.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self._now = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        known = {each.untyped_storage().data_ptr() for each in tree_leaves((args, kwargs)) if _is(each)}
        result = operation(*args, **(kwargs or {}))
        for each in tree_leaves(result):
            if _is(each) and each.untyped_storage().data_ptr() not in known:
                self._count(each.untyped_storage())
        return result

    def _count(self, storage: torch.UntypedStorage) -> None:
        self._now += storage.nbytes()
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._freed, storage.nbytes())

    def _freed(self, size: int) -> None:
        self._now -= size


def _is(value: object) -> bool:
    return isinstance(value, Tensor)


def step(network: nn.Module, inputs: Tensor, targets: Tensor) -> None:
    """Compute the gradients of a batch."""
    network.zero_grad()
    F.cross_entropy(network(inputs), targets).backward()


def prepared(work: Work, *, again: bool) -> tuple[nn.Module, Tensor, Tensor]:
    """Return the network in training mode, with checkpointing or without, and a batch of all images."""
    model, split = work.model().train(), work.split()
    return checkpointed(model) if again else model, split.inputs, split.targets


def seconds(work: Work, *, again: bool) -> Callable[[], float]:
    """Return the work of a turn: a step; its seconds."""
    network, inputs, targets = prepared(work, again=again)

    def turn() -> float:
        started = time.perf_counter()
        step(network, inputs, targets)
        return time.perf_counter() - started

    return turn


def memory(work: Work, *, again: bool) -> tuple[float, float]:
    """Return what a forward pass keeps, and the peak of a step, in MiB."""
    network, inputs, targets = prepared(work, again=again)
    numbers = stored_activations(lambda: network(inputs), [inputs, targets, *network.parameters()])
    with Peak() as peak:
        step(network, inputs, targets)
    return numbers * inputs.element_size() / MIB, peak.most / MIB


def main() -> None:
    """Print the table."""
    parser = arguments.parser(__doc__, rounds=5)
    arguments.add_images(parser, images=128)
    arguments.add_networks(parser, "resnet56", "vgg9")
    asked = parser.parse_args()
    print(f"# Training steps of {asked.images:,} images\n\n{machine.described()}\n")
    rows = []
    for network in asked.networks:
        work = Work(network, asked.images, asked.data)
        with ExitStack() as stack:
            ways = {
                name: stack.enter_context(Contestant(partial(seconds, work, again=again), AS_THE_COMMANDS))
                for name, again in {"plain": False, "again": True}.items()
            }
            taken = alternate(ways, asked.rounds)
        slower = spread(ratios(taken["again"], taken["plain"]), ".2f")
        (kept, peak), (fewer, lower) = (memory(work, again=again) for again in (False, True))
        sizes = [f"{kept:,.0f} → {fewer:,.0f}", f"{peak:,.0f} → {lower:,.0f}"]
        rows.append([network, slower, sizes[0], f"{fewer / kept:.2f}", sizes[1], f"{lower / peak:.2f}"])
    head = ["network", "time, times that without", "kept, MiB", "ratio", "peak, MiB", "ratio"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
