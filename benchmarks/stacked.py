"""The rate of many small trainings: one after the other, and as one batch.

Networks of one hidden layer on the digits, full batches, Adam, float32. Alone, each is a loop
of torch.optim around the network; together they are what `landscape_cli.training.stacked` makes of them.
"""

import argparse
import itertools
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks import arguments, machine
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.workload import AS_THE_COMMANDS
from landscape_cli.architectures.build import build
from landscape_cli.data.load import Split, load
from landscape_cli.training.stacked import shared, train_stacked

ADAM = {"name": "adam", "lr": 1e-3}


def made(samples: int, count: int, width: int) -> tuple[list[nn.Module], Split]:
    """Return networks with random weights, and the data."""
    data = load({"name": "digits", "train_size": samples}, torch.device("cpu"))
    architecture = {"name": "mlp", "widths": [width], "activation": "relu"}
    models = [build(architecture, {"name": "none"}, data.input_shape, data.classes) for _ in range(count)]
    return models, data.train


def alone(samples: int, count: int, width: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn: networks one after the other; its rate in network steps a second."""
    models, split = made(samples, count, width)

    def turn() -> float:
        started = time.perf_counter()
        for model in models:
            optimizer = torch.optim.Adam(model.parameters(), lr=ADAM["lr"], fused=True)  # type: ignore[arg-type]
            for _ in range(steps):
                optimizer.zero_grad()
                F.cross_entropy(model(split.inputs), split.targets).backward()
                optimizer.step()
        return count * steps / (time.perf_counter() - started)

    return turn


def together(samples: int, count: int, width: int, steps: int) -> Callable[[], float]:
    """Return the work of a turn: the networks as one batch; its rate likewise."""
    models, split = made(samples, count, width)
    inputs, targets = shared(split.inputs, count), shared(split.targets, count)

    def turn() -> float:
        started = time.perf_counter()
        train_stacked(models, inputs, targets, loss="cross_entropy", optimizer=ADAM, epochs=steps)
        return count * steps / (time.perf_counter() - started)

    return turn


def main() -> None:
    """Print a table: a row a width and number of networks."""
    parser: argparse.ArgumentParser = arguments.parser(__doc__, rounds=3)
    parser.add_argument("--networks", type=int, nargs="+", default=[1, 8, 32, 128], help="(%(default)s)")
    parser.add_argument("--widths", type=int, nargs="+", default=[16, 64], help="hidden units (%(default)s)")
    parser.add_argument("--samples", type=int, nargs="+", default=[200, 1437], help="images (%(default)s)")
    parser.add_argument("--steps", type=int, default=20, help="of each network a turn (%(default)s)")
    asked = parser.parse_args()
    print(f"# Many small trainings\n\n{machine.described()}\n")
    rows = []
    for samples, width, count in itertools.product(asked.samples, asked.widths, asked.networks):
        with ExitStack() as stack:
            contestants = {
                name: stack.enter_context(
                    Contestant(partial(how, samples, count, width, asked.steps), AS_THE_COMMANDS)
                )
                for name, how in (("alone", alone), ("together", together))
            }
            rates = alternate(contestants, asked.rounds)
        faster = ratios(rates["together"], rates["alone"])
        rows.append(
            [
                f"mlp[{width}], {samples} images",
                str(count),
                *(spread(rates[name], ".0f") for name in contestants),
                spread(faster, ".2f"),
            ]
        )
    head = ["network", "how many", "one by one, steps/s", "together, steps/s", "times as fast"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
