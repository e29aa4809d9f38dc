"""An error of any process ends all of them, and is told once."""

import threading
import time

import pytest
from torch.distributed import TCPStore
from workers.crew import GRID, Start, stores, values_at

from landscape_cli.errors import LandscapeError
from landscape_cli.workers.processes import Follower, Leader
from landscape_cli.workers.rendezvous import StoppedError


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
    with pytest.raises(LandscapeError) as caught, Leader(stores(store), 3) as leader:
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
    with pytest.raises(LandscapeError) as caught, Leader(stores(store), 2) as leader:
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
    leader = Leader(stores(store), 2)
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
    with pytest.raises(LandscapeError, match="another configuration"), Leader(stores(store), 3):
        raise LandscapeError("the file is of another configuration")
    for follower in followers:
        with pytest.raises(StoppedError):
            follower.result()
