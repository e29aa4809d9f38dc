"""How the processes of a sweep find each other, and notice when one has gone.

All talk through the key-value store by which torch's processes find each other (`torch.distributed.TCPStore`;
torchrun hosts one, elsewhere the leader does). Its writes are not acknowledged: only what one connection
writes is sure to be seen in order. Keys, below the name of the sweep and an id of the leader's:

    points, results     queues of JSON: an index; [index, values] or {"rank": …, "error": …}
    shared/<name>       what the leader shares: JSON, the keys of its pieces
    alive/<rank>        a number that counts on while the process lives; "left" when it is through
    over                "done" or "failed"

A restarted leader has another id, so nothing that killed processes left behind is taken for its own. Who
follows asks for it: a name of its own in the queue `joining`, the id in `welcome/<name>`.
"""

import base64
import json
import os
import secrets
import threading
import time
from collections.abc import Iterable
from datetime import timedelta
from functools import cache
from itertools import count
from typing import Any, Self

from torch.distributed import (  # type: ignore[attr-defined]  # public, though torch lacks their __all__
    DistError,
    PrefixStore,
    QueueEmptyError,
    Store,
    TCPStore,
)

from landscape_cli.errors import LandscapeError

Stores = tuple[Store, Store]  # one part of the store, over two connections

POLL = 0.05  # seconds between two looks into the store
BEAT = 5.0  # between two signs of life
SILENCE = 600.0  # without one, and a process is taken for dead; also the time it has to appear
PIECE = 1 << 22  # characters; the store takes no more than 8 MiB at once

GONE = "the process of rank 0 is gone"


class StoppedError(LandscapeError):
    """Another process of the sweep failed; it or the leader tells why."""


class Member:
    """A process of a sweep: a thread gives signs of its life, and watches for those of others.

    Args:
        stores: where the processes of this sweep meet, for the calling thread and for the one started here.
        id: the leader's.
        rank: of this process.
        others: the ranks to watch.
    """

    def __init__(self, stores: Stores, id: str, rank: int, others: Iterable[int]) -> None:
        self._id = id
        self._store = PrefixStore(id, stores[0])
        self._unprefixed = stores[1]  # the thread's
        self.rank, self._others = rank, list(others)
        self._failure: Exception | None = None
        self._changed = threading.Condition()  # guards the failure, and what a leader receives
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._live, name="processes", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    @property
    def store(self) -> Store:
        """What the processes of this sweep write to each other."""
        return self._store

    def _signs(self) -> list[bytes]:
        return [get(self._store, alive(rank)) for rank in self._others]

    def _leave(self) -> None:
        self._leaving.set()
        self._thread.join()

    def _live(self) -> None:
        try:
            store = PrefixStore(self._id, self._unprefixed)
            heard = dict.fromkeys(self._others, (b"", time.monotonic()))
            for beat in count():
                store.set(alive(self.rank), str(beat))
                self._listen(BEAT, store)
                if self._leaving.is_set():
                    break
                for rank, (before, since) in heard.items():
                    sign = get(store, alive(rank))
                    if sign != before:
                        heard[rank] = (sign, time.monotonic())
                    elif sign != b"left" and time.monotonic() - since > SILENCE:
                        raise LandscapeError(
                            f"no sign of life from the process of rank {rank} for {SILENCE:.0f} s;"
                            " the same command goes on where it stopped"
                        )
            store.set(alive(self.rank), "left")
            store.check(["over"])  # the answer means that the line above has arrived
        except Exception as failure:
            self._fail(failure)

    def _listen(self, seconds: float, store: Store) -> None:
        self._leaving.wait(seconds)

    def _fail(self, failure: Exception) -> None:
        with self._changed:
            self._failure = self._failure or failure
            self._changed.notify_all()


def alive(rank: int) -> str:
    """Return the key of a process's signs of life."""
    return f"alive/{rank}"


def get(store: Store, key: str) -> bytes:
    """Return a value, or nothing where it is not there; `Store.get` would wait for it."""
    return store.get(key) if store.check([key]) else b""


def push(store: Store, queue: str, entry: Any) -> None:
    """Append an entry to a queue, as JSON: floats are written exactly."""
    store.queue_push(queue, json.dumps(entry))


def pop(store: Store, queue: str) -> Any:
    """Return the first entry of a queue, which no other process gets then; None where it is empty."""
    try:
        return json.loads(store.queue_pop(queue, block=False))
    except QueueEmptyError:
        return None


def put(store: Store, key: str, value: bytes) -> list[str]:
    """Store a value of any size; return all keys that it takes."""
    text = base64.b64encode(value).decode()
    pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
    keys = [f"{key}/{number}" for number in range(len(pieces))]
    for piece_key, piece in zip(keys, pieces, strict=True):
        store.set(piece_key, piece)
    store.set(key, json.dumps(keys))  # last: now all of it is there
    return [*keys, key]


def take(store: Store, key: str) -> bytes | None:
    """Return what was `put` there, None before."""
    if not store.check([key]):
        return None
    return base64.b64decode(b"".join(store.get(piece) for piece in json.loads(store.get(key))))


def join(store: Store) -> str:
    """Return the id of the leader that is there now.

    Raises:
        LandscapeError: none came.
    """
    name = secrets.token_hex(8)
    try:
        push(store, "joining", name)
        until = time.monotonic() + SILENCE
        while not (id := get(store, f"welcome/{name}")):
            if time.monotonic() > until:
                raise LandscapeError(f"the process of rank 0 did not begin within {SILENCE:.0f} s")
            time.sleep(POLL)
        store.delete_key(f"welcome/{name}")
    except DistError as error:
        raise LandscapeError(GONE) from error
    return id.decode()


def meet(name: str) -> tuple[int, Stores]:
    """Return the rank of this process, and where it meets the others for the sweep of that name.

    Raises:
        LandscapeError: a variable is missing, or the others cannot be reached.
    """
    lacking = [key for key in ("RANK", "MASTER_ADDR", "MASTER_PORT") if key not in os.environ]
    if lacking:
        raise LandscapeError(
            f"WORLD_SIZE={os.environ['WORLD_SIZE']}, but no {', '.join(lacking)};"
            " start with torchrun, or unset WORLD_SIZE"
        )
    rank, host, port = int(os.environ["RANK"]), os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    hosts = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    try:
        own, thread = _connect(host, port, hosts)
    except DistError as error:
        reason = str(error).partition("\n")[0]
        raise LandscapeError(
            f"no connection of rank {rank} with MASTER_ADDR={host} MASTER_PORT={port}: {reason}"
        ) from error
    return rank, (PrefixStore(f"landscape/{name}", own), PrefixStore(f"landscape/{name}", thread))


@cache
def _connect(host: str, port: int, hosts: bool) -> Stores:
    """Return two connections to the store of all processes, for the life of this one; it may host the store.

    Both at once and only once: where nobody answers any more, torch tries to connect for as long as SILENCE.
    """
    patience = timedelta(seconds=SILENCE)
    store = TCPStore(host, port, is_master=hosts, timeout=patience, wait_for_workers=False)
    return store, store.clone()
