"""What the commands made: read back without their own code where that matters."""

import csv
from pathlib import Path
from typing import Any

import h5py
import torch
from omegaconf import OmegaConf
from torch import Tensor, nn

from conftest import Landscape
from landscape_cli.architectures.build import build
from landscape_cli.data.load import Dataset, load

METRICS = "epoch,step,lr,train_loss,train_accuracy,test_loss,test_accuracy,weight_norm,gradient_norm,seconds"
DATA = ["dataset.train_size=100", "dataset.test_size=50"]
MLP = ["train", *DATA, "architecture.widths=[12]", "batch_size=20", "epochs=2"]
BATCH = ["train", *DATA, "architecture=cnn", "architecture.dropout=0.2", "normalization=batch", "epochs=2"]
RUNS = [
    *([*MLP, f"seed={seed}", f"out=seed{seed}"] for seed in (0, 1, 2)),
    *([*BATCH, "augment=crop_flip", f"batch_size={size}", f"out=batch{size}"] for size in (10, 50)),
]
LAST = "checkpoints/epoch_0002.pt"


GRID = ["x=[-1,1,5]", "y=[-0.5,0.5,3]"]


def network(run: Path, epoch: int = 2) -> tuple[nn.Module, Dataset]:
    config: Any = OmegaConf.to_container(OmegaConf.load(run / "config.yaml"))
    data = load(config["dataset"], torch.device("cpu"))
    model = build(config["architecture"], config["normalization"], data.input_shape, data.classes)
    checkpoint = torch.load(run / "checkpoints" / f"epoch_{epoch:04d}.pt", weights_only=True)
    model.load_state_dict(checkpoint["model"])
    return model, data


def metrics(run: Path) -> list[dict[str, float]]:
    with (run / "metrics.csv").open(newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


def values(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        names = [f"{split}/{name}" for split in ("train", "test") for name in file.get(split, {})]
        return {name: file[name][...] for name in ["x", *(["y"] if "y" in file else []), *names]}


def attributes(path: Path) -> dict[str, Any]:
    with h5py.File(path) as file:
        return dict(file.attrs)


def direction(path: Path, axis: str) -> dict[str, Tensor]:
    with h5py.File(path) as file:
        return {name: torch.from_numpy(values[...]) for name, values in file[f"directions/{axis}"].items()}


def succeed(landscape: Landscape, *words: object) -> str:
    outcome = landscape(*words)
    assert outcome.status == 0, outcome.err
    return outcome.last_line
