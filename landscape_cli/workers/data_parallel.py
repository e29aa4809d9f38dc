"""A training shared by many processes: each computes the gradient of its part of every batch.

The processes are those of torchrun. `processes.group` lets them find each other and tells of failures; the
gradients are added up by `torch.distributed`: by gloo on CPUs, by NCCL on CUDA. That sum, of one vector a
pass, is what torch's `DistributedDataParallel` computes in pieces while the backward pass still runs; but it
imports torch's compiler, which takes seconds, and keeps connections open that are to end with a failure.
"""

import io
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed import PrefixStore  # type: ignore[attr-defined]  # lacks its __all__

from landscape_cli import device as devices
from landscape_cli.errors import LandscapeError

if TYPE_CHECKING:
    from landscape_cli.workers.processes import Follower, Leader

T = TypeVar("T")

PATIENCE = timedelta(days=1)  # for the process of rank 0, which evaluates alone
BROKEN = re.compile("gloo|NCCL|Connection (closed|reset)")  # what torch says when another process has gone


class Stateful(Protocol):
    """What has a state that can be saved and restored."""

    def state_dict(self) -> dict[str, Any]:
        """Return it."""

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take it."""


class SingleProcess:
    """The only process there is: nothing is shared."""

    rank, size = 0, 1

    def connected(self, device: torch.device) -> AbstractContextManager[None]:
        """Do nothing."""
        return nullcontext()

    def first(self, make: Callable[[], T]) -> T:
        """Return what `make` returns."""
        return make()

    def align(self, state: Stateful) -> None:
        """Do nothing."""

    def seed(self, *numbers: int) -> None:
        """Do nothing: random numbers go on."""

    def share(self, n: int) -> tuple[slice, float]:
        """Return all of a batch."""
        return slice(0, n), 1.0

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Do nothing."""

    def total(self, value: Tensor) -> Tensor:
        """Return `value`."""
        return value


class DataParallel:
    """One of several processes that train the same network, each with its own copy.

    Args:
        member: this process in the group that tells of failures.
        rank: of this process.
        size: the number of processes.
    """

    def __init__(self, member: "Leader | Follower", rank: int, size: int) -> None:
        self._member = member
        self.rank, self.size = rank, size

    @contextmanager
    def connected(self, device: torch.device) -> Iterator[None]:
        """Let tensors of `device` be added up in the body.

        Raises:
            LandscapeError: another process failed or has gone; or there are too few GPUs.
        """
        on_gpu = device.type == "cuda"
        here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        if on_gpu and here > torch.cuda.device_count():
            raise LandscapeError(
                f"{here} processes need a GPU each, and here are {torch.cuda.device_count()};"
                " say --nproc-per-node=gpu, or device=cpu"
            )
        failed = True
        store = PrefixStore("gradients", self._member.store)
        how: dict[str, Any] = {"store": store, "rank": self.rank, "world_size": self.size}
        try:
            dist.init_process_group("nccl" if on_gpu else "gloo", timeout=PATIENCE, **how)
            yield
            failed = False
        except RuntimeError as error:
            if BROKEN.search(str(error)) is None:
                raise
            raise self._member.reason() from error
        finally:
            # what waits for this process fails when gloo closes; NCCL might wait for what never comes
            if dist.is_initialized() and not (on_gpu and failed):
                dist.destroy_process_group()

    def first(self, make: Callable[[], T]) -> T:
        """Return in every process what `make` returns in that of rank 0, which alone calls it."""
        made = [None if self.rank else make()]
        dist.broadcast_object_list(made)
        return made[0]  # type: ignore[return-value]

    def align(self, state: Stateful) -> None:
        """Give every process the state of that of rank 0."""

        def saved() -> bytes:
            content = io.BytesIO()
            torch.save(state.state_dict(), content)
            return content.getvalue()

        content = self.first(saved)
        if self.rank:
            state.load_state_dict(torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))

    def seed(self, *numbers: int) -> None:
        """Give each process but that of rank 0 random numbers of its own, of `numbers` and its rank.

        Those of rank 0 go on as they would with one process.
        """
        if self.rank:
            drawn = np.random.SeedSequence([*numbers, self.rank]).generate_state(1, np.uint64)[0]
            torch.manual_seed(int(drawn))

    def share(self, n: int) -> tuple[slice, float]:
        """Return this process's place among `n` samples, and the weight of the mean over it in that of all.

        Where there are fewer samples than processes, some take the first one with a weight of zero.
        """
        first, end = (n * number // self.size for number in (self.rank, self.rank + 1))
        return (slice(first, end), (end - first) / n) if end > first else (slice(0, 1), 0.0)

    def add_up(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace each gradient by the sum over all processes. One that no process has stays None."""
        learning = [parameter for parameter in parameters if parameter.requires_grad]
        gradients = [parameter.grad for parameter in learning]
        had = torch.tensor([float(gradient is not None) for gradient in gradients])
        parts = [
            torch.zeros_like(parameter) if gradient is None else gradient
            for parameter, gradient in zip(learning, gradients, strict=True)
        ]
        flat = torch.cat([*(part.reshape(-1) for part in parts), devices.sent(had, parts[0].device)])
        dist.all_reduce(flat)
        *sums, have = flat.split([*(part.numel() for part in parts), len(had)])
        for number, (parameter, part, whole) in enumerate(zip(learning, parts, sums, strict=True)):
            part.copy_(whole.view(part.shape))
            if parameter.grad is None and have[number] > 0:
                parameter.grad = part

    def total(self, value: Tensor) -> Tensor:
        """Return the sum of `value` over all processes."""
        summed = value.clone()
        dist.all_reduce(summed)
        return summed


Processes = SingleProcess | DataParallel


@contextmanager
def processes_of(name: str) -> Iterator[Processes]:
    """Yield this process, or its part among those that torchrun started; see `processes.group`.

    Args:
        name: of the training, the same in all processes.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        yield SingleProcess()
        return
    from landscape_cli.workers import processes  # which one process need not wait for

    with processes.group(name) as member:
        assert not isinstance(member, processes.Alone)
        yield DataParallel(member, member.rank, int(os.environ["WORLD_SIZE"]))
