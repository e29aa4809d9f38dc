"""A small surface file, and what fills it: without torch, for processes that are killed start with it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from landscape_cli import store
from landscape_cli.arrays import Index

X, Y = np.linspace(-1, 1, 5), np.linspace(0, 3, 4)
HERE = [{"path": "run/epoch_0001.pt", "sha256": "c"}]
NAMES = ["train/loss", "train/accuracy", "test/loss", "test/accuracy"]
WEIGHTS = {"0.weight": np.ones((2, 3), np.float32)}
DIRECTIONS = {"x": WEIGHTS, "y": {name: 0 * array for name, array in WEIGHTS.items()}}


def create(
    path: Path,
    y: np.ndarray | None = Y,
    directions: Mapping[str, Mapping[str, np.ndarray]] | None = None,
) -> Path:
    store.create(
        path,
        x=X,
        y=y,
        names=NAMES,
        arrays={"anchors/train": (2, 7)},
        directions=directions or (DIRECTIONS if y is not None else {"x": WEIGHTS}),
        config={"x": [-1, 1, 5], "samples": None},
        run_config={"loss": "mse"},
        marks=[("here", 0.0, 0.0)],
        attributes={
            "command": "landscape surface",
            "checkpoint": json.dumps(HERE),
            "provenance": "{}",
            "origin_check": "[]",
        },
    )
    return path


def at(index: Index) -> dict[str, float]:
    loss = 100 * X[index[-1]] + (Y[index[0]] if len(index) == 2 else 0.0)
    return {
        f"{split}/{name}": float(value)
        for split, shift in (("train", 0.0), ("test", 0.25))
        for name, value in (("loss", loss + shift), ("accuracy", 0.5))
    }


def fill(writer: store.Writer, evaluate: Callable[[Index], dict[str, float]] = at) -> None:
    for found in np.argwhere(~writer.evaluated):
        index = tuple(int(i) for i in found)
        writer.write_point(index, evaluate(index))
