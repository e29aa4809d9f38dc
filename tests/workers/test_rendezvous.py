"""Processes that die are noticed, and what they left behind is not taken."""

import json
import threading

import pytest
from torch.distributed import TCPStore
from workers.crew import GRID, Start, stores, values_at

from landscape_cli.errors import LandscapeError
from landscape_cli.workers import rendezvous
from landscape_cli.workers.processes import Follower, Leader
from landscape_cli.workers.rendezvous import StoppedError


def test_a_dead_follower_is_noticed(store: TCPStore, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "BEAT", 0.02)
    there = threading.Event()

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        assert there.wait(60)
        return {}

    def body(follower: Follower) -> None:
        there.set()
        follower.serve(values_at)

    alive = start(1, body)
    leader = Leader(stores(store), 3)  # nobody plays rank 2
    leader.__enter__()
    leader.evaluate(GRID, compute, lambda index, values: None)
    monkeypatch.setattr(rendezvous, "SILENCE", 0.5)
    with pytest.raises(LandscapeError, match="no sign of life from the process of rank 2"):
        leader.__exit__(None, None, None)
    alive.result()  # it had done its part


def test_a_dead_leader_is_noticed(store: TCPStore, start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rendezvous, "BEAT", 0.02)
    there = threading.Event()

    def body(follower: Follower) -> None:
        there.set()
        follower.serve(values_at)

    leader = Leader(stores(store), 2)
    leader.__enter__()
    follower = start(1, body)
    assert there.wait(60)
    leader._leave()  # its thread stops
    leader._store.set("alive/0", "7")  # as if it had been killed, and could not say that it left
    monkeypatch.setattr(rendezvous, "SILENCE", 0.5)
    with pytest.raises(LandscapeError, match="no sign of life from the process of rank 0") as caught:
        follower.result()
    assert not isinstance(caught.value, StoppedError)  # nobody else tells it
    with pytest.raises(LandscapeError, match="did not begin") as caught:
        start(1, body).result()
    assert not isinstance(caught.value, StoppedError)


def test_what_killed_processes_left_in_the_store_is_not_taken(store: TCPStore, start: Start) -> None:
    killed = Leader(stores(store), 2)
    for index in GRID:
        killed._store.queue_push("points", json.dumps(index))
    killed._store.set("over", "failed")
    rendezvous.push(store, "joining", "of a killed follower")
    computed: list[tuple[int, ...]] = []

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        computed.append(index)
        return {}

    follower = start(1, lambda follower: follower.serve(compute))
    with Leader(stores(store), 2) as leader:
        leader.evaluate([(9, 9)], compute, lambda index, values: None)
    follower.result()
    assert computed == [(9, 9)]
