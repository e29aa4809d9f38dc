"""Contestants that take turns: A B A B …, so that a machine that drifts drifts for all of them alike."""

import os
import statistics
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")
Turn = Callable[[], T]

_turns: dict[str, Turn[Any]] = {}  # in a contestant's process: what it does when its turn comes


class Contestant(Generic[T]):
    """A piece of work in a process of its own, ready to be done again and again.

    Its own process, because neither memory that another contestant has left to the allocator nor another's
    settings of threads may help or harm it.

    Args:
        make: called once there, without arguments (a module's function, or a `functools.partial` of one);
            returns the work of a turn, a function.
        environment: variables of that process, beside those of this one.
    """

    def __init__(self, make: Callable[[], Turn[T]], environment: Mapping[str, str] | None = None) -> None:
        self._pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_build, initargs=(make,))
        before = dict(os.environ)
        os.environ.update(environment or {})
        try:
            built = self._pool.submit(
                int
            )  # starts the process, which inherits the environment of this moment
        finally:
            os.environ.clear()
            os.environ.update(before)
        built.result()

    def start(self) -> Future[T]:
        """Let it take its turn; the result comes later."""
        return self._pool.submit(_take_turn)

    def __call__(self) -> T:
        """Let it take its turn and return what it returns."""
        return self.start().result()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._pool.shutdown()


def _build(make: Callable[[], Turn[Any]]) -> None:
    _turns["mine"] = make()


def _take_turn() -> Any:
    return _turns["mine"]()


def alternate(contestants: Mapping[str, Turn[T]], rounds: int) -> dict[str, list[T]]:
    """Return what each contestant returned in each round; a first round, to warm up, is not counted."""
    results: dict[str, list[T]] = {name: [] for name in contestants}
    for number in range(rounds + 1):
        for name, turn in contestants.items():
            result = turn()
            if number > 0:
                results[name].append(result)
    return results


def ratios(numerators: Sequence[float], denominators: Sequence[float]) -> list[float]:
    """Return the quotient of each round's pair: what both suffered alike cancels."""
    return [one / other for one, other in zip(numerators, denominators, strict=True)]


def spread(values: Sequence[float], form: str) -> str:
    """Return ``median (least-greatest)``, each number in the format `form`."""
    return f"{statistics.median(values):{form}} ({min(values):{form}}-{max(values):{form}})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
