"""One sweep shared by many processes, on one machine or several, as `torchrun` or a cluster starts them.

The process of rank 0 leads: it alone knows what is evaluated next, and it alone writes. It puts points into a
queue, from which every process, itself included, takes one whenever it is free: so a slow process never holds
up the rest. The others follow: they send back what they computed, and a thread of the leader receives it
while the leader is busy with a point of its own.
"""

import os
import secrets
import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Self

from torch.distributed import DistError, Store  # type: ignore[attr-defined]  # lacks its __all__

from landscape_cli.arrays import Index
from landscape_cli.errors import LandscapeError
from landscape_cli.workers import rendezvous
from landscape_cli.workers.rendezvous import Member, StoppedError, Stores

Values = dict[str, float | list[float]]

PATIENCE = 30.0  # seconds for others to take note of a failure
GRACE = 5.0  # for the leader to tell of a failure: torchrun ends all when the first process exits with one


class Alone:
    """The only process there is: no store, no thread."""

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
        stores: where the processes of this sweep meet, for the calling thread and for the one started here.
        size: the number of processes, this one included.
    """

    def __init__(self, stores: Stores, size: int) -> None:
        super().__init__(stores, secrets.token_hex(8), 0, range(1, size))
        self._shared: list[str] = []
        self._receive: Callable[[Index, Values], None] | None = None
        self._awaited = 0

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        try:
            if error is None:
                self._dismiss()
            else:
                with suppress(DistError):
                    self._give_up(PATIENCE if isinstance(error, Exception) else 0.0)
        finally:
            self._leave()
        if error is None:
            for key in ("over", *self._shared, *map(rendezvous.alive, [0, *self._others])):
                self._store.delete_key(key)

    def share(self, name: str, value: bytes) -> None:
        """Let the followers `obtain` a value, once for each name."""
        self._shared += rendezvous.put(self._store, f"shared/{name}", value)

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
            rendezvous.push(self._store, "points", [int(i) for i in index])
        try:
            while self._failure is None and (point := rendezvous.pop(self._store, "points")) is not None:
                self._received(tuple(point), compute(tuple(point)))
            with self._changed:
                self._changed.wait_for(lambda: self._failure is not None or not self._awaited)
        finally:
            with self._changed:
                self._receive = None  # after a failure nobody waits for what still comes
        if self._failure is not None:
            raise self._failure

    def reason(self) -> LandscapeError:
        """Return why another process no longer answers: what it says within some seconds, if anything."""
        with self._changed:
            self._changed.wait_for(lambda: self._failure is not None, GRACE)
        if isinstance(self._failure, LandscapeError):
            return self._failure
        return LandscapeError("another process is gone; the same command goes on where it stopped")

    def _received(self, index: Index, values: Values) -> None:
        with self._changed:
            if self._receive is not None:
                self._receive(index, values)
                self._awaited -= 1
                self._changed.notify_all()

    def _listen(self, seconds: float, store: Store) -> None:
        """Let in who joins, and receive what the followers send."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self._leaving.wait(rendezvous.POLL):
            while (name := rendezvous.pop(self._unprefixed, "joining")) is not None:
                self._unprefixed.set(f"welcome/{name}", self._id)
            while (result := rendezvous.pop(store, "results")) is not None:
                try:
                    if isinstance(result, dict):
                        raise LandscapeError(f"{result['error']} (the process of rank {result['rank']})")
                    self._received(tuple(result[0]), result[1])
                except Exception as failure:  # noted; other results still come
                    self._fail(failure)

    def _dismiss(self) -> None:
        """Send the followers away, and wait until the last one has gone."""
        self._store.set("over", "done")
        while any(sign != b"left" for sign in self._signs()):
            if self._failure is not None:
                raise self._failure
            time.sleep(rendezvous.POLL)

    def _give_up(self, patience: float) -> None:
        """Tell the followers that it is over, also those that come a little late."""
        self._store.set("over", "failed")
        until = time.monotonic() + patience
        while b"" in self._signs() and time.monotonic() < until:
            time.sleep(rendezvous.POLL)


class Follower(Member):
    """A process of another rank: computes what the leader hands out, until that says it is over.

    Args:
        stores: where the processes of this sweep meet, for the calling thread and for the one started here.
        rank: of this process.
    """

    def __init__(self, stores: Stores, rank: int) -> None:
        super().__init__(stores, rendezvous.join(stores[0]), rank, [0])

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        told = isinstance(error, StoppedError)
        if error is not None and self._failure is None and not isinstance(error, StoppedError | DistError):
            told = self._confess(error)
        self._leave()
        if told:
            time.sleep(GRACE)
            raise StoppedError("stopped, because a process failed") from error
        if isinstance(error, DistError):
            raise LandscapeError(rendezvous.GONE) from error

    def obtain(self, name: str) -> bytes:
        """Return what the leader shares under a name; wait until it does.

        Raises:
            StoppedError: it failed instead.
        """
        while (value := rendezvous.take(self._store, f"shared/{name}")) is None:
            self._over()
            time.sleep(rendezvous.POLL)
        return value

    def serve(self, compute: Callable[[Index], Values]) -> None:
        """Compute points and send their values to the leader; return when it has all.

        Args:
            compute: point -> its values. What it raises is told to the leader, which fails with it.

        Raises:
            StoppedError: the leader or another process failed.
        """
        while not self._over():
            point = rendezvous.pop(self._store, "points")
            if point is None:
                time.sleep(rendezvous.POLL)
                continue
            rendezvous.push(self._store, "results", [point, compute(tuple(point))])

    def reason(self) -> LandscapeError:
        """Return why another process no longer answers: a `StoppedError` where the leader tells why."""
        until = time.monotonic() + 2 * GRACE  # the leader itself waits for an explanation
        try:
            while time.monotonic() < until and not self._over():
                time.sleep(rendezvous.POLL)
        except StoppedError as error:
            return error
        except (DistError, LandscapeError):
            pass
        return LandscapeError(rendezvous.GONE)

    def _over(self) -> bool:
        if self._failure is not None:
            raise self._failure
        said = rendezvous.get(self._store, "over")
        if said == b"failed":
            raise StoppedError("another process failed")
        return said == b"done"

    def _confess(self, error: BaseException) -> bool:
        """Tell the leader of an error here; return whether it took note, to tell its user."""
        text, patience = str(error), PATIENCE
        if not isinstance(error, LandscapeError):
            text = traceback.format_exception_only(error)[-1].strip()
            if isinstance(error, Exception):
                traceback.print_exception(error)  # now: torchrun may soon end this process
            else:
                patience = 0.0  # it was interrupted
        until = time.monotonic() + patience
        with suppress(DistError):
            rendezvous.push(self._store, "results", {"rank": self.rank, "error": text})
            while time.monotonic() < until and (said := rendezvous.get(self._store, "over")) != b"done":
                if said == b"failed":
                    return True
                time.sleep(rendezvous.POLL)
        return False


Group = Alone | Leader | Follower


def group(name: str) -> Group:
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
    rank, stores = rendezvous.meet(name)
    return Leader(stores, size) if rank == 0 else Follower(stores, rank)
