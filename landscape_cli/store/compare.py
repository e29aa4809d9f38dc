"""Whether a file is the one that the same command would make."""

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from types import MappingProxyType
from typing import Any

from landscape_cli.config import CIRCUMSTANCES, first_difference
from landscape_cli.errors import LandscapeError
from landscape_cli.store.datasets import dataset, parsed
from landscape_cli.store.surface import Surface, opened, read

REFINEMENT = ("tolerance",)  # asks for more points of the same surface
LATER = {"params": "all"}  # keys that came after files had been begun, with what those mean
PATHS = ("run", "from_run", "to_run", "direction.to", "dataset")  # checkpoints and fingerprint identify these


def check_same(
    path: Path,
    config: Mapping[str, Any],
    checkpoints: list[dict[str, str]],
    refinement: tuple[str, ...] = REFINEMENT,
    arrays: Mapping[str, tuple[int, ...]] = MappingProxyType({}),
) -> None:
    """Refuse to go on with a file that was begun with another configuration or other checkpoints.

    Runs are compared by the SHA-256 of their checkpoints, not by how their paths were written.

    Args:
        path: the file.
        config: what is asked for now.
        checkpoints: path and SHA-256 of those that are asked for now.
        refinement: keys that may differ.
        arrays: the datasets that are to be filled in, with their shapes.

    Raises:
        LandscapeError: naming the first difference, or what the file lacks.
    """
    surface = read(path)
    saved = {**{key: value for key, value in LATER.items() if key in config}, **surface.config}
    difference = first_difference(saved, config, ignore=(*CIRCUMSTANCES, *PATHS, *refinement))
    begun_with = _checkpoints(surface)
    for before, now in zip_longest(
        begun_with, checkpoints, fillvalue={"sha256": "", "path": "no checkpoint"}
    ):
        if difference is None and before["sha256"] != now["sha256"]:
            difference = f"{now['path']} is not, or no longer, the {before['path']} of then"
    if difference:
        raise LandscapeError(
            f"{path} was begun with another configuration ({difference}); choose another out= or delete it"
        )
    with opened(path) as file:
        for name, shape in arrays.items():
            found = dataset(file, name)
            if (found.shape, found.dtype.str) != (shape, "<f8") or found.id.get_offset() is None:
                raise ValueError(f"{name} is no array of {shape} that can be filled in place")


def first_batch(surface: Surface) -> dict[str, tuple[int, float]]:
    """Return the size of the first batch of each split, and its loss at the origin, as a file has it.

    Raises:
        LandscapeError: the file does not have it.
    """
    try:
        found = parsed(surface.attributes, "first_batch")
        return {split: (int(found[split][0]), float(found[split][1])) for split in found}
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise _damaged(surface, error) from error


def _checkpoints(surface: Surface) -> list[dict[str, str]]:
    """Return path and SHA-256 of the checkpoints that a file was begun with."""
    try:
        return [
            {key: str(found[key]) for key in ("path", "sha256")}
            for found in parsed(surface.attributes, "checkpoint")
        ]
    except (ValueError, TypeError, LookupError) as error:
        raise _damaged(surface, error) from error


def _damaged(surface: Surface, error: Exception) -> LandscapeError:
    return LandscapeError(
        f"{surface.path} does not say what it was begun with ({error}); choose another out= or delete it"
    )
