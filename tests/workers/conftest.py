"""A store, and followers in threads of this process."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from torch.distributed import TCPStore
from workers.crew import Start, stores

from landscape_cli.workers import processes, rendezvous
from landscape_cli.workers.processes import Follower


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> TCPStore:
    monkeypatch.setattr(rendezvous, "POLL", 0.002)
    monkeypatch.setattr(processes, "GRACE", 0.0)
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)


@pytest.fixture
def start(store: TCPStore) -> Iterator[Start]:
    """`start(rank, body)` runs body(follower) in a thread, as a process of that rank would."""
    with ThreadPoolExecutor() as threads:

        def follow(rank: int, body: Callable[[Follower], None], after: float) -> None:
            time.sleep(after)
            with Follower(stores(store), rank) as follower:
                body(follower)

        yield lambda rank, body, after=0.0: threads.submit(follow, rank, body, after)
