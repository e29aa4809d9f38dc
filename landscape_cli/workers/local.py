"""Several processes of this machine for one measurement, which talk by torch.distributed over gloo.

They are forked from a server that has imported torch once (multiprocessing's forkserver), find each other by
a file, listen at the loopback interface alone, and compute with one thread each. None outlives its parent:
that ends them when it has the results, fails or is interrupted; they end by themselves when it is gone.
"""

import os
import pickle
import signal
import socket
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed import FileStore  # type: ignore[attr-defined]  # public, though torch lacks its __all__

PATIENCE = timedelta(minutes=10)  # of a process that waits for others, which may share a busy core


def together(count: int, function: Callable[..., Any], *given: Any) -> list[Any]:
    """Return what ``function(rank, *given)`` returns in each of `count` new processes, by rank.

    There the default group of torch.distributed is that of these processes, over gloo; what they print goes
    nowhere.

    Args:
        count: of processes.
        function: at the top level of a module.
        given: what else it takes; like what it returns, anything that can be pickled, tensors by value.

    Raises:
        RuntimeError: it raised in a process, whose traceback is given, or a process died.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, function.__module__])
    work = pickle.dumps((function, given))
    processes, pipes = [], []
    with TemporaryDirectory(prefix="landscape-") as folder:
        resource_tracker.ensure_running()  # unblocks Ctrl-C where it starts one
        before = signal.pthread_sigmask(
            signal.SIG_BLOCK, {signal.SIGINT}
        )  # theirs too: this process ends them
        try:
            for rank in range(count):
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_work, args=(rank, count, folder, work, theirs), daemon=True)
                process.start()
                theirs.close()
                processes.append(process)
                pipes.append(ours)
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            return _received(pipes)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            for process in processes:
                process.kill()
            for process in processes:
                process.join()


def _received(pipes: list[Connection]) -> list[Any]:
    results: dict[int, Any] = {}
    while len(results) < len(pipes):
        for pipe in wait([pipe for rank, pipe in enumerate(pipes) if rank not in results]):
            assert isinstance(pipe, Connection)
            rank = pipes.index(pipe)
            try:
                failed, results[rank] = pickle.loads(pipe.recv_bytes())
            except EOFError:
                raise RuntimeError(f"process {rank} of {len(pipes)} died") from None
            if failed:
                raise RuntimeError(f"process {rank} of {len(pipes)} failed:\n{results[rank]}")
    return [results[rank] for rank in range(len(pipes))]


def _work(rank: int, count: int, folder: str, work: bytes, pipe: Connection) -> None:
    """Do the work of a process, from its first to its last moment."""
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    for number in (1, 2):  # gloo prints whom it is connected with
        os.dup2(os.open(os.devnull, os.O_WRONLY), number)
    torch.set_num_threads(1)
    os.environ["GLOO_SOCKET_IFNAME"] = next(
        name for _, name in socket.if_nameindex() if name.startswith("lo")
    )
    try:
        store = FileStore(str(Path(folder, "store")), count)
        dist.init_process_group("gloo", store=store, rank=rank, world_size=count, timeout=PATIENCE)
        function, given = pickle.loads(work)
        answer = False, function(rank, *given)
        dist.barrier()  # no process leaves while another one still talks to it
    except Exception:
        answer = True, traceback.format_exc()
    with suppress(OSError):  # the parent has gone
        pipe.send_bytes(pickle.dumps(answer))


def _end_with_the_parent() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
