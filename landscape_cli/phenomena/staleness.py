"""Synchronous SGD, whose workers wait for each other, and asynchronous SGD, whose do not (Huang, CS7150).

An asynchronous gradient is that of weights which were up to date when its worker began. Both ways are
simulated by one process, and run by processes that talk by torch.distributed: a server, of rank 0, and
workers.
"""

import heapq
import itertools
import math
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from matplotlib.figure import Figure
from numpy.typing import NDArray

from landscape_cli.arrays import Array
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together

SYNC, ASYNC = "synchronous", "asynchronous"
NOISE = 0.5  # standard deviation of targets about the linear function of the inputs
QUARTER = 100  # steps for each of delay + 1, in which a decline is told from a rise
HALVINGS = 20  # of the interval in which a stability bound lies
THINNING = 20  # steps between two losses that are kept
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


def sync_vs_async_sgd(
    lab: Lab,
    *,
    samples: int,
    dimension: int,
    batch: int,
    rate: float,
    delays: list[int],
    steps: int,
    processes: int,
    rounds: int,
    seconds: float,
    stragglers: float,
    slowdown: float,
) -> Measured:
    """Measure what synchronous SGD equals, what stale gradients do to SGD, and how long both ways take.

    Args:
        lab: of no runs.
        samples: n of a least-squares problem; the variances of the inputs span a decade.
        dimension: d.
        batch: b, the samples of a gradient.
        rate: the learning rate times the largest eigenvalue.
        delays: numbers tau of updates by which gradients are stale, ascending from 0.
        steps: of SGD with each tau; its final loss is the mean over the last half.
        processes: a server and K = processes - 1 workers.
        rounds: steps of synchronous SGD; K times as many gradients are there in either way.
        seconds: a gradient takes.
        stragglers: the share of gradients that take longer.
        slowdown: how many times as long.
    """
    random, batches, workers = lab.random("problem"), lab.random("batches"), processes - 1
    inputs = random.standard_normal((samples, dimension)) * np.geomspace(0.1, 1, dimension) ** 0.5
    targets = inputs @ random.standard_normal(dimension) + NOISE * random.standard_normal(samples)
    problem = LeastSquares(inputs, targets)
    step = rate / problem.curvature
    rows = batches.randint(samples, size=(rounds, workers, batch))
    slow = lab.random("stragglers").random_sample((rounds * workers, workers)) < stragglers
    durations = seconds * np.where(slow, slowdown, 1.0)
    return {
        **_staleness(lab, problem, batches.randint(samples, size=(steps, batch)), step, delays),
        **_both_ways(problem, rows, step, durations),
        "rate": rate,
    }


def _staleness(lab: Lab, problem: LeastSquares, rows: Rows, step: float, delays: list[int]) -> Measured:
    """Return losses and stability bounds of SGD with gradients that are stale by each delay."""
    losses = [problem.excess(descend(problem, rows, step, delay)) for delay in delays]
    final = np.array([each[len(each) // 2 :].mean() for each in losses])
    bounds = np.array([stability_bound(delay, lab.random("start")) for delay in delays])
    return {
        "bound_off": abs(bounds / [2 * math.sin(math.pi / (4 * delay + 2)) for delay in delays] - 1),
        "bound_ratio": (bounds[1:] / bounds[:-1]).max(),
        "loss_ratio": (final[1:] / final[:-1]).min(),
        "change": {"freshest": final[0] / losses[0][0], "stalest": final[-1] / losses[0][0]},
        "losses": np.array([each[::THINNING] / each[0] for each in losses]),
        "bounds": bounds,
        "delays": delays,
    }


def descend(problem: LeastSquares, rows: Rows, step: float, delay: int) -> Array:
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


def _both_ways(problem: LeastSquares, rows: Rows, step: float, durations: Array) -> Measured:
    """Return how synchronous and asynchronous SGD compare with what they equal, and with each other in time.

    Args:
        problem: the loss.
        rows: the samples of each worker's gradient in each round, (rounds, K, b).
        step: the learning rate.
        durations: of the gradients of each worker, in seconds, (at least rounds, K).
    """
    rounds, workers, batch = rows.shape
    count = rounds * workers
    large = descend(problem, rows.reshape(rounds, -1), step, 0)[-1]
    stale = descend(problem, rows.reshape(count, batch), step, workers - 1)[-1]
    weights = np.zeros_like(large)
    for each in rows:
        weights = weights - step * sum(problem.gradient(weights, part) for part in each) / workers
    simulated_times, simulated_staleness = as_they_come(durations, count)
    seconds = {SYNC: {ONE: durations[:rounds].max(axis=1).cumsum()}, ASYNC: {ONE: simulated_times}}
    server = together(workers + 1, _process, problem, rows, step, durations)[0]
    assert server is not None
    seconds[SYNC][MANY], seconds[ASYNC][MANY] = server.synchronous_times, server.asynchronous_times
    staleness = {ONE: simulated_staleness, MANY: server.staleness}
    return {
        "synchronous_off": {ONE: _distance(weights, large), MANY: _distance(server.synchronous, large)},
        "in_turn_off": _distance(server.in_turn, stale),
        "staleness_off": {way: abs(each.mean() / (workers - 1) - 1) for way, each in staleness.items()},
        "seconds_ratio": {way: seconds[ASYNC][way][-1] / seconds[SYNC][way][-1] for way in (ONE, MANY)},
        "seconds": seconds,
        "workers": workers,
    }


def _distance(found: Array, expected: Array) -> float:
    return float(np.linalg.norm(found - expected) / np.linalg.norm(expected))


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


@dataclass(frozen=True)
class _Served:
    """What the server saw: weights at the end, times of updates in seconds, staleness of gradients."""

    synchronous: Array
    synchronous_times: Array
    in_turn: Array
    asynchronous_times: Array
    staleness: Array


def _process(rank: int, problem: LeastSquares, rows: Rows, step: float, durations: Array) -> _Served | None:
    """Do the part of the server or of a worker: synchronous SGD, then in turn, then as gradients come."""
    rounds, workers, _ = rows.shape
    weights, times = _synchronous(rank, problem, rows, step, durations)
    if rank:
        for pauses in (np.zeros(1), durations[:, rank - 1]):
            _work(problem, rows[:, rank - 1], pauses)
        return None
    size, count = problem.inputs.shape[1], rounds * workers
    in_turn, _, _ = _serve(size, step, itertools.cycle(range(1, workers + 1)), count, workers)
    _, asynchronous_times, staleness = _serve(size, step, itertools.repeat(None), count, workers)
    return _Served(weights, times, in_turn, asynchronous_times, staleness)


def _synchronous(
    rank: int, problem: LeastSquares, rows: Rows, step: float, durations: Array
) -> tuple[Array, Array]:
    """Return the weights after all rounds, and when each was over."""
    weights, times = np.zeros(problem.inputs.shape[1]), np.zeros(len(rows))
    dist.barrier()
    start = time.monotonic()
    for number, each in enumerate(rows):
        total = torch.zeros(len(weights), dtype=torch.float64)
        if rank:
            time.sleep(durations[number, rank - 1])
            total += torch.from_numpy(problem.gradient(weights, each[rank - 1]))
        dist.all_reduce(total)
        weights = weights - step * total.numpy() / rows.shape[1]
        times[number] = time.monotonic() - start
    return weights, times


def _serve(
    size: int, step: float, sources: Iterator[int | None], count: int, workers: int
) -> tuple[Array, Array, Array]:
    """Update the weights with each gradient that comes; return them, times, and staleness.

    Gradients come with the number of updates that their weights had seen; the answer is the weights, the
    number of updates that these have seen, and whether another gradient is wanted.

    Args:
        size: d.
        step: the learning rate.
        sources: whose gradient is to come next; None: anybody's.
        count: of updates; one more gradient of each worker is received, for it has none to be told otherwise.
        workers: how many.
    """
    weights = torch.zeros(size, dtype=torch.float64)
    times, staleness = np.zeros(count), np.zeros(count)
    dist.barrier()
    start = time.monotonic()
    for version in range(count + workers):
        message = torch.zeros(size + 1, dtype=torch.float64)
        source = dist.recv(message, next(sources))
        if version < count:
            weights -= step * message[:-1]
            times[version] = time.monotonic() - start
            staleness[version] = version - message[-1]
        dist.send(torch.cat([weights, torch.tensor([version + 1.0, version < count])]), source)
    return weights.numpy(), times, staleness


def _work(problem: LeastSquares, rows: Rows, pauses: Array) -> None:
    """Send gradients at the weights that the last answer brought, until no other is wanted.

    Args:
        problem: the loss.
        rows: the samples of each gradient, (rounds, b), over again when they are through.
        pauses: how long each takes, in seconds, likewise.
    """
    size = problem.inputs.shape[1]
    answer = torch.zeros(size + 2, dtype=torch.float64)
    answer[-1] = 1
    dist.barrier()
    for number in itertools.count():
        if not answer[-1]:
            return
        time.sleep(pauses[number % len(pauses)])
        gradient = torch.from_numpy(problem.gradient(answer[:size].numpy(), rows[number % len(rows)]))
        dist.send(torch.cat([gradient, answer[size : size + 1]]), 0)
        dist.recv(answer, 0)


def draw_sync_vs_async_sgd(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw stability bounds, losses by staleness, and the time that gradients take in either way."""
    delays, rate = seeds[0]["delays"], float(seeds[0]["rate"])
    bounds = Panel(
        "Stability on a quadratic",
        "staleness (updates)",
        "largest stable rate x curvature",
        [
            Series(
                "2 sin(pi / (4 staleness + 2))", delays, [2 * math.sin(math.pi / (4 * d + 2)) for d in delays]
            )
        ],
        points={"measured": (np.tile(delays, len(seeds)), across(seeds, "bounds").ravel())},
        level=rate,
    )
    losses = across(seeds, "losses")
    descents = Panel(
        f"SGD at rate x curvature = {rate:g}",
        "updates",
        "excess loss (of the initial one)",
        [
            Series(f"staleness {delay}", THINNING * np.arange(losses.shape[-1]), losses[:, row], look=2 + row)
            for row, delay in enumerate(delays)
        ],
        log="y",
        limits=(losses.min() / 2, 1e2),
    )
    workers = int(seeds[0]["workers"])
    curves = []
    for way in (SYNC, ASYNC):
        for where in (ONE, MANY):
            times = across(seeds, f"seconds/{way}/{where}")
            gradients = np.arange(1, times.shape[1] + 1) * (workers if way == SYNC else 1)
            curves.append(Series(f"{way}, {where}", gradients, times))
    clock = Panel(f"Time of {workers} workers, some of them late", "gradients", "time (s)", curves)
    return {"staleness": draw_panels([bounds, descents]), "time": draw_panels([clock])}
