"""Surface files of Goldstein's tools (github.com/tomgoldstein/loss-landscape), read and written.

Their points are counted along ``meshgrid(x, y)``, of shape (ny, nx), but their arrays are declared (nx, ny):
the k-th value of the raveled array lies at x[k % nx], y[k // nx]. Accuracies are in percent; what is not
computed yet is -1, of `min_eig` 1. Their eigenvalues are those of the sum of the batches' mean losses: the
number of batches times those of the mean loss. Never imports torch.
"""

import io
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import PurePosixPath
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array
from landscape_cli.errors import LandscapeError

NAMES = {
    "train_loss": "train/loss",
    "train_acc": "train/accuracy",
    "test_loss": "test/loss",
    "test_acc": "test/accuracy",
    "max_eig": "train/largest_eigenvalue",
    "min_eig": "train/smallest_eigenvalue",
}
"""Their names of values -> those of ours."""

TOGETHER = (("train_loss", "train_acc"), ("test_loss", "test_acc"), ("max_eig", "min_eig"))
EIGENVALUES = "eigenvalues_of"
"""An attribute that theirs have not: what the eigenvalues are those of, if not of the sum over batches."""

NOT_COMPUTED = {name: 1.0 if name == "min_eig" else -1.0 for name in NAMES}


def recognizes(file: h5py.File) -> bool:
    """Whether this is a surface file of theirs."""
    return "xcoordinates" in file and any(name in file for name in NAMES)


def content(file: h5py.File) -> dict[str, Any]:
    """Return the fields of a `store.Surface` but its path, arrays as [y, x].

    A loss or an eigenvalue that is not a number was computed, and becomes +inf. What the name of their file
    of directions tells of the run becomes its configuration.

    Raises:
        LandscapeError: an array is none of numbers, or there are not as many values as points.
    """
    x = _numbers(file, "xcoordinates").ravel()
    y = _numbers(file, "ycoordinates").ravel() if "ycoordinates" in file else None
    shape = (len(x),) if y is None else (len(y), len(x))
    theirs = {name: _numbers(file, name) for name in NAMES if name in file}
    for name, array in theirs.items():
        if array.size != math.prod(shape):
            points = " x ".join(map(str, shape[::-1]))
            raise LandscapeError(
                f"{file.filename}: {name} has {array.size} values for {points} points; choose another file"
            )
    values: dict[str, Array] = {}
    for group in TOGETHER:
        there = [name for name in group if name in theirs]
        missing = np.all([theirs[name] == NOT_COMPUTED[name] for name in there], axis=0)
        for name in there:
            array = theirs[name] / 100 if name.endswith("acc") else _or_inf(theirs[name])
            values[NAMES[name]] = np.where(missing, np.nan, array).reshape(shape)
    told = file["dir_file"][()] if isinstance(file.get("dir_file"), h5py.Dataset) else b""
    named = told.decode(errors="replace") if isinstance(told, bytes) else str(told)
    fields = _as_named(named or file.filename)  # theirs are named after the directions
    if {"max_eig", "min_eig"} <= theirs.keys():
        largest, smallest = (values[NAMES[name]] for name in ("max_eig", "min_eig"))
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(smallest == 0, 0.0, np.abs(smallest / largest))
        values["train/eigenvalue_ratio"] = np.where(np.isnan(largest), np.nan, _or_inf(ratio))
        if EIGENVALUES not in file.attrs:
            fields["config"][EIGENVALUES] = "sum over batches"
    return {
        **{"x": x, "y": y, "values": values, **fields},
        "evaluated": np.any(
            [~np.isnan(array) for array in values.values()], axis=0
        ),  # nothing is interpolated
        "interpolation_error": np.full(shape, np.nan),
        "attributes": {"format": "loss-landscape", "checkpoint": "[]"},
    }


def surface_file(x: Array, y: Array | None, values: Mapping[str, Array], source: str) -> bytes:
    """Return the content of a surface file as they read it.

    Args:
        x: coordinates, of shape (nx,).
        y: coordinates, of shape (ny,); None for a line.
        values: by our names, [y, x]; those that they have no name for are left out.
        source: in place of the path of a file of directions.
    """
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file["dir_file"], file["xcoordinates"] = source, x
        if y is not None:
            file["ycoordinates"] = y
        for name, ours in NAMES.items():
            if ours in values:
                array = values[ours] * (100 if name.endswith("acc") else 1)
                known = np.where(np.isnan(array), NOT_COMPUTED[name], array)
                file[name] = known if y is None else known.reshape(len(x), len(y))
        if "max_eig" in file:
            file.attrs[EIGENVALUES] = "mean loss"
    return made.getvalue()


def _or_inf(array: Array) -> Array:
    return np.where(np.isfinite(array), array, np.inf)


def _numbers(file: h5py.File, name: str) -> Array:
    item = file[name]
    if not isinstance(item, h5py.Dataset) or item.dtype.kind not in "fiu":
        raise LandscapeError(f"{file.filename}: {name} is no array of numbers; choose another file")
    return np.asarray(item, np.float64)


def _as_named(directions: str) -> dict[str, Any]:
    """Return the configuration and the marks of a surface as the path of its directions tells them.

    Theirs are ``<net>_sgd_lr=0.1_bs=128_wd=0.0005…/model_300.t7_weights_xignore=biasbn_xnorm=filter….h5``; of
    any other, its name is the title.
    """
    path = PurePosixPath(directions)
    config: dict[str, Any] = {}
    run_config: dict[str, Any] = {"architecture": {"name": path.stem}} if path.stem else {}
    of_model = re.match(r"(?P<name>.+?)(\.\w+)?_(weights|states)(?=[_.]|$)", path.name)
    if of_model is None:
        return {"config": config, "run_config": run_config, "marks": []}
    epoch, norm = re.fullmatch(r"model_(\d+)", of_model["name"]), re.search(r"_xnorm=([a-z]+)", path.name)
    if epoch:
        config["epoch"] = int(epoch[1])
    if norm:
        ignore = "biasbn" if "_xignore=biasbn" in path.name else "none"
        config["direction"] = {"name": "random", "norm": norm[1], "ignore": ignore}
    trained = re.match(r"(?P<name>.+?)_(?P<optimizer>sgd|adam)_(?=lr=)", path.parent.name)
    run_config = {
        "architecture": {"name": trained["name"] if trained else path.parent.name or of_model["name"]}
    }
    if trained:
        keys = {key: _number(value) for key, value in re.findall(r"(?<=_)([a-z]+)=([^_]+)", path.parent.name)}
        run_config |= {
            "optimizer": {"name": trained["optimizer"], "lr": keys.get("lr"), "weight_decay": keys.get("wd")},
            "batch_size": keys.get("bs"),
            **({} if "loss" in keys else {"loss": "cross_entropy"}),  # their other one is of the softmax
        }
    return {"config": config, "run_config": run_config, "marks": [(of_model["name"], 0.0, 0.0)]}


def _number(text: str) -> int | float | None:
    for kind in (int, float):
        with suppress(ValueError):
            return kind(text)
    return None
