"""A folder of runs and files, whole ones and broken ones, in which mistakes are made."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch

TINY = "dataset.train_size=20 dataset.test_size=10 batch_size=10 epochs=1"
MADE = [
    f"train {TINY} out=a",
    f"train {TINY} seed=1 out=b",
    f"train {TINY} seed=2 out=c",
    f"train {TINY} architecture.widths=[5] out=narrow",
    f"train {TINY} architecture=cnn out=cnn",
    "surface run=a x=[-1,1,3] y=[-1,1,3] out=plane.h5",
    "surface run=a x=[-1,1,3] y=null out=line.h5",
]
OWN_CODE = """
from torch import nn

def number(): return 3
def fails(): return [][1]
def layers(num_classes, *more): return nn.Sequential(nn.Flatten(), nn.Linear(64, num_classes), *more)
def normalized(num_classes): return layers(num_classes, nn.BatchNorm1d(num_classes))
def three_outputs(num_classes): return layers(3)
"""

Told = Callable[[str, str], None]
"""Called with a line that is a mistake and words, apart by spaces, that must be in the message."""


def named(line: str) -> str:
    """Return what a line is called in the list of tests."""
    return line.replace(f"{TINY} ", "")


def break_some(folder: Path) -> None:
    (folder / "users_own.py").write_text(OWN_CODE)
    (folder / "users_broken.py").write_text("def f(:")
    (folder / "file").write_text("not a folder")
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("one")
    for name in (
        "unfinished",
        "unbegun",
        "no_metrics",
        "bad_config",
        "bad_provenance",
        "cut",
        "foreign",
        "lost",
    ):
        shutil.copytree(folder / "a", folder / name)
    last = Path("checkpoints", "epoch_0001.pt")
    (folder / "unfinished" / last).unlink()
    provenance = (folder / "a" / "provenance.json").read_text()
    (folder / "unfinished" / "provenance.json").write_text(
        provenance.replace('"end": "', '"end": null, "was": "')
    )
    for path in [*(folder / "unbegun" / "checkpoints").iterdir(), folder / "unbegun" / "metrics.csv"]:
        path.unlink()
    (folder / "no_metrics" / "metrics.csv").unlink()
    (folder / "bad_config" / "config.yaml").write_text("a: [1,\n")
    (folder / "bad_provenance" / "provenance.json").write_text('{"end"')
    (folder / "cut" / last).write_bytes((folder / "a" / last).read_bytes()[:2000])
    torch.save({"weights": torch.ones(3)}, folder / "foreign" / last)
    (folder / "lost" / last).unlink()
    (folder / "cut.h5").write_bytes((folder / "plane.h5").read_bytes()[:3000])
    with h5py.File(folder / "foreign.h5", "w") as file:
        file["train_loss"] = np.zeros((3, 3))
    shutil.copy(folder / "plane.h5", folder / "later.h5")
    shutil.copy(folder / "plane.h5", folder / "half.h5")
    with h5py.File(folder / "later.h5", "r+") as file:
        file.attrs["version"] = 99
    with h5py.File(folder / "half.h5", "r+") as file:
        del file.attrs["config"]
    images = {"train_images": np.zeros((4, 8, 8), np.uint8), "train_labels": np.array([0, 1, 0, 1])}
    np.savez(folder / "no_test.npz", **images)
    (folder / "cut.npz").write_bytes((folder / "no_test.npz").read_bytes()[:100])


def state(folder: Path) -> dict[Path, tuple[int, int] | None]:
    """Every path there is, with size and time of each file: bytecode of imported modules aside."""
    found = {path: path.stat() for path in folder.rglob("*") if "__pycache__" not in path.parts}
    return {path: None if path.is_dir() else (stat.st_size, stat.st_mtime_ns) for path, stat in found.items()}
