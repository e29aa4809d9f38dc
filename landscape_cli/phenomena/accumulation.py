"""What a batch needs of memory, and how it is had in less: micro-batch by micro-batch (Huang, CS7150).

All is computed in float64. Gradients are accumulated by one process, and by processes which share the batch
and sum over themselves once, when each is through with its part.
"""

from collections.abc import Sequence

import numpy as np
import torch.distributed as dist
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor, nn

from landscape_cli.arrays import Array
from landscape_cli.gradients.parts import (
    Batch,
    activations,
    distance,
    mean_gradient,
    parts,
    random_batch,
    random_network,
)
from landscape_cli.phenomena.one_and_many import MANY, ONE, ROUNDING
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together


def memory_vs_batch(
    lab: Lab, *, batches: list[int], depths: list[int], width: int, micro_batches: list[int], processes: int
) -> Measured:
    """Measure the activations of batches in networks of several depths, and gradients of accumulated parts.

    Args:
        lab: of no runs.
        batches: numbers of samples; the largest one is accumulated.
        depths: numbers of hidden layers; gradients are those of the least.
        width: of inputs and hidden layers.
        micro_batches: into how many a batch is cut, more than one. Each of the processes cuts its share into
            the first number of them.
        processes: how many share the batch.
    """
    samples = max(batches)
    batch = random_batch(lab.random("samples"), samples, width)
    stored = np.zeros((len(depths), len(batches)))
    for row, depth in enumerate(depths):
        network = random_network(lab.random("weights"), width, depth)
        stored[row] = [activations(network, parts(batch, [size])[0]) for size in batches]
    networks = {
        name: random_network(lab.random("weights"), width, min(depths), normalized=normalized)
        for name, normalized in (("accumulated", False), ("batchnorm", True))
    }
    whole = {name: mean_gradient(network, batch) for name, network in networks.items()}
    off: dict[str, dict[str, list[float]]] = {name: {ONE: [], MANY: []} for name in networks}
    share: dict[str, list[float]] = {ONE: [], MANY: []}
    for count in micro_batches:
        micro = parts(batch, [samples // count] * count)
        share[ONE].append(count * _largest(networks["accumulated"], micro))
        for name, network in networks.items():
            off[name][ONE].append(distance(_accumulated(network, micro, samples), whole[name]))
    shares = parts(batch, [samples // processes] * processes)
    for theirs, largest in together(processes, _accumulate, networks, shares, micro_batches[0]):
        share[MANY].append(processes * micro_batches[0] * largest)
        for name in networks:
            off[name][MANY].append(distance(theirs[name], whole[name]))
    full = activations(networks["accumulated"], batch)
    return {
        "off_one": {"batch size": _off_one(batches, stored.T), "depth": _off_one(depths, stored)},
        **{f"{name}_off": values for name, values in off.items()},
        "share_off": {name: abs(np.array(values) / full - 1) for name, values in share.items()},
        "stored": stored,
        "batches": batches,
        "depths": depths,
        "micro_batches": micro_batches,
        "in_processes": processes * micro_batches[0],
    }


def _off_one(sizes: Sequence[int], stored: Array) -> float:
    """Return the largest |k - 1| of columns of numbers, (sizes, …), that grow like size^k."""
    slopes = np.polyfit(np.log(sizes), np.log(stored), 1)[0]
    return float(np.abs(slopes - 1).max())


def _largest(network: nn.Module, micro: Sequence[Batch]) -> int:
    """Return the activations that there are at once where parts are taken one after the other."""
    return max(activations(network, part) for part in micro)


def _accumulated(network: nn.Module, micro: Sequence[Batch], samples: int) -> Tensor:
    """Return what backward passes of micro-batches leave in the gradients of the parameters, flat."""
    network.zero_grad()
    for inputs, targets in micro:
        (F.cross_entropy(network(inputs), targets, reduction="sum") / samples).backward()
    return nn.utils.parameters_to_vector([one.grad for one in network.parameters() if one.grad is not None])


def _accumulate(
    rank: int, networks: dict[str, nn.Module], shares: list[Batch], count: int
) -> tuple[dict[str, Tensor], int]:
    """Return the gradients, summed over the processes, and the activations stored at once in this one."""
    own = len(shares[rank][1])
    micro = parts(shares[rank], [own // count] * count)
    found = {}
    for name, network in networks.items():
        found[name] = _accumulated(network, micro, own * len(shares))
        dist.all_reduce(found[name])
    return found, _largest(networks["accumulated"], micro)


def draw_memory_vs_batch(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the activations over the batch size, and the distances over the number of micro-batches."""
    stored, depths = across(seeds, "stored"), seeds[0]["depths"]
    memory = Panel(
        "Activations",
        "batch size (samples)",
        "numbers stored for the backward pass",
        [
            Series(f"{depth} hidden layers", seeds[0]["batches"], stored[:, row], look=row)
            for row, depth in enumerate(depths)
        ],
        log="xy",
    )
    counts = seeds[0]["micro_batches"].tolist()
    labels = {"accumulated_off": "without BatchNorm", "batchnorm_off": "with BatchNorm"}
    theirs = np.concatenate([across(seeds, f"{name}/{MANY}").ravel() for name in labels])
    place = counts.index(int(seeds[0]["in_processes"]))
    gradients = Panel(
        f"Gradients of {max(seeds[0]['batches'])} samples, accumulated",
        "micro-batches",
        "relative distance from the batch's gradient",
        [
            Series(
                label,
                range(len(counts)),
                np.maximum(across(seeds, f"{name}/{ONE}"), ROUNDING),
                look=len(depths) + number,
            )
            for number, (name, label) in enumerate(labels.items())
        ],
        points={MANY: (np.full(len(theirs), place), np.maximum(theirs, ROUNDING))},
        log="y",
        ticks=[str(count) for count in counts],
        level=1e-5,
    )
    return {"memory": draw_panels([memory, gradients])}
