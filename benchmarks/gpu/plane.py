"""Stage `plane`: the exact 51x51 plane of a ResNet-56 over all training images, and what limits it."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.alternating import table
from benchmarks.gpu.cost import seconds_of
from benchmarks.gpu.stage import Kit
from benchmarks.gpu.train import NETWORKS, folder, words_of
from benchmarks.workload import Work
from landscape_cli import device as devices
from landscape_cli.evaluation.losses import objective
from landscape_cli.evaluation.network import Network
from landscape_cli.runs import open_run
from landscape_cli.store import read

PRECISIONS = ("bf16", "fp32")
TARGET = 180.0  # seconds on an H100


def run(kit: Kit) -> str:
    """Go on with the planes until they are whole or the time is up; return the table."""
    found: dict[str, Any] = kit.result("plane")
    planes: dict[str, Any] = found.get("planes", {})
    roof: dict[str, Any] = found.get("roof") or _roof(kit)
    trained = _run_of(kit)
    started = time.perf_counter()
    for precision in PRECISIONS:
        before = planes.get(precision, {"seconds": 0.0, "whole": False})
        left = kit.seconds - (time.perf_counter() - started)
        if before["whole"] or left <= 0:
            continue
        file = kit.out / f"plane_{precision}.h5"
        seconds = before["seconds"] + kit.all_at_once([_words(kit, trained, file, precision)])
        planes[precision] = _measured(kit, file, seconds)
        whole = all(planes.get(each, {}).get("whole") for each in PRECISIONS)
        kit.keep("plane", {"roof": roof, "run": str(trained), "planes": planes}, finished=whole)
    rows = [
        [
            precision,
            f"{each['points']} of {each['of']}",
            f"{each['seconds']:.0f}",
            f"{each['images_per_second']:.0f}",
            f"{100 * each['TFLOPs'] / roof[precision]['TFLOPs']:.0f} %",
            _limit(roof, precision),
        ]
        for precision, each in planes.items()
    ]
    head = [
        "precision",
        "points",
        "seconds (starts included)",
        "images/s",
        "of the products' rate",
        "limited by",
    ]
    return table(head, rows)


def _run_of(kit: Kit) -> Path:
    """Return a ResNet-56: the one that the stage `train` has finished, or else one with initial weights."""
    name = next(iter(NETWORKS))
    trained = folder(kit, name, 0)
    if (trained / "config.yaml").exists() and open_run(trained).finished:
        return trained
    words = [word for word in words_of(kit, name, 0) if not word.startswith(("out=", "epochs="))]
    return kit.landscape("train", *words, "epochs=0", f"out={kit.out / 'initial'}")


def _words(kit: Kit, trained: Path, file: Path, precision: str) -> list[str]:
    grid = ["x=-1:1:3", "y=-1:1:3"] if kit.tiny else ["x=-1:1:51", "y=-1:1:51"]
    chosen = ["splits=train", f"precision={precision}", f"device={kit.device}", f"out={file}"]
    return ["surface", f"run={trained}", *grid, *chosen]


def _measured(kit: Kit, file: Path, seconds: float) -> dict[str, Any]:
    """Return how far a plane is, and at which rate it came there; starting the processes is counted."""
    surface = read(file)
    points = int(surface.evaluated.sum())
    config = surface.run_config
    images = config["dataset"]["train_size"] or 50_000
    work = Work("resnet20" if kit.tiny else "resnet56", 2)
    model = work.model()
    operations = devices.operations(lambda: model(work.split().inputs)) / 2
    rate = points * images / seconds
    return {
        "points": points,
        "of": surface.evaluated.size,
        "whole": bool(surface.evaluated.all()),
        "seconds": seconds,
        "images": images,
        "images_per_second": rate,
        "TFLOPs": rate * operations / 1e12,
        "target_seconds": TARGET,
    }


def _roof(kit: Kit) -> dict[str, Any]:
    """Return the rate of large matrix products, and of forward passes of the network by batch size."""
    side = 256 if kit.tiny else 8192
    sizes = (32, 64) if kit.tiny else (256, 1024, 2048, 4096, 8192)
    work = Work("resnet20" if kit.tiny else "resnet56", max(sizes))
    inputs = work.split().inputs.to(kit.device)
    model = work.model().to(kit.device)
    operations = devices.operations(lambda: model(inputs[:2])) / 2
    found: dict[str, Any] = {}
    for precision, dtype in (("fp32", torch.float32), ("bf16", torch.bfloat16)):
        one = torch.randn(side, side, device=kit.device, dtype=dtype)
        seconds = min(seconds_of(partial(torch.matmul, one, one), kit.device) for _ in range(5))
        found[precision] = {
            "TFLOPs": 2 * side**3 / seconds / 1e12,
            "forward": {
                str(size): operations * size / _forward(kit, model, inputs[:size], precision) / 1e12
                for size in sizes
            },
        }
    return found


def _forward(kit: Kit, model: nn.Module, inputs: torch.Tensor, precision: str) -> float:
    """Return the seconds of a forward pass as the engine makes it."""
    targets = torch.zeros(len(inputs), dtype=torch.int64, device=kit.device)
    network = Network(model, (inputs, targets), objective("cross_entropy"), precision)
    prepared = network.prepared(inputs)
    with torch.inference_mode():
        return min(seconds_of(lambda: network(prepared), kit.device) for _ in range(5))


def _limit(roof: dict[str, Any], precision: str) -> str:
    """Return what holds the engine back: starting kernels, where larger batches are faster by a tenth."""
    rates = [*roof[precision]["forward"].values()]
    if rates[-1] > 1.1 * rates[len(rates) // 2]:
        return "starting kernels: larger batches are faster"
    share = max(rates) / roof[precision]["TFLOPs"]
    return f"memory traffic of small kernels: passes reach {100 * share:.0f} % of the products' rate"
