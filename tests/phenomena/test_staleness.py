"""Stale gradients beside eigenvalues and recursions by hand, arrivals tick by tick, claims that can fail."""

from collections import deque
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_cli.arrays import Array
from landscape_cli.data.streams import stream
from landscape_cli.phenomena import staleness
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.phenomena.staleness import LeastSquares, _Served
from landscape_cli.reproduction.measured import Measured
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


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_the_bound_is_where_an_eigenvalue_leaves_the_unit_circle(delay: int) -> None:
    def radius(a: float) -> float:
        """Of the matrix that takes (x_t, ..., x_{t - delay}) to (x_{t + 1}, ..., x_{t - delay + 1})."""
        matrix = np.eye(delay + 1, k=-1)
        matrix[0, 0] = 1.0
        matrix[0, -1] -= a
        return float(abs(np.linalg.eigvals(matrix)).max())

    bound = staleness.stability_bound(delay, stream(1, "start"))
    assert radius(0.99 * bound) < 1 < radius(1.01 * bound)
    assert bound == pytest.approx({0: 2.0, 1: 1.0}.get(delay, bound), rel=1e-3)
    assert staleness._declines(0.9 * bound, deque(stream(0, "start").standard_normal(delay + 1)))
    assert not staleness._declines(1.1 * bound, deque(stream(0, "start").standard_normal(delay + 1)))


def small_problem() -> LeastSquares:
    random = stream(0, "problem")
    return LeastSquares(random.standard_normal((12, 3)), random.standard_normal(12))


def test_the_problem_by_hand() -> None:
    problem, w = small_problem(), np.array([0.5, -1.0, 2.0])
    rows = np.array([3, 3, 7])
    residuals = [problem.inputs[row] @ w - problem.targets[row] for row in rows]
    by_hand = sum(each * problem.inputs[row] for each, row in zip(residuals, rows, strict=True)) / 3
    assert_allclose(problem.gradient(w, rows), by_hand)

    def loss(weights: Array) -> float:
        return float(np.square(problem.inputs @ weights - problem.targets).sum() / 24)

    best = np.linalg.solve(problem.inputs.T @ problem.inputs, problem.inputs.T @ problem.targets)
    assert_allclose(problem.excess(np.array([w, best])), [loss(w) - loss(best), 0.0], atol=1e-12)
    direction = np.linalg.svd(problem.inputs)[2][0]
    curvature = loss(best + direction) + loss(best - direction) - 2 * loss(best)
    assert problem.curvature == pytest.approx(curvature)


@pytest.mark.parametrize("delay", [0, 1, 3])
def test_stale_descent_by_hand(delay: int) -> None:
    problem, rows = small_problem(), stream(0, "rows").randint(12, size=(6, 4))
    path = [np.zeros(3)]
    for t in range(6):
        path.append(path[t] - 0.1 * problem.gradient(path[t - delay] if t > delay else path[0], rows[t]))
    assert_allclose(staleness.descend(problem, rows, 0.1, delay), path)


def test_arrivals_tick_by_tick() -> None:
    """A clock of ticks; the durations are so that no two gradients arrive at once."""
    durations = np.array([[2, 3], [5, 4], [2, 11]])
    left, tasks, began, version, expected = [2, 3], [0, 0], [0, 0], 0, []
    for now in range(1, 60):
        for worker in (0, 1):
            left[worker] -= 1
            if not left[worker] and version < 6:
                expected.append((now, version - began[worker]))
                version += 1
                tasks[worker] += 1
                began[worker], left[worker] = version, durations[tasks[worker] % 3, worker]
    times, stale = staleness.as_they_come(durations.astype(float), 6)
    assert [*zip(times, stale, strict=True)] == expected


def served(problem: LeastSquares, rows: Any, step: float, count: int, wrong: bool) -> _Served:
    """Return what a server should see, or one that forgets to update."""
    rounds, workers, batch = rows.shape
    large = staleness.descend(problem, rows.reshape(rounds, -1), step, 0)[-1]
    in_turn = staleness.descend(problem, rows.reshape(-1, batch), step, workers - 1)[-1]
    times = np.arange(1.0, count + 1)
    if wrong:
        zeros = np.zeros_like(large)
        return _Served(zeros, times[:rounds], zeros, times, np.zeros(count))
    return _Served(large, 10 * times[:rounds], in_turn, times, np.full(count, workers - 1.0))


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
    real = staleness.as_they_come
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
