"""Whether a file is the one that the same command would make."""

import json
from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path
from typing import Any

from landscape_cli.config import CIRCUMSTANCES, first_difference
from landscape_cli.errors import LandscapeError
from landscape_cli.store.surface import read

REFINEMENT = ("tolerance",)  # asks for more points of the same surface
LATER = {"params": "all"}  # keys that came after files had been begun, with what those mean
PATHS = ("run", "from_run", "to_run", "direction.to", "dataset")  # checkpoints and fingerprint identify these


def check_same(
    path: Path,
    config: Mapping[str, Any],
    checkpoints: list[dict[str, str]],
    refinement: tuple[str, ...] = REFINEMENT,
) -> None:
    """Refuse to go on with a file that was begun with another configuration or other checkpoints.

    Runs are compared by the SHA-256 of their checkpoints, not by how their paths were written; keys of
    `refinement` may differ.

    Raises:
        LandscapeError: naming the first difference.
    """
    surface = read(path)
    saved = {**LATER, **surface.config}
    difference = first_difference(saved, config, ignore=(*CIRCUMSTANCES, *PATHS, *refinement))
    begun_with = json.loads(surface.attributes["checkpoint"])
    for before, now in zip_longest(
        begun_with, checkpoints, fillvalue={"sha256": "", "path": "no checkpoint"}
    ):
        if difference is None and before["sha256"] != now["sha256"]:
            difference = f"{now['path']} is not, or no longer, the {before['path']} of then"
    if difference:
        raise LandscapeError(
            f"{path} was begun with another configuration ({difference}); choose another out= or delete it"
        )
