"""Stale gradients beside eigenvalues and recursions by hand, arrivals tick by tick."""

from collections import deque

import numpy as np
import pytest
from numpy.testing import assert_allclose

from landscape_cli.analytic import stale_gradients
from landscape_cli.analytic.stale_gradients import LeastSquares, stale_descent
from landscape_cli.arrays import Array
from landscape_cli.data.streams import stream


@pytest.mark.parametrize("delay", [0, 1, 2, 5])
def test_the_bound_is_where_an_eigenvalue_leaves_the_unit_circle(delay: int) -> None:
    def radius(a: float) -> float:
        """Of the matrix that takes (x_t, ..., x_{t - delay}) to (x_{t + 1}, ..., x_{t - delay + 1})."""
        matrix = np.eye(delay + 1, k=-1)
        matrix[0, 0] = 1.0
        matrix[0, -1] -= a
        return float(abs(np.linalg.eigvals(matrix)).max())

    bound = stale_gradients.stability_bound(delay, stream(1, "start"))
    assert radius(0.99 * bound) < 1 < radius(1.01 * bound)
    assert bound == pytest.approx({0: 2.0, 1: 1.0}.get(delay, bound), rel=1e-3)
    assert stale_gradients._declines(0.9 * bound, deque(stream(0, "start").standard_normal(delay + 1)))
    assert not stale_gradients._declines(1.1 * bound, deque(stream(0, "start").standard_normal(delay + 1)))


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
    assert_allclose(stale_descent(problem, rows, 0.1, delay), path)


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
    times, stale = stale_gradients.as_they_come(durations.astype(float), 6)
    assert [*zip(times, stale, strict=True)] == expected
