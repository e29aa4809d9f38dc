"""A network whose layers are shared by several workers, and the time in which they wait (Huang et al. 2019).

Gradients are computed in float64, twice: by one process, stage by stage, and by a process a stage, which
sends activations on and gradients back by torch.distributed.
"""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from landscape_cli.gradients.parts import Batch, distance, mean_gradient, parts, random_batch, random_network
from landscape_cli.phenomena.one_and_many import MANY, ONE, ROUNDING
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together

BACKWARD = 2.0  # how long a backward pass takes, in forward passes


def pipeline_parallel(
    lab: Lab,
    *,
    samples: int,
    width: int,
    depth: int,
    stages: list[int],
    micro_batches: list[int],
    processes: int,
    seconds: float,
) -> Measured:
    """Measure gradients of m micro-batches that pass through p stages, and the share of the time stages idle.

    All forward passes come first, then all backward passes. The share is that of a simulation of events, in
    which stages take equally long, to be compared with (p - 1) / (m + p - 1); and of processes whose passes
    are prolonged to a given time.

    Args:
        lab: of no runs.
        samples: of the batch, a multiple of each m.
        width: of inputs and hidden layers.
        depth: hidden layers.
        stages: numbers p.
        micro_batches: numbers m, the last of which is also that of the processes.
        processes: the p for which there are processes too.
        seconds: a forward pass of a process takes.
    """
    batch = random_batch(lab.random("samples"), samples, width)
    network = random_network(lab.random("weights"), width, depth)
    whole = mean_gradient(network, batch)
    idle, off = np.zeros((2, len(stages), len(micro_batches)))
    for row, count in enumerate(stages):
        for column, many in enumerate(micro_batches):
            micro = parts(batch, [samples // many] * many)
            idle[row, column] = idle_share([1.0] * count, [BACKWARD] * count, many)
            off[row, column] = distance(_staged(_stages(network, count), micro, samples), whole)
    formula = [[bubble(count, many) for many in micro_batches] for count in stages]
    micro = parts(batch, [samples // micro_batches[-1]] * micro_batches[-1])
    theirs = together(processes, _stage, _stages(network, processes), micro, samples, seconds)
    makespan = max(each["end"] for each in theirs) - min(each["begin"] for each in theirs)
    share = 1 - sum(each["busy"] for each in theirs) / (processes * makespan)
    return {
        "gradient_off": {
            ONE: off,
            MANY: distance(torch.cat([each["gradient"] for each in theirs]), whole),
        },
        "bubble_off": {
            ONE: abs(idle - formula),
            MANY: abs(share - bubble(processes, micro_batches[-1])),
        },
        "idle": {ONE: idle, MANY: share},
        "stages": stages,
        "micro_batches": micro_batches,
        "processes": processes,
    }


def bubble(stages: int, micro_batches: int) -> float:
    """Return (p - 1) / (m + p - 1)."""
    return (stages - 1) / (micro_batches + stages - 1)


def idle_share(forward: Sequence[float], backward: Sequence[float], micro_batches: int) -> float:
    """Return the share of the time in which stages wait, from the first pass to the last, in a simulation.

    A pass begins as soon as its stage is free and the micro-batch has arrived: forward from the stage before,
    backward from the one after. A stage's backward passes follow its forward ones.

    Args:
        forward: how long a pass takes in each stage.
        backward: likewise.
        micro_batches: how many there are.
    """
    count = len(forward)
    free, arrived = [0.0] * count, [0.0] * micro_batches
    for durations, order in ((forward, range(count)), (backward, range(count)[::-1])):
        for number in range(micro_batches):
            for stage in order:
                arrived[number] = max(free[stage], arrived[number]) + durations[stage]
                free[stage] = arrived[number]
    return 1 - micro_batches * (sum(forward) + sum(backward)) / (count * max(free))


def _stages(network: nn.Sequential, count: int) -> list[nn.Sequential]:
    """Return the layers in consecutive groups, each with about as many that have weights."""
    weighted = [place for place, layer in enumerate(network) if isinstance(layer, nn.Linear)]
    cuts = [weighted[number * len(weighted) // count] for number in range(1, count)]
    return [network[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(network)], strict=True)]


def _staged(stages: Sequence[nn.Sequential], micro: Sequence[Batch], samples: int) -> Tensor:
    """Return the flat gradient; a stage has nothing but what arrives from its neighbours."""
    passes = []
    for inputs, _ in micro:
        entering, arriving = [], inputs
        for stage in stages:
            entering.append(arriving.detach().requires_grad_())
            arriving = stage(entering[-1])
            passes.append((entering[-1], arriving))
    for stage in stages:
        stage.zero_grad()
    for number, (_, targets) in enumerate(micro):
        gradient = None
        for place in range(len(stages))[::-1]:
            entered, left = passes[number * len(stages) + place]
            _backward(left, gradient, targets, samples)
            gradient = entered.grad
    return torch.cat([_gradient(stage) for stage in stages])


def _backward(outputs: Tensor, gradient: Tensor | None, targets: Tensor, samples: int) -> None:
    """Add a micro-batch's gradients to those of a stage, from what the next one sent; None: the last."""
    if gradient is None:
        loss = F.cross_entropy(outputs, targets, reduction="sum") / samples
    else:  # with an argument for the gradient above, autograd would import sympy in each process
        loss = (outputs * gradient).sum()
    torch.autograd.backward(loss)


def _gradient(stage: nn.Sequential) -> Tensor:
    return parameters_to_vector([one.grad for one in stage.parameters() if one.grad is not None])


def _stage(
    rank: int, stages: Sequence[nn.Sequential], micro: Sequence[Batch], samples: int, seconds: float
) -> dict[str, Any]:
    """Return the flat gradient of this process's stage, and when it began, ended and how long it worked."""
    stage, first, last = stages[rank], rank == 0, rank == len(stages) - 1
    stage.zero_grad()
    dist.barrier()
    begin, busy, passes, sent = time.monotonic(), 0.0, [], []
    for inputs, _ in micro:
        entering = (inputs.clone() if first else _received(inputs, rank - 1)).requires_grad_()
        started = time.monotonic()
        leaving = stage(entering)
        time.sleep(max(0.0, started + seconds - time.monotonic()))
        busy += time.monotonic() - started
        passes.append((entering, leaving))
        if not last:
            sent.append(dist.isend(leaving.detach(), rank + 1))
    for (entering, leaving), (_, targets) in zip(passes, micro, strict=True):
        gradient = None if last else _received(leaving, rank + 1)
        started = time.monotonic()
        _backward(leaving, gradient, targets, samples)
        time.sleep(max(0.0, started + BACKWARD * seconds - time.monotonic()))
        busy += time.monotonic() - started
        if not first:
            assert entering.grad is not None
            sent.append(dist.isend(entering.grad, rank - 1))
    end = time.monotonic()
    for work in sent:
        assert work is not None
        work.wait()
    return {"gradient": _gradient(stage), "begin": begin, "end": end, "busy": busy}


def _received(like: Tensor, source: int) -> Tensor:
    """Return what a neighbour sends, of the same shape."""
    found = torch.empty_like(like)
    dist.recv(found, source)
    return found


def draw_pipeline_parallel(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the share of the time in which stages wait, and the distances, over numbers of micro-batches."""
    many, stages = seeds[0]["micro_batches"].tolist(), seeds[0]["stages"].tolist()
    places, ticks = range(len(many)), [str(each) for each in many]
    processes = f"{seeds[0]['processes']} {MANY}"
    last, simulated = np.full(len(seeds), places[-1]), across(seeds, f"idle/{ONE}")
    waiting = Panel(
        "Time in which stages wait (lines: (p - 1) / (m + p - 1))",
        "micro-batches m",
        "idle share of the time",
        [Series(f"{count} stages", places, [bubble(count, each) for each in many]) for count in stages],
        points={
            processes: (last, across(seeds, f"idle/{MANY}")),
            "simulation of events": (np.tile(places, simulated[:, :, 0].size), simulated.ravel()),
        },
        ticks=ticks,
    )
    gradients = Panel(
        "Gradients, stage by stage",
        "micro-batches m",
        "relative distance from the batch's gradient",
        [
            Series(
                f"{count} stages", places, np.maximum(across(seeds, f"gradient_off/{ONE}")[:, row], ROUNDING)
            )
            for row, count in enumerate(stages)
        ],
        points={processes: (last, np.maximum(across(seeds, f"gradient_off/{MANY}"), ROUNDING))},
        log="y",
        ticks=ticks,
        level=1e-5,
    )
    return {"pipeline": draw_panels([waiting, gradients])}
