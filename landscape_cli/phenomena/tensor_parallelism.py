"""Two linear layers shared by several workers, split by columns, then by rows (Shoeybi et al. 2019).

All is computed in float64, twice: by one process, in which the workers are simulated, and by processes that
sum over the workers by torch.distributed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from matplotlib.figure import Figure
from torch import Tensor

from landscape_cli.gradients.parts import distance
from landscape_cli.gradients.stored import stored_activations
from landscape_cli.phenomena.one_and_many import MANY, ONE, ROUNDING, memory_of_a_worker
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.workers.local import together

QUANTITIES = {"output_off": "output", "gradient_off": "gradients", "rows_first_off": "output, rows first"}

Layers = Mapping[str, Tensor]
"""x (n, width), A (width, hidden), a (hidden,), B (hidden, width) of y = GeLU(x A + a) B; or a worker's."""


def tensor_parallel(
    lab: Lab, *, samples: int, width: int, hidden: int, workers: list[int], processes: int
) -> Measured:
    """Measure outputs and gradients of y = GeLU(x A + a) B where each of K workers holds a part of them.

    Worker k has columns A_k and a_k, rows B_k and all of x. There are two sums over the workers: forward
    y = sum_k GeLU(x A_k + a_k) B_k, and backward that of the gradients by x. Were A split by rows, and x by
    columns, GeLU would need a sum before it; without one the output is another.

    Args:
        lab: of no runs.
        samples: n.
        width: of x and y, a multiple of each K.
        hidden: of what GeLU gets, likewise.
        workers: numbers K.
        processes: the K for which there are processes too.
    """
    random = lab.random("layers")
    layers = {
        "x": random.standard_normal((samples, width)),
        "A": random.standard_normal((width, hidden)) / width**0.5,
        "a": random.standard_normal(hidden),
        "B": random.standard_normal((hidden, width)) / hidden**0.5,
    }
    whole_layers = {name: torch.from_numpy(values) for name, values in layers.items()}
    above = torch.from_numpy(random.standard_normal((samples, width)))
    whole, stored = _passes(whole_layers, above)
    off: dict[str, dict[str, list[float]]] = {name: {ONE: [], MANY: []} for name in QUANTITIES}
    share: dict[str, list[float]] = {ONE: [], MANY: []}
    for count in workers:
        simulated = [_worker_alone(rank, count, whole_layers, above) for rank in range(count)]
        for name in SUMMED:
            total = torch.stack([found[name] for found, _ in simulated]).sum(dim=0)
            for found, _ in simulated:
                found[name] = total
        both = {ONE: simulated}
        if count == processes:
            both[MANY] = together(count, _worker, count, whole_layers, above)
        for where, results in both.items():
            share[where].append(max(own for _, own in results) / stored)
            for name, values in _distances([found for found, _ in results], whole).items():
                off[name][where].append(values)
    return {**off, "share": share, "workers": workers, "processes": processes}


SUMMED = ("y", "x", "rows first")  # what is summed over the workers: outputs, and gradients by x


def _passes(layers: Layers, above: Tensor) -> tuple[dict[str, Tensor], int]:
    """Return the output, the gradients of sum(y * above), and how many activations are stored for them."""
    leaves = {name: tensor.clone().requires_grad_() for name, tensor in layers.items()}

    def output() -> Tensor:
        return F.gelu(leaves["x"] @ leaves["A"] + leaves["a"]) @ leaves["B"]

    y = output()
    # with an argument for what is above, autograd would import sympy in each process
    gradients = torch.autograd.grad((y * above).sum(), list(leaves.values()))
    found = {"y": y.detach(), **dict(zip(leaves, gradients, strict=True))}
    return found, stored_activations(output, leaves.values())


def _worker_alone(rank: int, count: int, layers: Layers, above: Tensor) -> tuple[dict[str, Tensor], int]:
    """Return what a worker has before anything is summed over the workers, and its number of activations."""

    def own(name: str, dim: int) -> Tensor:
        return layers[name].chunk(count, dim)[rank]

    part = {"x": layers["x"], "A": own("A", 1), "a": own("a", 0), "B": own("B", 0)}
    found, stored = _passes(part, above)
    found["rows first"] = F.gelu(own("x", 1) @ own("A", 0) + layers["a"] / count) @ layers["B"]
    return found, stored


def _worker(rank: int, count: int, layers: Layers, above: Tensor) -> tuple[dict[str, Tensor], int]:
    """Return the same, after the sums."""
    found, stored = _worker_alone(rank, count, layers, above)
    for name in SUMMED:
        dist.all_reduce(found[name])
    return found, stored


def _distances(found: Sequence[Layers], whole: Layers) -> dict[str, float]:
    """Return how far the workers' results, put together, lie from those of the undivided layers."""
    gradients = {
        "A": torch.cat([each["A"] for each in found], dim=1),
        "a": torch.cat([each["a"] for each in found]),
        "B": torch.cat([each["B"] for each in found]),
    }
    off = [distance(gradient, whole[name]) for name, gradient in gradients.items()]
    return {
        "output_off": max(distance(each["y"], whole["y"]) for each in found),
        "gradient_off": max([*off, *(distance(each["x"], whole["x"]) for each in found)]),
        "rows_first_off": min(distance(each["rows first"], whole["y"]) for each in found),
    }


def draw_tensor_parallel(seeds: Sequence[Measured]) -> dict[str, Figure]:
    """Draw the distances, and a worker's share of the activations, over the number of workers."""
    workers, count = seeds[0]["workers"].tolist(), int(seeds[0]["processes"])
    places, ticks = range(len(workers)), [str(each) for each in workers]
    theirs = np.concatenate([across(seeds, f"{name}/{MANY}").ravel() for name in QUANTITIES])
    distances = Panel(
        "Put together from all workers",
        "workers",
        "relative distance from the undivided layers",
        [
            Series(label, places, np.maximum(across(seeds, f"{name}/{ONE}"), ROUNDING))
            for name, label in QUANTITIES.items()
        ],
        points={MANY: (np.full(len(theirs), workers.index(count)), np.maximum(theirs, ROUNDING))},
        log="y",
        ticks=ticks,
        level=1e-5,
    )
    memory = memory_of_a_worker(seeds, "activations between the layers (share)", look=4)
    return {"layers": draw_panels([distances, memory])}
