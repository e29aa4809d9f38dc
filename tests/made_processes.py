"""What processes are given to do in tests: each imports it, so it is at the top level of a module."""

import os
import time
from pathlib import Path

import torch
import torch.distributed as dist


def sums(rank: int, factor: float) -> tuple[int, float]:
    """Return the number of processes, and the sum of their ranks times a factor; print what nobody sees."""
    print("not to be seen", flush=True)
    total = torch.tensor([rank * factor], dtype=torch.float64)
    dist.all_reduce(total)
    return dist.get_world_size(), float(total)


def second_fails(rank: int) -> None:
    """Fail in the second process, while the first one waits for it."""
    if rank == 1:
        raise ValueError("out of range")
    dist.barrier()


def second_dies(rank: int) -> None:
    """Die in the second process, while the first one waits for it."""
    if rank == 1:
        os._exit(3)
    time.sleep(60)


def wait(rank: int, folder: str) -> None:
    """Leave the number of this process, and wait for longer than anybody has patience."""
    Path(folder, f"{rank}.pid").write_text(str(os.getpid()))
    time.sleep(600)
