"""Memory for computation: activations that are kept, or computed again (Chen et al. 2016)."""

import math
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn
from torch.utils.checkpoint import set_checkpoint_early_stop

from landscape_cli.gradients.parts import distance
from landscape_cli.plots.series import Panel, Series, draw_panels
from landscape_cli.reproduction.lab import Lab
from landscape_cli.reproduction.measured import Measured, across
from landscape_cli.training.recomputation import in_segments, segments

Way = Callable[[Sequence[nn.Module], Tensor], None]
"""Adds the gradients of the mean square of a chain's outputs, for some inputs, to its parameters'."""


class Counts:
    """Evaluations of layers, and how many of their outputs are stored at a time, by forward hooks.

    An output is stored for as long as something holds its memory: a variable, or autograd for the backward
    pass.

    Attributes:
        evaluations: so far.
        peak: the most outputs that were stored at a time.
    """

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        self.evaluations = self.peak = self._stored = 0
        for layer in layers:
            layer.register_forward_hook(self._note)

    def _note(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        self.evaluations += 1
        self._stored += 1
        self.peak = max(self.peak, self._stored)
        weakref.finalize(output.untyped_storage(), self._freed)

    def _freed(self) -> None:
        self._stored -= 1


def vanilla(chain: Sequence[nn.Module], x: Tensor) -> None:
    """Store all activations."""
    for layer in chain:
        x = layer(x)
    x.square().mean().backward()


def memory_poor(chain: Sequence[nn.Module], x: Tensor) -> None:
    """Store none: from the last layer to the first, its inputs are computed from the chain's."""
    above = None
    for place in range(len(chain))[::-1]:
        above = _backward(chain[place], _through(chain[:place], x), above)


def checkpoints(chain: Sequence[nn.Module], x: Tensor, length: int) -> None:
    """Store the inputs of segments of `length` layers, as ``checkpointing=true`` does.

    That stops within a segment's last layer, as soon as it has all that is needed; here each layer is
    finished, so that its hooks count it.
    """
    with set_checkpoint_early_stop(False):
        in_segments(segments(chain, length))(x).square().mean().backward()


@torch.no_grad()
def _through(layers: Sequence[nn.Module], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x


def _backward(layer: nn.Module, inputs: Tensor, above: Tensor | None) -> Tensor:
    """Add a layer's gradients; return that by its inputs, from that by its outputs (None: the last's)."""
    inputs = inputs.detach().requires_grad_()
    outputs = layer(inputs)
    (outputs.square().mean() if above is None else (outputs * above).sum()).backward()
    assert inputs.grad is not None
    return inputs.grad


def gradient_checkpointing(lab: Lab, *, layers: int, width: int, samples: int) -> Measured:
    """Count evaluations and stored activations of three ways to the gradient of a chain, and of all segments.

    The chain has layers tanh(W x), the loss is the mean square of its outputs, all is in float64.

    Args:
        lab: of no runs.
        layers: n, a square.
        width: of each.
        samples: a batch of normal inputs.
    """
    random = torch.Generator().manual_seed(int(lab.random("chain").randint(2**31)))
    inputs = torch.randn(samples, width, dtype=torch.float64, generator=random)
    weights = torch.randn(layers, width, width, dtype=torch.float64, generator=random) * width**-0.5

    def counted(way: Way) -> tuple[Tensor, Counts]:
        chain = [_layer(weight) for weight in weights]
        counts = Counts(chain)
        way(chain, inputs)
        gradients = [parameter.grad for layer in chain for parameter in layer.parameters()]
        return torch.cat([each.flatten() for each in gradients if each is not None]), counts

    root = round(layers**0.5)
    root = math.isqrt(layers)
    found = {
        "vanilla": counted(vanilla),
        "memory poor": counted(memory_poor),
        "checkpoints": counted(partial(checkpoints, length=root)),
    }
    lengths = np.arange(1, layers + 1)
    stored = np.array([counted(partial(checkpoints, length=int(each)))[1].peak for each in lengths])
    gradient = found["vanilla"][0]
    evaluations = {name: counts.evaluations for name, (_, counts) in found.items()}
    return {
        "gradient_off": {
            name: distance(each, gradient) for name, (each, _) in found.items() if name != "vanilla"
        },
        "evaluations": evaluations,
        "evaluations_off": {
            "vanilla": abs(evaluations["vanilla"] - layers),
            "memory poor": abs(evaluations["memory poor"] - layers * (layers + 1) // 2),
        },
        "stored": {name: counts.peak for name, (_, counts) in found.items()},
        "stored_off": {"vanilla": abs(found["vanilla"][1].peak - layers)},
        "excess_at_root": stored[root - 1] - stored.min(),
        "lengths": lengths,
        "stored_by_length": stored,
    }


def _layer(weight: Tensor) -> nn.Module:
    outputs, inputs = weight.shape
    linear = nn.Linear(inputs, outputs, bias=False)
    linear.weight = nn.Parameter(weight)
    return nn.Sequential(linear, nn.Tanh())


def draw_gradient_checkpointing(seeds: Sequence[Measured], *, names: Mapping[str, str]) -> dict[str, Figure]:
    """Draw what is stored over the length of segments, and the evaluations that each way takes over that."""
    lengths = seeds[0]["lengths"]
    stored = across(seeds, "stored_by_length")
    count = lengths[-1]
    segments_only = Panel(
        "Checkpoints at the ends of segments",
        "layers a segment",
        "most activations stored at a time",
        [
            Series("counted", lengths, stored),
            Series("n / length + length", lengths, count / lengths + lengths),
        ],
        log="xy",
        marks={"$\\sqrt{n}$": math.sqrt(count)},
    )
    ways = Panel(
        f"The gradient of {count} layers",
        "most activations stored at a time",
        "evaluations of a layer",
        points={
            names[name]: (
                [seed["stored"][name] for seed in seeds],
                [seed["evaluations"][name] for seed in seeds],
            )
            for name in names
        },
        log="y",
    )
    return {"recomputation": draw_panels([segments_only, ways])}
