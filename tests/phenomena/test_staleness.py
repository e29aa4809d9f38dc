"""Synchronous and asynchronous SGD over real processes, and claims that can fail."""

from typing import Any

import numpy as np
import pytest

from landscape_cli.analytic import stale_gradients
from landscape_cli.analytic.stale_gradients import LeastSquares, stale_descent
from landscape_cli.arrays import Array
from landscape_cli.phenomena import staleness
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.reproduction.measured import Measured
from landscape_cli.workers.parameter_server import Served
from made_lab import drawn, labs, measure, verdicts

NAME = "sync-vs-async-sgd"
TINY: dict[str, Any] = {"delays": [0, 1, 7, 15], "steps": 2000, "rounds": 20, "seconds": 0.001, "slowdown": 5}
CLAIMS = [
    *["synchronous, one", "synchronous, many", "in turn", "staleness, one", "staleness, many"],
    *["bound", "bounds", "losses", "freshest", "stalest", "time, one", "time, many"],
]


@pytest.fixture(scope="module")
def found() -> list[Measured]:
    return measure(NAME, labs(), **TINY)


def test_all_but_the_clock_holds_also_over_real_processes(found: list[Measured]) -> None:
    """How long processes take depends on what else the machine does, so it counts for no verdict."""
    assert verdicts(NAME, found)[:-1] == ["holds"] * 11
    for seed in found:
        for way in ("synchronous", "asynchronous"):
            times = seed["seconds"][way][MANY]
            assert (np.diff(times) >= 0).all()
            assert times[-1] > 0.02  # as many rounds, of a thousandth of a second each
    assert list(drawn(NAME, found)) == ["staleness", "time"]


def served(problem: LeastSquares, rows: Any, step: float, count: int, wrong: bool) -> Served:
    """Return what a server should see, or one that forgets to update."""
    rounds, workers, batch = rows.shape
    large = stale_descent(problem, rows.reshape(rounds, -1), step, 0)[-1]
    in_turn = stale_descent(problem, rows.reshape(-1, batch), step, workers - 1)[-1]
    times = np.arange(1.0, count + 1)
    if wrong:
        zeros = np.zeros_like(large)
        return Served(zeros, times[:rounds], zeros, times, np.zeros(count))
    return Served(large, 10 * times[:rounds], in_turn, times, np.full(count, workers - 1.0))


@pytest.mark.parametrize(
    ("wrong", "settings", "failing"),
    [
        (False, {}, []),
        (True, {}, ["synchronous, many", "in turn", "staleness, many", "time, many"]),
        (False, {"slowdown": 1}, ["time, one"]),
        (False, {"rate": 0.02, "steps": 60}, ["losses", "stalest"]),  # staleness speeds the first steps up
        (False, {"rate": 2.5, "delays": [0, 1], "steps": 100}, ["freshest"]),
    ],
    ids=["nothing", "the server", "no stragglers", "a small rate", "a large rate"],
)
def test_what_is_wrong_is_refuted(
    monkeypatch: pytest.MonkeyPatch, wrong: bool, settings: dict[str, Any], failing: list[str]
) -> None:
    def together(
        count: int, work: Any, problem: LeastSquares, rows: Any, step: float, durations: Array
    ) -> Any:
        return [served(problem, rows, step, rows.shape[0] * rows.shape[1], wrong)]

    monkeypatch.setattr(staleness, "together", together)
    monkeypatch.setattr(staleness, "stability_bound", exact_bound)
    found = measure(NAME, labs(), **{**TINY, **settings})
    assert [CLAIMS[n] for n, each in enumerate(verdicts(NAME, found)) if each == "fails"] == failing


def exact_bound(delay: int, random: object) -> float:
    return float(2 * np.sin(np.pi / (4 * delay + 2)))


def test_a_bound_that_does_not_shrink_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        staleness, "together", lambda count, work, *given: [served(*given[:3], given[1].size // 32, False)]
    )
    monkeypatch.setattr(staleness, "stability_bound", lambda delay, random: 2.0)
    found = measure(NAME, labs(), **TINY)
    assert [CLAIMS[n] for n, each in enumerate(verdicts(NAME, found)) if each == "fails"] == [
        "bound",
        "bounds",
    ]


def test_how_fresh_simulated_gradients_are_can_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    real = stale_gradients.as_they_come
    monkeypatch.setattr(
        staleness, "as_they_come", lambda durations, count: (real(durations, count)[0], np.zeros(count))
    )
    monkeypatch.setattr(
        staleness, "together", lambda count, work, *given: [served(*given[:3], given[1].size // 32, False)]
    )
    monkeypatch.setattr(staleness, "stability_bound", exact_bound)
    found = measure(NAME, labs(), **TINY)
    assert [CLAIMS[n] for n, each in enumerate(verdicts(NAME, found)) if each == "fails"] == [
        "staleness, one"
    ]
    assert found[0]["staleness_off"][ONE] == 1
