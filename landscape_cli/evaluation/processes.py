"""One sweep shared by many processes, on one machine or several, as `torchrun` or a cluster starts them.

The process of rank 0 leads: it alone knows what is evaluated next, and it alone writes. It puts points into a
queue, from which every process, itself included, takes one whenever it is free: so a slow process never holds
up the rest. The others follow: they send back what they computed, and a thread of the leader receives it
while the leader is busy with a point of its own.

All talk through the key-value store by which torch's processes find each other (`torch.distributed.TCPStore`;
torchrun hosts one, elsewhere the leader does). Its writes are not acknowledged: only what one connection
writes is sure to be seen in order. Keys, below the name of the sweep and a token of the leader's:

    points, results     queues of JSON: an index; [index, values] or {"rank": …, "error": …}
    shared/<name>       what the leader shares, in pieces
    alive/<rank>        a number that counts on while the process lives; "left" when it is through
    over                "done" or "failed"

A restarted leader has another token, so nothing that killed processes left behind is taken for its own. Who
follows asks for it: a name of its own in the queue `knocks`, the token in `welcome/<name>`.
"""

import base64
import json
import os
import secrets
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import timedelta
from functools import cache
from itertools import count
from types import TracebackType
from typing import Self

from torch.distributed import (  # type: ignore[attr-defined]  # public, though torch lacks their __all__
    DistError,
    PrefixStore,
    QueueEmptyError,
    Store,
    TCPStore,
)

from landscape_cli.errors import LandscapeError

Index = tuple[int, ...]
Values = dict[str, float | list[float]]
Halls = tuple[Store, Store]  # one part of the store, over two connections

POLL = 0.05  # seconds between two looks into the store
BEAT = 5.0  # between two signs of life
SILENCE = 600.0  # without one, and a process is taken for dead; also the time it has to appear
PATIENCE = 30.0  # for others to take note of a failure
GRACE = 5.0  # for the leader to tell of a failure: torchrun ends all when the first process exits with one
PIECE = 1 << 22  # characters; the store takes no more than 8 MiB at once


class StoppedError(LandscapeError):
    """Another process of the sweep failed, and tells why itself."""


class Alone:
    """The only process there is: no store, no thread."""

    size = 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def share(self, name: str, value: bytes) -> None:
        """Do nothing: there is nobody to share with."""

    def evaluate(
        self,
        indices: Iterable[Index],
        compute: Callable[[Index], Values],
        receive: Callable[[Index, Values], None],
    ) -> None:
        """Compute each point and receive it, one after the other."""
        for index in indices:
            receive(index, compute(index))


class Leader(Member):
    """The process of rank 0: hands out the points, computes too, and receives all values.

    Args:
        halls: where the processes of this sweep meet, for the calling thread and for the one started here.
        size: the number of processes, this one included.
    """

    def __init__(self, halls: Halls, size: int) -> None:
        super().__init__(halls, secrets.token_hex(8), 0, range(1, size))
        self.size = size
        self._shared: list[str] = []
        self._receive: Callable[[Index, Values], None] | None = None
        self._awaited = 0
        self._changed = threading.Condition()  # guards these two, and the failure

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self._dismiss()
            else:
                with suppress(DistError):
                    self._give_up(PATIENCE if isinstance(error, Exception) else 0.0)
        finally:
            self._leave()
        if error is None:
            for key in ("over", *self._shared, *map(alive, range(self.size))):
                self._store.delete_key(key)

    def share(self, name: str, value: bytes) -> None:
        """Let the followers `obtain` a value, once for each name."""
        text = base64.b64encode(value).decode()
        pieces = [text[start : start + PIECE] for start in range(0, len(text), PIECE)]
        keys = [f"shared/{name}/{number}" for number in range(len(pieces))]
        for key, piece in zip(keys, pieces, strict=True):
            self._store.set(key, piece)
        self._store.set(f"shared/{name}", json.dumps(keys))  # last: now all of it is there
        self._shared += [*keys, f"shared/{name}"]

    def evaluate(
        self,
        indices: Sequence[Index],
        compute: Callable[[Index], Values],
        receive: Callable[[Index, Values], None],
    ) -> None:
        """Have the points computed, by all processes; return when all are received.

        Args:
            indices: the points, in the order in which they are handed out.
            compute: point -> its values. The followers `serve` with the same function.
            receive: called once for each point, one at a time, as soon as it is there: here, or in a thread
                of this process for what others computed.

        Raises:
            LandscapeError: another process failed, with its message, or has died. A point that this process
                is at is finished first.
            Exception: what `compute` or `receive` raises here.
        """
        with self._changed:
            self._receive, self._awaited = receive, len(indices)
        for index in indices:
            self._store.queue_push("points", json.dumps([int(i) for i in index]))
        try:
            while self._failure is None and (point := pop(self._store, "points")) is not None:
                index = tuple(json.loads(point))
                self._received(index, compute(index))
            with self._changed:
                self._changed.wait_for(lambda: self._failure is not None or not self._awaited)
        finally:
            with self._changed:
                self._receive = None  # after a failure nobody waits for what still comes
        if self._failure is not None:
            raise self._failure

    def _received(self, index: Index, values: Values) -> None:
        with self._changed:
            if self._receive is not None:
                self._receive(index, values)
                self._awaited -= 1
                self._changed.notify_all()

    def _fail(self, failure: Exception) -> None:
        with self._changed:
            super()._fail(failure)
            self._changed.notify_all()

    def _listen(self, seconds: float, store: Store) -> None:
        """Let in who knocks, and receive what the followers send."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._leaving.wait(POLL):
            while (name := pop(self._hall, "knocks")) is not None:
                self._hall.set(f"welcome/{name.decode()}", self._token)
            while (text := pop(store, "results")) is not None:
                result = json.loads(text)
                try:
                    if isinstance(result, dict):
                        raise LandscapeError(f"{result['error']} (the process of rank {result['rank']})")
                    self._received(tuple(result[0]), result[1])
                except Exception as failure:  # noted; other results still come
                    self._fail(failure)

    def _signs(self) -> list[bytes]:
        return [get(self._store, alive(rank)) for rank in self._others]

    def _dismiss(self) -> None:
        """Send the followers away, and wait until the last one has gone."""
        self._store.set("over", "done")
        while any(sign != b"left" for sign in self._signs()):
            if self._failure is not None:
                raise self._failure
            time.sleep(POLL)

    def _give_up(self, patience: float) -> None:
        """Tell the followers that it is over, also those that come a little late."""
        self._store.set("over", "failed")
        until = time.monotonic() + patience
        while b"" in self._signs() and time.monotonic() < until:
            time.sleep(POLL)


class Follower(Member):
    """A process of another rank: computes what the leader hands out, until that says it is over.

    Args:
        halls: where the processes of this sweep meet, for the calling thread and for the one started here.
        rank: of this process.
    """

    def __init__(self, halls: Halls, rank: int) -> None:
        super().__init__(halls, knock(halls[0]), rank, [0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and not isinstance(error, StoppedError | DistError):
            with suppress(DistError):
                self._confess(error)
        self._leave()
        if isinstance(error, DistError):
            raise StoppedError("the process of rank 0 is gone") from error

    def obtain(self, name: str) -> bytes:
        """Return what the leader shares under a name; wait until it does.

        Raises:
            StoppedError: it failed instead.
        """
        while not self._store.check([f"shared/{name}"]):
            self._over()
            time.sleep(POLL)
        keys = json.loads(self._store.get(f"shared/{name}"))
        return base64.b64decode(b"".join(self._store.get(key) for key in keys))

    def serve(self, compute: Callable[[Index], Values]) -> None:
        """Compute points and send their values to the leader; return when it has all.

        Args:
            compute: point -> its values. What it raises is told to the leader, which fails with it.

        Raises:
            StoppedError: the leader or another process failed.
        """
        while not self._over():
            point = pop(self._store, "points")
            if point is None:
                time.sleep(POLL)
                continue
            index = tuple(json.loads(point))
            values = compute(index)
            self._store.queue_push("results", json.dumps([index, values]))  # floats are written exactly

    def _over(self) -> bool:
        if self._failure is not None:
            raise StoppedError(str(self._failure)) from self._failure
        said = get(self._store, "over")
        if said == b"failed":
            time.sleep(GRACE)
            raise StoppedError("stopped, because another process failed")
        return said == b"done"

    def _confess(self, error: BaseException) -> None:
        """Tell the leader of an error here, and give it time to tell its user."""
        text = str(error)
        if not isinstance(error, LandscapeError):
            traceback.print_exception(error)  # now: torchrun may end this process before it comes to it
            text = traceback.format_exception_only(error)[-1].strip()
        self._store.queue_push("results", json.dumps({"rank": self._rank, "error": text}))
        until = time.monotonic() + (PATIENCE if isinstance(error, Exception) else 0.0)
        with suppress(StoppedError):
            while time.monotonic() < until and not self._over():
                time.sleep(POLL)


def group(name: str) -> Alone | Leader | Follower:
    """Return this process's part in a sweep: a context in which all of the sweep happens.

    Which part follows from the environment variables that torchrun sets: RANK, WORLD_SIZE, MASTER_ADDR and
    MASTER_PORT. Without WORLD_SIZE, or where it is 1, this process is alone.

    When the context ends without an error, all processes have done their part. When a process raises in it,
    the leader raises that, as a `LandscapeError` where it was another one's, and the others a `StoppedError`.

    Args:
        name: of the sweep, the same in all processes; the file's, say.

    Raises:
        LandscapeError: a variable is missing, or the others cannot be reached.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        return Alone()
    lacking = [key for key in ("RANK", "MASTER_ADDR", "MASTER_PORT") if key not in os.environ]
    if lacking:
        raise LandscapeError(
            f"WORLD_SIZE={size}, but no {', '.join(lacking)}; start with torchrun, or unset WORLD_SIZE"
        )
    rank, host, port = int(os.environ["RANK"]), os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    hosts = rank == 0 and os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True"
    try:
        own, thread = connect(host, port, hosts)
        halls = PrefixStore(f"landscape/{name}", own), PrefixStore(f"landscape/{name}", thread)
        return Leader(halls, size) if rank == 0 else Follower(halls, rank)
    except DistError as error:
        reason = str(error).partition("\n")[0]
        raise LandscapeError(
            f"no connection of rank {rank} with MASTER_ADDR={host} MASTER_PORT={port}: {reason}"
        ) from error
