"""The rate of a training epoch: the stock DataLoader loop, and the loop of `landscape train`.

ResNet-20, batches of 128, random crops and flips, SGD with Nesterov momentum and weight decay. The package's
loop is the one that the command runs, whole; only its measurements of an epoch (losses, accuracies and the
gradient norm over the splits), which the stock loop does not make, are taken out of the time.
"""

import contextlib
import io
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from benchmarks import arguments, machine, plain_loop
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.pictures import CLASSES, DEVIATION, MEAN, SHAPE
from benchmarks.workload import AS_THE_COMMANDS, BATCH, RECIPE, Work
from landscape_cli.data.load import Dataset
from landscape_cli.runs import METRICS
from landscape_cli.training import loop
from landscape_cli.training.options import Recipe
from landscape_cli.training.state import State, prepare


class SecondsOfAnEpoch:
    """In place of a run folder's record: keeps the last row's seconds, and nothing on disk."""

    path = "the benchmark"
    seconds: float

    def restore(self, state: State) -> bool:
        """Say that nothing is to be resumed."""
        return False

    def add(self, state: State, row: dict[str, float], *, last: bool) -> None:
        """Keep the seconds of the epoch."""
        self.seconds = row["seconds"]

    def finish(self, epoch: int) -> None:
        """Do nothing."""


def by_the_stock_loop(work: Work) -> Callable[[], float]:
    """Return the work of a turn: an epoch; images a second."""
    model, (images, labels) = work.model(), work.pictures()
    optimizer = torch.optim.SGD(model.parameters(), **RECIPE)
    batches = plain_loop.loader(images, labels, training=True)

    def turn() -> float:
        started = time.perf_counter()
        plain_loop.train_epoch(model, batches, optimizer)
        return work.images / (time.perf_counter() - started)

    return turn


def by_the_package(work: Work, precision: str) -> Callable[[], float]:
    """Return the work of a turn: an epoch of `landscape train`; images a second."""
    split, model = work.split(), work.model()
    zero = -torch.tensor(MEAN) / torch.tensor(DEVIATION)
    dataset = Dataset("pictures", split, split, CLASSES, SHAPE, zero, fingerprint="")
    recipe = Recipe(batch_size=BATCH, epochs=1, augment="crop_flip", precision=precision)
    optimizer, schedule = {"name": "sgd", **RECIPE}, {"name": "constant", "warmup": 0}
    record = SecondsOfAnEpoch()
    as_a_record: Any = record
    nothing = dict.fromkeys(METRICS, 0.0)

    def turn() -> float:
        with patch.object(loop, "measured", lambda *_: nothing), contextlib.redirect_stderr(io.StringIO()):
            state = prepare(recipe, optimizer, schedule, model, dataset)
            loop.train(recipe, state, dataset, as_a_record)
        return work.images / record.seconds

    return turn


def main() -> None:
    """Print the table."""
    parser = arguments.parser(__doc__, rounds=5)
    arguments.add_images(parser, images=5120)
    asked = parser.parse_args()
    work = Work("resnet20", asked.images, asked.data)
    print(f"# Training ResNet-20, epochs of {asked.images:,} images\n\n{machine.described()}\n")
    with ExitStack() as stack:
        contestants = {
            "stock loop, fp32": Contestant(partial(by_the_stock_loop, work)),
            "landscape train, fp32": Contestant(partial(by_the_package, work, "fp32"), AS_THE_COMMANDS),
            "landscape train, bf16": Contestant(partial(by_the_package, work, "bf16"), AS_THE_COMMANDS),
        }
        for contestant in contestants.values():
            stack.enter_context(contestant)
        rates = alternate(contestants, asked.rounds)
    stock = rates["stock loop, fp32"]
    rows = [
        [name, spread(found, ".0f"), spread(ratios(found, stock), ".2f")] for name, found in rates.items()
    ]
    print(table(["how", "images/s", "times the stock loop"], rows))


if __name__ == "__main__":
    main()
