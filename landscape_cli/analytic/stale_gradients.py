"""Least squares by SGD with stale gradients: those of weights that have been updated since."""

import heapq
from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from landscape_cli.arrays import Array

QUARTER = 100  # steps for each of delay + 1, in which a decline is told from a rise
HALVINGS = 20  # of the interval in which a stability bound lies
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class LeastSquares:
    """The loss 1/(2n) |X w - y|^2, X (n, d), y (n,), in float64."""

    inputs: Array
    targets: Array

    def gradient(self, weights: Array, rows: Rows) -> Array:
        """Return the gradient (d,) of the mean loss of some samples."""
        part = self.inputs[rows]
        return np.asarray(part.T @ (part @ weights - self.targets[rows]) / len(rows))

    def excess(self, weights: Array) -> Array:
        """Return how far the loss of each weights (…, d) lies above the least one."""
        best = np.linalg.lstsq(self.inputs, self.targets)[0]
        return np.asarray(np.square((weights - best) @ self.inputs.T).mean(axis=-1) / 2)

    @property
    def curvature(self) -> float:
        """The largest eigenvalue of X^T X / n."""
        return float(np.linalg.eigvalsh(self.inputs.T @ self.inputs / len(self.inputs))[-1])


def stale_descent(problem: LeastSquares, rows: Rows, step: float, delay: int) -> Array:
    """Return the weights (steps + 1, d) of w_{t+1} = w_t - step g(w_{max(t - delay, 0)}; rows_t), w_0 = 0."""
    weights = np.zeros((len(rows) + 1, problem.inputs.shape[1]))
    for number, each in enumerate(rows):
        gradient = problem.gradient(weights[max(number - delay, 0)], each)
        weights[number + 1] = weights[number] - step * gradient
    return weights


def stability_bound(delay: int, random: np.random.RandomState) -> float:
    """Return the largest a for which x_{t+1} = x_t - a x_{t - delay} declines from a random start.

    On a quadratic a is the learning rate times the curvature. z^(delay + 1) = z^delay - a has a root on the
    unit circle first at a = 2 sin(pi / (4 delay + 2)).
    """
    start = random.standard_normal(delay + 1)
    stable, unstable = 0.0, 2.5
    for _ in range(HALVINGS):
        middle = (stable + unstable) / 2
        if _declines(middle, deque(start.tolist())):
            stable = middle
        else:
            unstable = middle
    return (stable + unstable) / 2


def _declines(a: float, latest: "deque[float]") -> bool:
    """Return whether the fourth quarter of many steps has a smaller maximum than the second one."""
    quarter, largest = QUARTER * len(latest), [0.0] * 4
    for number in range(4 * quarter):
        latest.append(latest[-1] - a * latest.popleft())
        size = abs(latest[-1])
        if size > 1e100:
            return False
        largest[number // quarter] = max(largest[number // quarter], size)
    return largest[3] < largest[1]


def as_they_come(durations: Array, count: int) -> tuple[Array, Array]:
    """Return when each of `count` gradients arrives, and by how many updates it is stale, in a simulation.

    A worker begins with its next gradient, at the weights that are then there, as soon as it has sent one.

    Args:
        durations: of each worker's gradients, in order and over again, (tasks, workers).
        count: of updates.
    """
    arrivals = [(first, worker, 0, 0) for worker, first in enumerate(durations[0])]
    heapq.heapify(arrivals)
    times, staleness = np.zeros(count), np.zeros(count)
    for version in range(count):
        now, worker, task, began = heapq.heappop(arrivals)
        times[version], staleness[version] = now, version - began
        next_one = now + durations[(task + 1) % len(durations), worker]
        heapq.heappush(arrivals, (next_one, worker, task + 1, version + 1))
    return times, staleness
