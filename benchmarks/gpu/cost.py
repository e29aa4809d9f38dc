"""Stage `cost`: a point, a training step and a product with the Hessian, beside the plain loop's."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.alternating import table
from benchmarks.gpu.stage import Kit
from benchmarks.workload import BATCH, RECIPE, Work, positions
from landscape_cli import device as devices
from landscape_cli.curvature.products import Hessian
from landscape_cli.data.load import Split
from landscape_cli.evaluation.batches import automatic_size, batches
from landscape_cli.evaluation.evaluator import Evaluator
from landscape_cli.evaluation.losses import objective
from landscape_cli.weights.arithmetic import point_of

ROUNDS = 5
Turn = Callable[[], object]


def run(kit: Kit) -> str:
    """Measure the networks that are not measured yet; return the table."""
    found: dict[str, Any] = kit.result("cost").get("networks", {})
    networks = ["resnet20"] if kit.tiny else ["resnet20", "resnet56", "vgg9"]
    images = 64 if kit.tiny else 16384
    for network in networks:
        if network not in found:
            found[network] = _measured(kit, Work(network, images))
            kit.keep("cost", {"networks": found, "images": images}, finished=len(found) == len(networks))
    rows = [
        [network, what, f"{each['ms']:.4g}", f"{each['plain'] / each['ms']:.2f}", f"{each['GiB']:.2f}"]
        for network, measured in found.items()
        for what, each in measured.items()
    ]
    return table(["network", "what", "ms an image", "times the plain loop", "peak memory (GiB)"], rows)


def _measured(kit: Kit, work: Work) -> dict[str, dict[str, float]]:
    """Return milliseconds an image, median of the rounds, and the peak of memory, of each contestant."""
    split = Split(*(tensor.to(kit.device) for tensor in (work.split().inputs, work.split().targets)))
    few = Split(split.inputs[: 8 * BATCH], split.targets[: 8 * BATCH])
    turns: dict[str, dict[str, tuple[Turn, int]]] = {
        "point": {
            "plain loop": (_plain_point(kit, work), work.images),
            **{each: (_point(kit, work, split, each), work.images) for each in ("fp32", "bf16")},
        },
        "training step": {
            "plain loop": (_plain_epoch(kit, work, few), len(few)),
            **{each: (_epoch(kit, work, few, each), len(few)) for each in ("fp32", "bf16")},
        },
        "product with the Hessian": {
            "plain loop": (_plain_product(kit, work, few), len(few)),
            "fp32": (_product(kit, work, few), len(few)),
        },
    }
    found: dict[str, dict[str, float]] = {}
    for what, contestants in turns.items():
        times: dict[str, list[float]] = {name: [] for name in contestants}
        peaks: dict[str, float] = {}
        for number in range(1 + (1 if kit.tiny else ROUNDS)):
            for name, (turn, images) in contestants.items():
                _reset_peak(kit.device)
                seconds = seconds_of(turn, kit.device)
                peaks[name] = _peak(kit.device)
                if number:
                    times[name].append(1000 * seconds / images)
        medians = {name: statistics.median(each) for name, each in times.items()}
        for name, median in medians.items():
            label = f"{what}, {name}"
            found[label] = {"ms": median, "plain": medians["plain loop"], "GiB": peaks[name]}
    return found


def seconds_of(turn: Turn, device: torch.device) -> float:
    """Return the seconds of a turn, until the device has done all of it."""
    _wait(device)
    started = time.perf_counter()
    turn()
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _peak(device: torch.device) -> float:
    """Return the peak of the device's memory in GiB; 0 on a processor, where nothing counts it."""
    return torch.cuda.max_memory_allocated(device) / 2**30 if device.type == "cuda" else 0.0


def _resident(split: Split) -> list[tuple[Tensor, Tensor]]:
    """Return batches as a careful plain loop has them: on the device already, of the usual size."""
    return [
        (split.inputs[start : start + BATCH].contiguous(), split.targets[start : start + BATCH])
        for start in range(0, len(split), BATCH)
    ]


def _plain_point(kit: Kit, work: Work) -> Turn:
    model = work.model().to(kit.device)
    origin = [parameter.detach().clone() for parameter in model.parameters()]
    axes = [
        [direction[name].to(kit.device) for name, _ in model.named_parameters()]
        for direction in work.directions(work.model())
    ]
    host = work.split()
    places = positions()

    def turn() -> float:
        x, y = next(places)
        for parameter, start, along_x, along_y in zip(model.parameters(), origin, *axes, strict=True):
            parameter.data = start + x * along_x + y * along_y
        total = 0.0
        with torch.no_grad():
            for inputs, targets in _resident(host):  # a copy to the device a batch, as a DataLoader's
                outputs = model(inputs.to(kit.device))
                total += F.cross_entropy(outputs, targets.to(kit.device), reduction="sum").item()
        return total

    return turn


def _point(kit: Kit, work: Work, split: Split, precision: str) -> Turn:
    model = work.model().to(kit.device)
    parts = batches(split, automatic_size(split.inputs))
    evaluator = Evaluator(model, {"train": parts}, objective("cross_entropy"), precision)
    origin = evaluator.beside(point_of(model))
    axes = [evaluator.beside(direction) for direction in work.directions(work.model())]
    places = positions()

    def turn() -> float:
        evaluator.move(origin, list(zip(next(places), axes, strict=True)))
        return evaluator.evaluate("train").loss

    return turn


def _plain_epoch(kit: Kit, work: Work, split: Split) -> Turn:
    model = work.model().to(kit.device).train()
    return _stepping(model, _resident(split), kit.device, "fp32")


def _epoch(kit: Kit, work: Work, split: Split, precision: str) -> Turn:
    model = work.model().to(kit.device).train()
    layout = devices.memory_format(model, split.inputs)
    inputs = devices.in_layout(split.inputs, layout)
    parts = [
        (inputs[start : start + BATCH], split.targets[start : start + BATCH])
        for start in range(0, len(split), BATCH)
    ]
    return _stepping(model.to(memory_format=layout), parts, kit.device, precision)


def _stepping(
    model: nn.Module, parts: list[tuple[Tensor, Tensor]], device: torch.device, precision: str
) -> Turn:
    """Return an epoch of steps; the plain loop and `landscape train` differ in layout and precision."""
    optimizer = torch.optim.SGD(model.parameters(), **RECIPE)

    def turn() -> None:
        for inputs, targets in parts:
            optimizer.zero_grad()
            with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
                outputs = model(inputs)
            F.cross_entropy(outputs.float(), targets).backward()
            optimizer.step()

    return turn


def _plain_product(kit: Kit, work: Work, split: Split) -> Turn:
    model = work.model().to(kit.device)
    weights = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [torch.randn_like(weight) for weight in weights]
    parts = _resident(split)

    def turn() -> None:
        for inputs, targets in parts:
            loss = F.cross_entropy(model(inputs), targets)
            gradients = torch.autograd.grad(loss, weights, create_graph=True)
            along = torch.stack(
                [(one * other).sum() for one, other in zip(gradients, vectors, strict=True)]
            ).sum()
            torch.autograd.grad(along, weights)

    return turn


def _product(kit: Kit, work: Work, split: Split) -> Turn:
    model = work.model().to(kit.device)
    parts: list[Any] = batches(split, automatic_size(split.inputs))
    hessian = Hessian(model.eval(), parts, objective("cross_entropy"), "weights")
    vector = torch.randn(hessian.size, dtype=torch.float64).numpy()
    return lambda: hessian.product(vector)
