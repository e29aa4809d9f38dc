"""One sweep over many processes: each point once, its values exact, and every failure ends all of them.

Most tests run the parts in threads of this process, over a real store; the last ones in real processes.
"""

import json
import math
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from torch.distributed import Store, TCPStore

from landscape_cli.errors import LandscapeError
from landscape_cli.workers import processes, rendezvous
from landscape_cli.workers.processes import Alone, Follower, Leader, group
from landscape_cli.workers.rendezvous import StoppedError

GRID = [(row, column) for row in range(4) for column in range(5)]
Start = Callable[..., Future[None]]


def values_at(index: tuple[int, ...]) -> dict[str, float]:
    """Values of every kind that a float can be."""
    number = 5 * index[0] + index[-1]
    special = {0: math.inf, 1: math.nan, 2: -0.0, 3: 5e-324}
    return {"train/loss": special.get(number, math.sqrt(number) / 3), "test/loss": 1 / (number + 3)}


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> TCPStore:
    monkeypatch.setattr(rendezvous, "POLL", 0.002)
    monkeypatch.setattr(processes, "GRACE", 0.0)
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)


def halls(store: TCPStore) -> tuple[Store, Store]:
    """Return what a process of its own would have, but for the first connection."""
    return store, store.clone()


@pytest.fixture
def start(store: TCPStore) -> Iterator[Start]:
    """`start(rank, body)` runs body(follower) in a thread, as a process of that rank would."""
    with ThreadPoolExecutor() as threads:

        def follow(rank: int, body: Callable[[Follower], None], after: float) -> None:
            time.sleep(after)
            with Follower(halls(store), rank) as follower:
                body(follower)

        yield lambda rank, body, after=0.0: threads.submit(follow, rank, body, after)


def keys(store: TCPStore) -> list[str]:
    return [key for key in store.list_keys() if key != "init/"]


def test_every_point_once_and_exactly(store: TCPStore, start: Start) -> None:
    computed: list[tuple[int, ...]] = []
    received: list[tuple[tuple[int, ...], dict[str, float]]] = []

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        computed.append(index)
        time.sleep(0.001)
        return values_at(index)

    followers = [start(rank, lambda follower: follower.serve(compute)) for rank in (1, 2)]
    with Leader(halls(store), 3) as leader:
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
    with Leader(halls(store), 2) as leader:
        leader.evaluate(GRID, lead, lambda index, values: others.release())
    follower.result()


def test_shared_values_of_any_size(store: TCPStore, start: Start) -> None:
    large, got = os.urandom(9 << 20), []

    def body(follower: Follower) -> None:
        got.extend([follower.obtain("weights"), follower.obtain("nothing")])
        follower.serve(values_at)

    follower = start(1, body)
    with Leader(halls(store), 2) as leader:
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
    with Leader(halls(store), 2) as leader:
        leader.share("weights", b"w")
        leader.evaluate(GRID, values_at, lambda index, values: None)
    late.result()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (LandscapeError("two identical passes differ: 1 and 2"), "two identical passes differ: 1 and 2"),
        (ZeroDivisionError("division by zero"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_followers_error_ends_all(
    store: TCPStore, start: Start, capfd: pytest.CaptureFixture[str], error: Exception, told: str
) -> None:
    raised = threading.Event()

    def fails(index: tuple[int, ...]) -> dict[str, float]:
        raised.set()
        raise error

    def waits(index: tuple[int, ...]) -> dict[str, float]:
        assert raised.wait(60)
        return {}

    failing = start(1, lambda follower: follower.serve(fails))
    other = start(2, lambda follower: follower.serve(waits))
    with pytest.raises(LandscapeError) as caught, Leader(halls(store), 3) as leader:
        leader.evaluate(GRID, waits, lambda index, values: None)
    assert str(caught.value) == f"{told} (the process of rank 1)"
    # a mistake is told by the leader alone; a fault of the code shows where it happened
    assert ("in fails" in capfd.readouterr().err) == (not isinstance(error, LandscapeError))
    for follower in (failing, other):  # neither tells it again
        with pytest.raises(StoppedError):
            follower.result()


def test_an_interrupted_follower_ends_all_at_once(
    store: TCPStore, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(index: tuple[int, ...]) -> dict[str, float]:
        raise KeyboardInterrupt

    follower = start(1, lambda follower: follower.serve(interrupted))
    with pytest.raises(LandscapeError) as caught, Leader(halls(store), 2) as leader:
        leader.evaluate(GRID * 200, lambda index: time.sleep(0.01) or {}, lambda index, values: None)
    assert str(caught.value) == "KeyboardInterrupt (the process of rank 1)"
    assert isinstance(follower.exception(), KeyboardInterrupt)
    assert capfd.readouterr().err == ""


def test_an_error_that_no_leader_hears_of_stays_what_it_is(store: TCPStore, start: Start) -> None:
    done = threading.Event()

    def fails(follower: Follower) -> None:
        assert done.wait(60)
        raise LandscapeError("too late")

    follower = start(1, fails)
    leader = Leader(halls(store), 2)
    leader.__enter__()
    leader._store.set("over", "done")
    done.set()
    with pytest.raises(LandscapeError, match="too late"):
        follower.result()
    leader._leave()


def test_an_error_of_the_leader_stops_those_who_are_there_and_those_who_come_late(
    store: TCPStore, start: Start
) -> None:
    followers = [
        start(1, lambda follower: follower.obtain("never shared")),
        start(2, lambda follower: follower.serve(values_at), after=0.1),
    ]
    with pytest.raises(LandscapeError, match="another configuration"), Leader(halls(store), 3):
        raise LandscapeError("the file is of another configuration")
    for follower in followers:
        with pytest.raises(StoppedError):
            follower.result()


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
    with pytest.raises(OSError, match="No space left"), Leader(halls(store), 2) as leader:
        leader.evaluate(GRID, waits, receive)
    with pytest.raises(StoppedError):
        follower.result()


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
    leader = Leader(halls(store), 3)  # nobody plays rank 2
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

    leader = Leader(halls(store), 2)
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
    killed = Leader(halls(store), 2)
    for index in GRID:
        killed._store.queue_push("points", json.dumps(index))
    killed._store.set("over", "failed")
    rendezvous.push(store, "knocks", "of a killed follower")
    computed: list[tuple[int, ...]] = []

    def compute(index: tuple[int, ...]) -> dict[str, float]:
        computed.append(index)
        return {}

    follower = start(1, lambda follower: follower.serve(compute))
    with Leader(halls(store), 2) as leader:
        leader.evaluate([(9, 9)], compute, lambda index, values: None)
    follower.result()
    assert computed == [(9, 9)]


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


# What each of the real processes runs. Every process notes the points that it computes.
SCRIPT = """
import json, math, os, signal, sys, time
from pathlib import Path
from landscape_cli.errors import LandscapeError
from landscape_cli.workers.processes import Follower, group

folder, rank = Path(sys.argv[1]), int(os.environ["RANK"])
GRID = [(row, column) for row in range(4) for column in range(5)]

def note(file, line):
    with (folder / file).open("a") as stream:
        stream.write(json.dumps(line) + chr(10))

def sweep(name, compute, points=GRID):
    with group(name) as team:
        if isinstance(team, Follower):
            team.obtain("begin")
            team.serve(compute)
        else:
            team.share("begin", b"")
            while points:
                chosen, points = points[:12], points[12:]
                team.evaluate(chosen, compute, lambda i, v: note(name + ".received", [i, v]))

def compute(name, seconds):
    def at(index):
        time.sleep(seconds[rank])
        note(f"{name}.{rank}", index)
        return {"loss": math.sqrt(index[0] + index[1] / 7)}
    return at

"""


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def torchrun(tmp_path: Path, body: str, *options: str) -> subprocess.CompletedProcess[str]:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT + body)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", *options, script, tmp_path]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.mark.slow
def test_torchrun(tmp_path: Path) -> None:
    """Two sweeps and a third that fails in the process of rank 2."""
    done = torchrun(
        tmp_path,
        """
sweep("slow", compute("slow", [0.02, 0.02, 0.3]))
sweep("again", compute("again", [0.01] * 3))

def fails(index):
    if rank == 2:
        raise LandscapeError("the memory does not suffice")
    time.sleep(0.05)
    return {}

try:
    sweep("fails", fails, GRID * 20)
except LandscapeError as error:
    print(f"{rank}: {error}", file=sys.stderr, flush=True)
    sys.exit(1)
""",
        "--nproc-per-node=3",
    )
    for name in ("slow", "again"):
        by_rank = [lines(tmp_path / f"{name}.{rank}") for rank in range(3)]
        assert sorted(chain.from_iterable(by_rank)) == sorted(list(index) for index in GRID)
        expected = sorted([[*index], {"loss": math.sqrt(index[0] + index[1] / 7)}] for index in GRID)
        assert sorted(lines(tmp_path / f"{name}.received"), key=lambda line: line[0]) == expected
        if name == "slow":
            assert len(by_rank[2]) < len(by_rank[0])
    assert done.returncode == 1
    assert "0: the memory does not suffice (the process of rank 2)" in done.stderr


@pytest.mark.slow
def test_torchrun_goes_on_after_kills(tmp_path: Path) -> None:
    """The leader is killed, then the other process; what had been received is not computed again."""
    done = torchrun(
        tmp_path,
        """
attempt = int(os.environ["TORCHELASTIC_RESTART_COUNT"])
known = folder / "sweep.received"
known.touch()
before = [tuple(index) for index, _ in map(json.loads, known.read_text().splitlines())]

def at(index):
    while attempt < 2 and len(known.read_text().splitlines()) >= [4, 12][attempt]:  # the others wait
        if attempt == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.02)
    note("computed", [attempt, index])
    return {}

if rank == 0:
    note("before", len(before))
sweep("sweep", at, [index for index in GRID if index not in before])
""",
        "--nproc-per-node=2",
        "--max-restarts=2",
    )
    assert done.returncode == 0, done.stderr
    received = [tuple(index) for index, _ in lines(tmp_path / "sweep.received")]
    assert sorted(received) == GRID
    before = lines(tmp_path / "before")
    assert len(before) == 3
    assert before[0] == 0
    assert before[1] >= 4
    assert before[2] >= 12
    for attempt, index in lines(tmp_path / "computed"):
        assert tuple(index) not in received[: before[attempt]]


@pytest.mark.slow
def test_processes_that_something_else_started(tmp_path: Path) -> None:
    """The leader hosts the store itself; when it is killed, the other one leaves."""
    script = tmp_path / "script.py"
    script.write_text(
        SCRIPT
        + """
sweep("whole", compute("whole", [0.005] * 2))

def dies(index):
    note(f"began.{rank}", index)
    while rank == 0:
        if (folder / "began.1").exists():
            os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.1)
    return {}

try:
    sweep("killed", dies)
except LandscapeError as error:
    print(error)
"""
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    started = [
        subprocess.Popen(
            [sys.executable, script, tmp_path],
            env=environment | {"RANK": str(rank), "TORCH_CPP_LOG_LEVEL": "ERROR"},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    out = [process.communicate(timeout=60)[0] for process in started]
    assert len(lines(tmp_path / "whole.received")) == len(GRID)
    assert started[0].returncode == -signal.SIGKILL
    assert out[1] == "the process of rank 0 is gone\n"
