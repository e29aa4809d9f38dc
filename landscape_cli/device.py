"""Where the arithmetic runs, and in which memory layout."""

import copy
import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from landscape_cli.errors import LandscapeError

aten = torch.ops.aten
WORTH_SHARING = 3e8  # floating-point operations of a forward pass: about 3 ms of one core


def resolve(name: str) -> torch.device:
    """Return the device of that name; ``auto`` is a CUDA device, or the CPU where there is none.

    A CUDA device becomes the current one, on which streams and graphs are made. On it float32 means float32:
    see `exact_float32`.

    Raises:
        LandscapeError: the name is no device of this machine.
    """
    name = own(name)
    try:
        device = torch.device(name)
        torch.empty(0, device=device, dtype=torch.float64)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError("not a processor that landscape knows")
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise LandscapeError(
            f"device={name} cannot be used here ({reason}); choose from auto, cpu, cuda, cuda:0, …"
        ) from error
    if device.type == "cuda":
        exact_float32()
        # before cuBLAS is first used: with workspaces of its own it repeats itself, bit for bit
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        if device.index is not None:
            torch.cuda.set_device(device)
    return device


def exact_float32() -> None:
    """Switch off TensorFloat-32, which keeps 10 bits of a float32 mantissa and is 3e-4 off.

    Convolutions use it by default on CUDA. torch has an old interface for it and, since 2.9, a new one, in
    which a setting for all of torch would otherwise be inherited; code that reads one of them fails where the
    two differ. So both are set, alike.
    """
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False
    cudnn: Any = torch.backends.cudnn
    for operation in (cudnn.conv, cudnn.rnn):
        operation.fp32_precision = "ieee"


@contextmanager
def repeatable(device: torch.device) -> Iterator[None]:
    """Let a CUDA device add in a fixed order, where torch knows how, so that training can be repeated.

    Processors do so anyway. Memory that is not written yet stays so: filling it takes time at each tensor.
    """
    if device.type != "cuda":
        yield
        return
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    memory: Any = torch.utils.deterministic
    filled = memory.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True, warn_only=True)
    memory.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        memory.fill_uninitialized_memory = filled


def sent(tensor: Tensor, device: torch.device) -> Tensor:
    """Return a tensor of the CPU on `device`, without waiting for what that has still to do.

    From ordinary memory a copy to a CUDA device waits for it, so that it would stand idle at each step.
    """
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


def own(name: str) -> str:
    """Return ``auto`` and ``cuda`` made definite: each of several processes on a machine has its own GPU.

    Where they are more than the GPUs they share. LOCAL_RANK, which torchrun sets, counts them.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and int(os.environ.get("WORLD_SIZE", "1")) > 1 and torch.cuda.device_count():
        rank = os.environ.get("LOCAL_RANK", os.environ.get("RANK", "0"))
        name = f"cuda:{int(rank) % torch.cuda.device_count()}"
    return name


def memory_format(model: nn.Module, inputs: Tensor) -> torch.memory_format:
    """Return the layout to run `model` in on `inputs`, of shape (n, …): channels-last where it can take it.

    Convolutions are up to twice as fast in channels-last. A model that reshapes with ``view`` after a
    convolution cannot run in it, which one forward pass on two samples shows.
    """
    if inputs.ndim != 4:
        return torch.contiguous_format
    tried = copy.deepcopy(model).eval().to(memory_format=torch.channels_last)
    try:
        tried(inputs[:2].contiguous(memory_format=torch.channels_last))
    except RuntimeError as error:
        if "view size is not compatible" not in str(error):
            raise
        return torch.contiguous_format
    return torch.channels_last


def in_layout(inputs: Tensor, layout: torch.memory_format) -> Tensor:
    """Return `inputs` in that layout, down to the strides.

    Images of one channel count as contiguous in every layout, so `Tensor.contiguous` leaves them as they are,
    but convolutions choose the layout of their output by the strides.
    """
    strides = torch.empty_like(inputs, memory_format=layout, device="meta").stride()
    if inputs.stride() == strides:
        return inputs
    return torch.empty_like(inputs, memory_format=layout).copy_(inputs)


def operations(run: Callable[[], object]) -> int:
    """Return the floating-point operations of the matrix products and convolutions in `run`."""
    counter = _Counter()
    with counter:
        run()
    return counter.operations


class _Counter(TorchDispatchMode):
    """Counts as torch's `FlopCounterMode` does, without the second for which that imports the compiler.

    What reaches it lies below autograd: `Linear`, `matmul`, `einsum` and the like have become these products.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        kind = func.overloadpacket
        if kind in (aten.mm, aten.bmm):  # (…, m, k) (…, k, n)
            self.operations += 2 * out.numel() * args[0].shape[-1]
        elif kind in (aten.addmm, aten.baddbmm):  # added (…, m, k) (…, k, n)
            self.operations += 2 * out.numel() * args[1].shape[-1]
        elif kind == aten.convolution:  # of (n, channels, …) by (out, in, …); each place meets all weights
            places = args[0] if args[6] else out  # transposed, those of the inputs
            self.operations += 2 * args[1].numel() * places.numel() // places.shape[1]
        return out


# torch has wrapped it into what keeps its compiler off, which imports the compiler
_Counter.__torch_dispatch__ = inspect.unwrap(_Counter.__torch_dispatch__)  # type: ignore[method-assign]


@contextmanager
def enough_threads(operations: float) -> Iterator[None]:
    """Work on one thread while forward passes of so many `operations` are too small to share, on all else.

    Handing out pieces of a small network takes longer than working them off, most of all where other programs
    keep the cores busy. The choice depends on the network and the batch alone, so that resumed work makes it
    again.
    """
    threads = torch.get_num_threads()
    if operations < WORTH_SHARING:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
