"""Stage `train`: ResNet-56 with and without shortcuts as Li et al. (2018) trained them, side by side."""

from pathlib import Path
from typing import Any

from benchmarks.alternating import table
from benchmarks.gpu.stage import Kit
from landscape_cli.runs import open_run

NETWORKS = {"with shortcuts": "li2018_resnet56", "without shortcuts": "li2018_resnet56_noshort"}
PAPER = {"with shortcuts": 5.89, "without shortcuts": 13.31}  # test error in percent, table 1
SEEDS = 2
TINY = ["dataset=digits", "dataset.train_size=200", "architecture=resnet", "epochs=2", "optimizer.lr=0.01"]


def words_of(kit: Kit, name: str, seed: int) -> list[str]:
    """Return the words of `landscape train` for a network and a seed."""
    skip = "true" if name == "with shortcuts" else "false"
    recipe = [*TINY, f"architecture.skip={skip}"] if kit.tiny else [f"experiment={NETWORKS[name]}"]
    place = [f"dataset.root={kit.data}"] if not kit.tiny else []
    run = [f"seed={seed}", f"out={folder(kit, name, seed)}", f"device={kit.device}"]
    return [*recipe, *place, "precision=bf16", "evaluate_every=10", *run]


def folder(kit: Kit, name: str, seed: int) -> Path:
    """Return where a run is kept."""
    return kit.out / "runs" / f"{name.replace(' ', '_')}_seed_{seed}"


def run(kit: Kit) -> str:
    """Train all networks further, side by side, until the time is up; return the table."""
    seconds: float = kit.result("train").get("seconds", 0.0)
    every = [(name, seed) for name in NETWORKS for seed in range(SEEDS)]
    open_ = [each for each in every if not _is_finished(folder(kit, *each))]
    seconds += kit.all_at_once([["train", *words_of(kit, *each)] for each in open_]) if open_ else 0.0
    runs = {f"{name}, seed {seed}": _reached(folder(kit, name, seed), name) for name, seed in every}
    finished = all(each["finished"] for each in runs.values())
    kit.keep("train", {"seconds": seconds, "side_by_side": len(every), "runs": runs}, finished=finished)
    rows = [
        [
            name,
            f"{each['epoch']:.0f}",
            f"{each['train_loss']:.4g}",
            f"{each['test_error']:.2f}",
            f"{each['paper']}",
        ]
        for name, each in runs.items()
    ]
    return table(["network", "epoch", "training loss", "test error (%)", "the paper's (%)"], rows)


def _is_finished(path: Path) -> bool:
    return (path / "config.yaml").exists() and open_run(path).finished


def _reached(path: Path, name: str) -> dict[str, Any]:
    """Return where a run stands, by the last row of its metrics."""
    rows = open_run(path).metrics() if (path / "config.yaml").exists() else []
    last = rows[-1] if rows else dict.fromkeys(("epoch", "train_loss", "test_accuracy"), float("nan"))
    return {
        "epoch": last["epoch"],
        "train_loss": last["train_loss"],
        "test_error": 100 * (1 - last["test_accuracy"]),
        "paper": PAPER[name],
        "finished": _is_finished(path),
    }
