"""Surfaces to draw, with values that show where each number belongs."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from landscape_cli.store import Surface

RUN = {
    "dataset": {"name": "cifar10", "train_size": None},
    "architecture": {"name": "resnet20", "skip": True, "normalization": "batch"},
    "normalization": {"name": "batch"},
    "optimizer": {"name": "sgd", "lr": 0.1, "weight_decay": 5e-4},
    "batch_size": 128,
    "epochs": 100,
    "seed": 0,
    "loss": "cross_entropy",
}
RANDOM = {"epoch": "last", "direction": {"name": "random", "norm": "filter", "ignore": "biasbn", "seed": 0}}


def stored(
    name: str,
    x: Any,
    y: Any,
    values: dict[str, Any],
    *,
    every: int = 1,
    error: float = 0.012,
    stderr: float = 0.0,
    accuracy: bool = True,
    **told: Any,
) -> Surface:
    """A surface as if read from a file: on each axis, each `every`-th point is evaluated.

    Args:
        name: of the file.
        x: coordinates.
        y: coordinates, or None.
        values: by dataset.
        every: 1 for all points; the others are as if interpolated.
        error: the estimated error of log-loss at those.
        stderr: the standard error of each loss, relative to it; 0: no estimate from a subset.
        accuracy: whether there are accuracies; a regression has none.
        told: further fields.
    """
    loss = values["train/loss"]
    evaluated = np.zeros(loss.shape, dtype=bool)
    evaluated[(slice(None, None, every),) * loss.ndim] = True
    if stderr:
        values |= {f"{key}_stderr": stderr * values[key] for key in ("train/loss", "test/loss")}
    if not accuracy:
        values = {key: array for key, array in values.items() if not key.endswith("accuracy")}
    return Surface(
        path=Path(f"out/{name}.h5"),
        x=x,
        y=y,
        values=values,
        evaluated=evaluated,
        interpolation_error=np.where(evaluated, np.nan, error),
        attributes={},
        **told,
    )


@pytest.fixture(scope="session")
def run_config() -> Callable[..., dict[str, Any]]:
    def make(**changes: Any) -> dict[str, Any]:
        """Return a run's configuration; ``optimizer__lr=1`` changes a key in a group."""
        config: dict[str, Any] = {key: dict(v) if isinstance(v, dict) else v for key, v in RUN.items()}
        for key, value in changes.items():
            group, _, inner = key.partition("__")
            if inner:
                config[group][inner] = value
            else:
                config[key] = value
        return config

    return make


@pytest.fixture(scope="session")
def plane() -> Callable[..., Surface]:
    def make(
        function: Callable[[Any, Any], Any] = lambda x, y: 2 + x + 10 * y,
        *,
        name: str = "plane",
        x: tuple[float, float, int] = (-1, 1, 9),
        y: tuple[float, float, int] = (0, 1, 5),
        run_config: dict[str, Any] = RUN,
        config: dict[str, Any] = RANDOM,
        marks: tuple[tuple[str, float, float], ...] = (("epoch 100", 0.0, 0.5),),
        **told: Any,
    ) -> Surface:
        """Return a plane of more columns than rows, whose training loss is `function`; `told`: `stored`."""
        xs, ys = np.linspace(*x), np.linspace(*y)
        loss = np.asarray(function(*np.meshgrid(xs, ys)), dtype=float)
        accuracy = np.full(loss.shape, 0.25)
        accuracy[0, -1] = 0.75
        values = {"train/loss": loss, "test/loss": loss + 1}
        values |= {"train/accuracy": accuracy, "test/accuracy": accuracy / 2}
        told |= {"config": config, "run_config": run_config, "marks": list(marks)}
        return stored(name, xs, ys, values, **told)

    return make


@pytest.fixture(scope="session")
def curved(plane: Callable[..., Surface], line: Callable[..., Surface]) -> Callable[..., Surface]:
    def make(split: str = "train", *, along: bool = False, **told: Any) -> Surface:
        """Return a file of `landscape hessian` over a plane, or `along` a line; `told`: as for `plane`."""
        given = {"config": RANDOM, **told}
        surface = line(**given) if along else plane(**given)
        loss = surface.values["train/loss"]
        largest, smallest = 10 * loss, -loss * np.linspace(0.1, 4, loss.shape[-1])
        ends = {"largest_eigenvalue": largest, "smallest_eigenvalue": smallest}
        ends |= {"eigenvalue_ratio": np.abs(smallest / largest), "residual": 0.001 * loss}
        values = {f"{split}/{name}": array for name, array in {"loss": loss, **ends}.items()}
        return dataclasses.replace(surface, values=values)

    return make


@pytest.fixture(scope="session")
def line() -> Callable[..., Surface]:
    def make(
        loss: Any = None,
        *,
        name: str = "line",
        ends: tuple[float, float] = (-0.5, 1.5),
        config: dict[str, Any] | None = None,
        run_config: dict[str, Any] = RUN,
        marks: tuple[tuple[str, float, float], ...] = (("batch 128", 0.0, 0.0), ("batch 8192", 1.0, 0.0)),
        **told: Any,
    ) -> Surface:
        """Return an interpolation, or with `config` another line, of that training loss; `told`: `stored`."""
        loss = np.linspace(1.0, 2.0, 21) if loss is None else np.asarray(loss, dtype=float)
        x = np.linspace(*ends, len(loss))
        values = {"train/loss": loss, "test/loss": loss + 0.5}
        values |= {"train/accuracy": np.full(len(x), 0.75), "test/accuracy": np.full(len(x), 0.5)}
        config = {"alpha": [*ends, len(x)]} if config is None else config
        told |= {"config": config, "run_config": run_config, "marks": list(marks)}
        return stored(name, x, None, values, **told)

    return make
