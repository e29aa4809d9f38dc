"""A server that holds the weights and workers that send it gradients, over torch.distributed, in both ways.

Synchronous SGD waits for a gradient of each worker; asynchronous SGD takes each as it comes, so that it is of
weights that others have updated since (Dean et al. 2012, Large scale distributed deep networks).
"""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist

from landscape_cli.analytic.stale_gradients import LeastSquares, Rows
from landscape_cli.arrays import Array


@dataclass(frozen=True)
class Served:
    """What the server saw: weights at the end, times of updates in seconds, staleness of gradients."""

    synchronous: Array
    synchronous_times: Array
    in_turn: Array
    asynchronous_times: Array
    staleness: Array


def take_part(rank: int, problem: LeastSquares, rows: Rows, step: float, durations: Array) -> Served | None:
    """Do the part of the server or of a worker: synchronous SGD, then in turn, then as gradients come.

    Args:
        rank: 0 of the server, of workers from 1.
        problem: the loss.
        rows: the samples of each worker's gradient in each round, (rounds, workers, b).
        step: the learning rate.
        durations: of the gradients of each worker, in seconds, (at least rounds, workers).
    """
    rounds, workers, _ = rows.shape
    weights, times = _synchronous(rank, problem, rows, step, durations)
    if rank:
        for pauses in (np.zeros(1), durations[:, rank - 1]):
            _work(problem, rows[:, rank - 1], pauses)
        return None
    size, count = problem.inputs.shape[1], rounds * workers
    in_turn, _, _ = _serve(size, step, itertools.cycle(range(1, workers + 1)), count, workers)
    _, asynchronous_times, staleness = _serve(size, step, itertools.repeat(None), count, workers)
    return Served(weights, times, in_turn, asynchronous_times, staleness)


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
