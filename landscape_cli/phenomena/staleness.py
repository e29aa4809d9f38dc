"""Synchronous SGD, whose workers wait for each other, and asynchronous SGD, whose do not (Huang, CS7150).

An asynchronous gradient is that of weights which were up to date when its worker began. Both ways are
simulated by one process, and run by processes that talk by torch.distributed: a server, of rank 0, and
workers.
"""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from landscape_cli.analytic.stale_gradients import (
    LeastSquares,
    Rows,
    as_they_come,
    stability_bound,
    stale_descent,
)
from landscape_cli.arrays import Array
from landscape_cli.measures import relative_distance
from landscape_cli.phenomena.one_and_many import MANY, ONE
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together
from landscape_cli.workers.parameter_server import take_part

SYNC, ASYNC = "synchronous", "asynchronous"
NOISE = 0.5  # standard deviation of targets about the linear function of the inputs
THINNING = 20  # steps between two losses that are kept


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
    losses = [problem.excess(stale_descent(problem, rows, step, delay)) for delay in delays]
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
    large = stale_descent(problem, rows.reshape(rounds, -1), step, 0)[-1]
    stale = stale_descent(problem, rows.reshape(count, batch), step, workers - 1)[-1]
    weights = np.zeros_like(large)
    for each in rows:
        weights = weights - step * sum(problem.gradient(weights, part) for part in each) / workers
    simulated_times, simulated_staleness = as_they_come(durations, count)
    seconds = {SYNC: {ONE: durations[:rounds].max(axis=1).cumsum()}, ASYNC: {ONE: simulated_times}}
    server = together(workers + 1, take_part, problem, rows, step, durations)[0]
    assert server is not None
    seconds[SYNC][MANY], seconds[ASYNC][MANY] = server.synchronous_times, server.asynchronous_times
    staleness = {ONE: simulated_staleness, MANY: server.staleness}
    return {
        "synchronous_off": {
            ONE: relative_distance(weights, large),
            MANY: relative_distance(server.synchronous, large),
        },
        "in_turn_off": relative_distance(server.in_turn, stale),
        "staleness_off": {way: abs(each.mean() / (workers - 1) - 1) for way, each in staleness.items()},
        "seconds_ratio": {way: seconds[ASYNC][way][-1] / seconds[SYNC][way][-1] for way in (ONE, MANY)},
        "seconds": seconds,
        "workers": workers,
    }


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
