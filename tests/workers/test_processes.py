"""One sweep over many processes: each point once, its values exact, what is shared whole.

The processes are threads of this one, over a real store.
"""

import os
import threading
import time
from collections import Counter

import pytest
from torch.distributed import TCPStore
from workers.crew import GRID, Start, keys, stores, values_at

from landscape_cli.errors import LandscapeError
from landscape_cli.workers import rendezvous
from landscape_cli.workers.processes import Alone, Follower, Leader, group
from landscape_cli.workers.rendezvous import StoppedError


def test_every_point_once_and_exactly(store: TCPStore, start: Start) -> None:
    computed: list[tuple[int, ...]] = []
    received: list[tuple[tuple[int, ...], dict[str, float]]] = []

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        computed.append(index)
        time.sleep(0.001)
        return values_at(index)

    followers = [start(rank, lambda follower: follower.serve(compute)) for rank in (1, 2)]
    with Leader(stores(store), 3) as leader:
        for points in (GRID[:7], GRID[7:8], [], GRID[8:]):  # rounds
            leader.evaluate(points, compute, lambda index, values: received.append((index, values)))
            assert Counter(index for index, _ in received) == Counter(computed)
            assert set(computed) == set(GRID[: len(computed)])
    for follower in followers:
        follower.result()
    assert Counter(computed) == Counter(GRID)
    for index, values in received:
        assert {k: v.hex() for k, v in values.items()} == {k: v.hex() for k, v in values_at(index).items()}
    assert keys(store) == []


def test_what_others_computed_is_received_during_a_point_of_the_leader(store: TCPStore, start: Start) -> None:
    """The leader's own point ends when all other values have been received, or never."""
    others = threading.Semaphore(0)
    leading = threading.current_thread()

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        if threading.current_thread() is leading:
            for _ in range(len(GRID) - 1):
                assert others.acquire(timeout=60)
        else:
            assert taken.wait(60)
        return {}

    def lead(index: tuple[int, ...]) -> dict[str, float]:
        taken.set()
        return compute(index)

    taken = threading.Event()
    follower = start(1, lambda follower: follower.serve(compute))
    with Leader(stores(store), 2) as leader:
        leader.evaluate(GRID, lead, lambda index, values: others.release())
    follower.result()


def test_shared_values_of_any_size(store: TCPStore, start: Start) -> None:
    large, got = os.urandom(9 << 20), []

    def body(follower: Follower) -> None:
        got.extend([follower.obtain("weights"), follower.obtain("nothing")])
        follower.serve(values_at)

    follower = start(1, body)
    with Leader(stores(store), 2) as leader:
        leader.share("weights", large)
        leader.share("nothing", b"")
        leader.evaluate(GRID, values_at, lambda index, values: None)
    follower.result()
    assert got == [large, b""]
    assert keys(store) == []


def test_the_last_to_come_still_obtains_what_was_shared(store: TCPStore, start: Start) -> None:
    def body(follower: Follower) -> None:
        assert follower.obtain("weights") == b"w"
        follower.serve(values_at)

    late = start(1, body, after=0.1)
    with Leader(stores(store), 2) as leader:
        leader.share("weights", b"w")
        leader.evaluate(GRID, values_at, lambda index, values: None)
    late.result()


def test_what_receiving_raises_reaches_the_leader(store: TCPStore, start: Start) -> None:
    full = threading.Event()

    def receive(index: tuple[int, ...], values: dict[str, float]) -> None:
        if values:
            full.set()
            raise OSError(28, "No space left on device")

    def waits(index: tuple[int, ...]) -> dict[str, float]:
        assert full.wait(60)
        return {}

    follower = start(1, lambda follower: follower.serve(values_at))
    with pytest.raises(OSError, match="No space left"), Leader(stores(store), 2) as leader:
        leader.evaluate(GRID, waits, receive)
    with pytest.raises(StoppedError):
        follower.result()


def test_without_torchrun_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "TCPStore", None)  # calling it would fail
    monkeypatch.setenv("WORLD_SIZE", "1")
    received = []
    threads = threading.active_count()
    with group("sweep") as alone:
        assert isinstance(alone, Alone)
        alone.share("weights", b"w")
        alone.evaluate(GRID, values_at, lambda index, values: received.append(index))
        assert threading.active_count() == threads
    assert received == GRID
    monkeypatch.delenv("WORLD_SIZE")
    assert isinstance(group("sweep"), Alone)


def test_half_an_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(LandscapeError, match="no RANK, MASTER_ADDR, MASTER_PORT; start with torchrun"):
        group("sweep")
