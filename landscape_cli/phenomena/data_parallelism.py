"""A batch shared by several workers: its gradient, and what each stores (Huang, CS7150; Li et al. 2020).

All is computed in float64, twice: by one process, in which the workers are simulated, and by processes that
sum over the workers by torch.distributed.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.distributed.nn.functional import all_reduce
from torch.nn.utils import parameters_to_vector

from landscape_cli.gradients.parts import (
    Batch,
    activations,
    distance,
    mean_gradient,
    parts,
    random_batch,
    random_network,
)
from landscape_cli.phenomena.one_and_many import MANY, ONE, ROUNDING, memory_of_a_worker
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together

SMALLEST = 4  # samples of a shard: BatchNorm needs two

WAYS = {
    "weighted": "weighted by shard size",
    "synchronized": "BatchNorm over all shards",
    "unweighted": "not weighted",
    "batchnorm": "BatchNorm over each shard",
}


def data_parallel_equivalence(
    lab: Lab, *, samples: int, width: int, depth: int, workers: list[int], processes: int
) -> Measured:
    """Measure how far gradients of K shards, put together, lie from that of the batch, relative to its norm.

    With gradients g_k of the mean loss over n_k of n samples: sum_k (n_k / n) g_k without BatchNorm, with
    BatchNorm over each shard, and with its statistics taken over all shards; and sum_k g_k / K without it.

    Args:
        lab: of no runs.
        samples: n. Shards have random sizes; those whose activations are counted have equal ones.
        width: of inputs and hidden layers.
        depth: hidden layers.
        workers: numbers K.
        processes: the K for which there are processes too.
    """
    batch = random_batch(lab.random("samples"), samples, width)
    plain, normalized = (
        random_network(lab.random("weights"), width, depth, normalized=each) for each in (False, True)
    )
    whole, whole_normalized = mean_gradient(plain, batch), mean_gradient(normalized, batch)
    aims = {way: whole if way in ("weighted", "unweighted") else whole_normalized for way in WAYS}
    off: dict[str, dict[str, list[float]]] = {way: {ONE: [], MANY: []} for way in WAYS}
    share: dict[str, list[float]] = {ONE: [], MANY: []}
    stored = activations(plain, batch)
    for count in workers:
        shards = parts(batch, _sizes(lab.random(f"shards of {count}"), samples, count))
        equal = parts(batch, [samples // count] * count)
        put = _put_together(plain, normalized, shards, samples, count)
        share[ONE].append(max(activations(plain, shard) for shard in equal) / stored)
        for way, aim in aims.items():
            off[way][ONE].append(distance(put[way], aim))
        if count == processes:
            for theirs, part in together(count, _worker, plain, normalized, shards, equal):
                share[MANY].append(part / stored)
                for way, aim in aims.items():
                    off[way][MANY].append(distance(theirs[way], aim))
    return {
        **{f"{way}_off": values for way, values in off.items()},
        "share_off": {
            ONE: abs(np.array(workers) * share[ONE] - 1),
            MANY: abs(processes * np.array(share[MANY]) - 1),
        },
        "share": share,
        "workers": workers,
        "processes": processes,
    }


def _sizes(random: np.random.RandomState, samples: int, count: int) -> list[int]:
    """Return random sizes of shards, none below SMALLEST."""
    rest = random.multinomial(samples - SMALLEST * count, random.dirichlet(np.ones(count)))
    return [int(size) for size in SMALLEST + rest]


def _worker(
    rank: int, plain: nn.Sequential, normalized: nn.Sequential, shards: list[Batch], equal: list[Batch]
) -> tuple[dict[str, Tensor], int]:
    """Return the gradients put together, and the activations stored for one of the equal shards."""
    samples = sum(len(targets) for _, targets in shards)
    put = _put_together(plain, normalized, [shards[rank]], samples, len(shards), all_reduce)
    return put, activations(plain, equal[rank])


def _put_together(
    plain: nn.Sequential,
    normalized: nn.Sequential,
    shards: list[Batch],
    samples: int,
    workers: int,
    total: Callable[[Tensor], Tensor] = lambda tensor: tensor,
) -> dict[str, Tensor]:
    """Return the gradients of all workers' shards, put together in each way.

    Args:
        plain: without BatchNorm.
        normalized: with it.
        shards: those of this process.
        samples: of all workers.
        workers: how many.
        total: sums a tensor over the processes, for autograd too.
    """
    weights = [len(targets) / samples for _, targets in shards]
    gradients = [mean_gradient(plain, shard) for shard in shards]
    within = [mean_gradient(normalized, shard) for shard in shards]
    outputs = _synchronized(normalized, [inputs for inputs, _ in shards], samples, total)
    losses = [F.cross_entropy(each, targets) for each, (_, targets) in zip(outputs, shards, strict=True)]
    synchronized = torch.autograd.grad(_weighted(weights, losses), list(normalized.parameters()))
    return {
        "weighted": total(_weighted(weights, gradients)),
        "synchronized": total(parameters_to_vector(synchronized)),
        "unweighted": total(torch.stack(gradients).sum(dim=0)) / workers,
        "batchnorm": total(_weighted(weights, within)),
    }


def _weighted(weights: Sequence[float], tensors: Sequence[Tensor]) -> Tensor:
    return torch.stack([weight * each for weight, each in zip(weights, tensors, strict=True)]).sum(dim=0)


def _synchronized(
    network: nn.Sequential, shards: list[Tensor], samples: int, total: Callable[[Tensor], Tensor]
) -> list[Tensor]:
    """Return the outputs of each shard, where BatchNorm has the mean and variance of all workers' samples."""
    for layer in network:
        if isinstance(layer, nn.BatchNorm1d):
            mean = total(torch.stack([shard.sum(dim=0) for shard in shards]).sum(dim=0)) / samples
            squares = torch.stack([((shard - mean) ** 2).sum(dim=0) for shard in shards]).sum(dim=0)
            scale = layer.weight / torch.sqrt(total(squares) / samples + layer.eps)
            shards = [(shard - mean) * scale + layer.bias for shard in shards]
        else:
            shards = [layer(shard) for shard in shards]
    return shards


def draw_data_parallel_equivalence(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the distances, and the share of the activations, over the number of workers."""
    workers, count = seeds[0]["workers"].tolist(), int(seeds[0]["processes"])
    places, ticks = range(len(workers)), [str(each) for each in workers]
    theirs = np.concatenate([across(seeds, f"{way}_off/{MANY}").ravel() for way in WAYS])
    distances = Panel(
        "Gradients of shards, put together",
        "workers",
        "relative distance from the batch's gradient",
        [
            Series(label, places, np.maximum(across(seeds, f"{way}_off/{ONE}"), ROUNDING))
            for way, label in WAYS.items()
        ],
        points={
            f"gradients, {MANY}": (np.full(len(theirs), workers.index(count)), np.maximum(theirs, ROUNDING))
        },
        log="y",
        ticks=ticks,
        level=1e-5,
    )
    memory = memory_of_a_worker(seeds, "activations, as a share of the batch's", look=5)
    return {"gradients": draw_panels([distances, memory])}
