"""Datasets and attributes of an HDF5 file that may be a stranger's: of the expected form, or refused.

What is refused is a `ValueError`, which `surface.opened` says of the file.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np

from landscape_cli.arrays import Array

LARGEST = 1 << 25  # entries of an array: a plane of 5,800 x 5,800 points


def dataset(group: h5py.Group, name: str) -> h5py.Dataset:
    """Return a dataset that holds its content itself, not a link to that of another file.

    Raises:
        ValueError: there is none, or another thing of that name.
    """
    place = group
    *folders, leaf = name.split("/")
    for folder in folders:
        place = subgroup(place, folder)
    found = _own(place, leaf)
    if not isinstance(found, h5py.Dataset):
        raise ValueError(f"{name} is no dataset")
    if found.external or found.is_virtual:
        raise ValueError(f"what {name} holds is in another file")
    if math.prod(found.shape or ()) > LARGEST:
        raise ValueError(f"{name} has more than {LARGEST:,} entries")
    return found


def subgroup(group: h5py.Group, name: str) -> h5py.Group:
    """Return a group in a group.

    Raises:
        ValueError: there is none, or another thing of that name.
    """
    found = _own(group, name)
    if not isinstance(found, h5py.Group):
        raise ValueError(f"{name} is no group")
    return found


def coordinates(group: h5py.Group, name: str) -> Array:
    """Return the coordinates along an axis.

    Raises:
        ValueError: they are none, not finite or not increasing.
    """
    found = numbers(group, name, (None,))
    if not len(found) or not np.isfinite(found).all() or (np.diff(found) <= 0).any():
        raise ValueError(f"{name} must be finite and increasing coordinates")
    return found


def numbers(group: h5py.Group, name: str, shape: tuple[int | None, ...]) -> Array:
    """Return a dataset of numbers as float64.

    Args:
        group: the file, or a group in it.
        name: of the dataset.
        shape: what its shape must be; None: of any length along that axis.

    Raises:
        ValueError: it is missing, of another type or of another shape.
    """
    found = dataset(group, name)
    same = found.shape is not None and len(found.shape) == len(shape)
    if not same or any(wanted not in (None, got) for got, wanted in zip(found.shape, shape, strict=True)):
        wanted = tuple("any" if length is None else length for length in shape)
        raise ValueError(f"{name} is of shape {found.shape}, expected {wanted}".replace("'any'", "n"))
    if found.dtype.kind not in "fiu":
        raise ValueError(f"{name} is of type {found.dtype}, expected numbers")
    return np.asarray(found[()], dtype=np.float64)


def text(attributes: Mapping[str, Any], name: str) -> str:
    """Return an attribute that is a text.

    Raises:
        ValueError: it is missing, or something else.
    """
    found = attributes.get(name)
    if not isinstance(found, str):
        raise ValueError(f"its attribute {name} is {'missing' if found is None else 'no text'}")
    return found


def parsed(attributes: Mapping[str, Any], name: str) -> Any:
    """Return what an attribute in JSON says.

    Raises:
        ValueError: it is missing, or no JSON.
    """
    try:
        return json.loads(text(attributes, name))
    except RecursionError as error:
        raise ValueError(f"its attribute {name} is no JSON of ours") from error


def _own(group: h5py.Group, name: str) -> Any:
    """Return what lies under a name in the group itself; None: nothing."""
    if name not in group or not isinstance(group.get(name, getlink=True), h5py.HardLink):
        return None
    return group[name]
