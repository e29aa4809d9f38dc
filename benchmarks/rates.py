"""The machine's rates: each convolution of a network alone, and matrix products.

The floor of a network is the sum, over its convolutions, of the best time that `F.conv2d` takes for it,
channels-last, with a bias, at the best of three batch sizes that stay in cache. A forward pass that reached
it would do nothing else: no activations, no additions, no linear layers, no weights moved.
"""

import argparse
import itertools
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks import arguments, machine
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.pictures import SHAPE
from benchmarks.workload import Work

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
BATCH_SIZES = (32, 64, 128)
MATRIX = 2048


@dataclass(frozen=True)
class Convolution:
    """The shapes of a convolution: `maps` (C, H, W) go in, (filters, height, width) come out."""

    maps: tuple[int, ...]
    weight: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    out: tuple[int, ...]

    @property
    def flops(self) -> int:
        """Floating-point operations an image, a multiplication and an addition counted as two."""
        _, height, width = self.out
        return 2 * torch.Size(self.weight).numel() * height * width


def convolutions(model: nn.Module) -> Counter[Convolution]:
    """Return the convolutions of a forward pass, and how often each occurs."""
    found: Counter[Convolution] = Counter()

    def note(layer: nn.Conv2d, inputs: tuple[Tensor], output: Tensor) -> None:
        assert layer.groups == 1
        assert layer.dilation == (1, 1)
        assert not isinstance(layer.padding, str)
        maps, out = tuple(inputs[0].shape[1:]), tuple(output.shape[1:])
        found[Convolution(maps, tuple(layer.weight.shape), layer.stride, layer.padding, out)] += 1

    hooks = [layer.register_forward_hook(note) for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        model(torch.zeros(1, *SHAPE))
    for hook in hooks:
        hook.remove()
    return found


def best_seconds(work: Callable[[], object], repetitions: int) -> float:
    """Return the shortest of so many times, after one that is not counted."""
    work()
    times = []
    for _ in range(repetitions):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return min(times)


def floor(found: Counter[Convolution], dtype: torch.dtype, repetitions: int) -> float:
    """Return the milliseconds an image that the convolutions alone take."""
    total = 0.0
    with torch.inference_mode():
        for shapes, count in found.items():
            weight = torch.randn(shapes.weight, dtype=dtype).to(memory_format=torch.channels_last)
            bias = torch.randn(len(weight), dtype=dtype)
            each = []
            for batch in BATCH_SIZES:
                maps = torch.randn(batch, *shapes.maps, dtype=dtype).to(memory_format=torch.channels_last)
                work = partial(F.conv2d, maps, weight, bias, shapes.stride, shapes.padding)
                each.append(best_seconds(work, repetitions) / batch)
            total += 1000 * count * min(each)
    return total


def floor_of(network: str, precision: str, repetitions: int) -> Callable[[], float]:
    """Return the work of a turn: the floor, in ms an image."""
    return partial(floor, convolutions(Work(network, 0).model()), PRECISIONS[precision], repetitions)


def matrix_product(precision: str, size: int, repetitions: int) -> Callable[[], float]:
    """Return the work of a turn: the rate of a product of square matrices, in GFLOP/s."""
    one, other = torch.randn(2, size, size, dtype=PRECISIONS[precision])
    return lambda: 2e-9 * size**3 / best_seconds(partial(torch.mm, one, other), repetitions)


def megaflops(network: str) -> float:
    """Return the millions of operations that a network's convolutions take for an image."""
    found = convolutions(Work(network, 0).model())
    return sum(shapes.flops * count for shapes, count in found.items()) / 1e6


def add_effort(to: argparse.ArgumentParser) -> None:
    """Add `--repetitions` and `--matrix`: how hard to look for the machine's best."""
    to.add_argument(
        "--repetitions",
        type=int,
        default=10,
        help="of each operation, of which the best counts (%(default)s)",
    )
    to.add_argument("--matrix", type=int, default=MATRIX, help="rows of the matrices (%(default)s)")


def main() -> None:
    """Print a table: a row a network and precision, and the matrix products."""
    parser = arguments.parser(__doc__, rounds=5)
    arguments.add_networks(parser, "resnet20", "resnet56", "vgg9")
    add_effort(parser)
    asked = parser.parse_args()
    print(f"# The machine's rates\n\n{machine.described()}\n")
    rows = []
    for network, precision in itertools.product(asked.networks, PRECISIONS):
        with Contestant(partial(floor_of, network, precision, asked.repetitions)) as contestant:
            floors = alternate({"floor": contestant}, asked.rounds)["floor"]
        flops = megaflops(network)
        rate = spread(ratios([flops] * len(floors), floors), ".0f")
        rows.append([f"{network}, {flops:.1f} MFLOP", precision, spread(floors, ".3f"), rate])
    with ExitStack() as stack:
        products = {
            precision: stack.enter_context(
                Contestant(partial(matrix_product, precision, asked.matrix, asked.repetitions))
            )
            for precision in PRECISIONS
        }
        for precision, rates in alternate(products, asked.rounds).items():
            rows.append([f"matrix product, {asked.matrix}", precision, "", spread(rates, ".0f")])
    print(table(["the convolutions of", "precision", "ms/image", "GFLOP/s"], rows))


if __name__ == "__main__":
    main()
