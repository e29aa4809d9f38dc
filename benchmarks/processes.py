"""The engine on one process with all threads against two that share them, each with half the points.

Evaluation alone is timed: the processes have started, and each has its copy of the network and the images.
"""

import itertools
import time
from contextlib import ExitStack
from functools import partial

import torch

from benchmarks import arguments, machine, rates
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.point import Point, by_the_engine
from benchmarks.workload import AS_THE_COMMANDS, Work

PROCESSES = 2


def milliseconds(contestants: list[Contestant[Point]], images: int) -> float:
    """Let all take their turn at once; return the cost an image of the `PROCESSES` points they share."""
    started = time.perf_counter()
    for future in [contestant.start() for contestant in contestants]:
        future.result()
    return 1000 * (time.perf_counter() - started) / (images * PROCESSES)


def main() -> None:
    """Print the table."""
    parser = arguments.parser(__doc__, rounds=5)
    arguments.add_images(parser, images=8000)
    arguments.add_networks(parser, "resnet20", "resnet56", "vgg9")
    asked = parser.parse_args()
    threads = torch.get_num_threads()
    shares = {1: threads, PROCESSES: max(1, threads // PROCESSES)}
    print(f"# One process and {PROCESSES}, {asked.images:,} images\n\n{machine.described()}\n")
    rows = []
    for network, precision in itertools.product(asked.networks, rates.PRECISIONS):
        work = Work(network, asked.images, asked.data)
        with ExitStack() as stack:
            turns = {}
            for count, share in shares.items():
                make = partial(by_the_engine, work, precision, PROCESSES // count)
                environment = {**AS_THE_COMMANDS, "OMP_NUM_THREADS": str(share)}
                sharing = [stack.enter_context(Contestant(make, environment)) for _ in range(count)]
                turns[count] = partial(milliseconds, sharing, asked.images)
            cost = alternate({str(count): turn for count, turn in turns.items()}, asked.rounds)
        one, several = cost.values()
        gain = spread(ratios(one, several), ".2f")
        rows.append([network, precision, spread(one, ".3f"), spread(several, ".3f"), gain])
    heads = [f"{count} x {share} threads, ms/image" for count, share in shares.items()]
    print(table(["network", "precision", *heads, f"gain of {PROCESSES} processes"], rows))


if __name__ == "__main__":
    main()
