"""The cost of a point: the plain loop of existing tools, the engine, and the machine's convolutions alone.

Each contestant works at the same points of the same plane through the same weights on the same images, in a
process of its own; the last column shows that they compute the same, and in fp32 it ends if they do not.
Starting the processes, making the network and normalizing the resident images, all once a surface, are not
counted; the plain loop's workers, which start anew at each point, are, as in the tools.
"""

import math
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

from benchmarks import arguments, machine, plain_loop, rates
from benchmarks.alternating import Contestant, alternate, ratios, spread, table
from benchmarks.workload import AS_THE_COMMANDS, Work, positions
from landscape_cli.evaluation import fused
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.weights.arithmetic import point_of

SAME = 1e-5  # relative: what the rounding of images and sums leaves of a loss


class Point(NamedTuple):
    """What a point cost, in milliseconds an image, and the loss there."""

    milliseconds: float
    loss: float


def by_the_plain_loop(work: Work) -> Callable[[], Point]:
    """Return the work of a turn: the next point, in the manner of existing tools."""
    model, (images, labels) = work.model(), work.pictures()
    origin = [parameter.detach().clone() for parameter in model.parameters()]
    axes = [plain_loop.in_order(model, direction) for direction in work.directions(model)]
    batches = plain_loop.loader(images, labels, training=False)
    places = positions()

    def turn() -> Point:
        steps = list(zip(next(places), axes, strict=True))
        started = time.perf_counter()
        plain_loop.set_weights(model, origin, steps)
        loss, _ = plain_loop.evaluate(model, batches)
        return Point(1000 * (time.perf_counter() - started) / work.images, loss)

    return turn


def by_the_engine(work: Work, precision: str, points: int = 1) -> Callable[[], Point]:
    """Return the work of a turn: the next points, as the commands do them; mean cost and last loss."""
    model, split = work.model(), work.split()
    parts = batches(split, automatic_size(split.inputs))
    evaluator = Evaluator(model, {"train": parts}, objective("cross_entropy"), precision)
    origin = evaluator.beside(point_of(model))
    axes = [evaluator.beside(direction) for direction in work.directions(model)]
    places = positions()

    def turn() -> Point:
        loss = float("nan")
        started = time.perf_counter()
        with evaluator.enough_threads():
            for _ in range(points):
                evaluator.move(origin, list(zip(next(places), axes, strict=True)))
                loss = evaluator.evaluate("train").loss
        return Point(1000 * (time.perf_counter() - started) / (work.images * points), loss)

    return turn


def by_public_operations(work: Work, precision: str) -> Callable[[], Point]:
    """Return the work of a turn, without torch's private fused convolutions: folded all the same."""
    fused.has_post_operations = lambda device, dtype: False  # this process is the contestant's own
    return by_the_engine(work, precision)


def by_convolutions(work: Work, precision: str, repetitions: int) -> Callable[[], Point]:
    """Return the work of a turn: the floor, in the same run; it has no loss."""
    floor = rates.floor_of(work.network, precision, repetitions)
    return lambda: Point(floor(), float("nan"))


def rows_of(work: Work, rounds: int, repetitions: int) -> list[list[str]]:
    """Return a network's rows of the table."""
    with ExitStack() as stack:
        makers: dict[str, tuple[Callable[[], Callable[[], Point]], dict[str, str]]] = {
            "plain": (partial(by_the_plain_loop, work), {})
        }
        for precision in rates.PRECISIONS:
            makers[precision] = (partial(by_the_engine, work, precision), AS_THE_COMMANDS)
            makers[f"public {precision}"] = (partial(by_public_operations, work, precision), AS_THE_COMMANDS)
            makers[f"floor {precision}"] = (partial(by_convolutions, work, precision, repetitions), {})
        contestants = {
            name: stack.enter_context(Contestant(make, environment))
            for name, (make, environment) in makers.items()
        }
        points = alternate(contestants, rounds)
    cost = {name: [point.milliseconds for point in found] for name, found in points.items()}
    losses = {name: [point.loss for point in found] for name, found in points.items()}
    flops = rates.megaflops(work.network)
    rows = [[work.network, "plain loop, fp32", spread(cost["plain"], ".3f"), "1", "", "", ""]]
    for precision in rates.PRECISIONS:
        floor = cost[f"floor {precision}"]
        told = {
            f"engine, {precision}": precision,
            f"- public operations only, {precision}": f"public {precision}",
        }
        for label, name in {**told, f"convolutions alone, {precision}": f"floor {precision}"}.items():
            share = [100 * ratio for ratio in ratios(floor, cost[name])]
            difference = max(abs(ratio - 1) for ratio in ratios(losses[name], losses["plain"]))
            if label.startswith("engine, fp32") and difference > SAME:
                raise SystemExit(f"{work.network}: the losses differ by {difference:.0e}: no comparison")
            rows.append(
                [
                    work.network,
                    label,
                    spread(cost[name], ".3f"),
                    spread(ratios(cost["plain"], cost[name]), ".2f"),
                    spread(share, ".0f"),
                    spread(ratios([flops] * rounds, cost[name]), ".0f"),
                    "" if math.isnan(difference) else f"{difference:.0e}",
                ]
            )
    return rows


def main() -> None:
    """Print the table."""
    parser = arguments.parser(__doc__, rounds=5)
    arguments.add_images(parser, images=8000)
    arguments.add_networks(parser, "resnet20", "resnet56", "vgg9")
    rates.add_effort(parser)
    asked = parser.parse_args()
    print(f"# The cost of a point, {asked.images:,} images\n\n{machine.described()}")
    products = {
        precision: rates.matrix_product(precision, asked.matrix, asked.repetitions)()
        for precision in rates.PRECISIONS
    }
    told = ", ".join(f"{precision} {rate:.0f} GFLOP/s" for precision, rate in products.items())
    print(f"- product of {asked.matrix}x{asked.matrix} matrices: {told}\n")
    rows = []
    for network in asked.networks:
        rows += rows_of(Work(network, asked.images, asked.data), asked.rounds, asked.repetitions)
    head = ["network", "how", "ms/image", "times the plain loop", "% of the convolutions' rate", "GFLOP/s"]
    print(table([*head, "loss differs by"], rows))


if __name__ == "__main__":
    main()
