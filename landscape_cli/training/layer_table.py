"""The table layers.csv of a run folder, as it is written."""

import csv
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from landscape_cli.errors import LandscapeError
from landscape_cli.files import naming, read_bytes, write_text
from landscape_cli.runs import LARGEST_LAYERS, LAYERS, Measurement, parse_layers


def append(path: Path, epoch: int, step: int, rows: Sequence[Measurement]) -> None:
    """Add the rows of an epoch and flush them to the disk; before the first one there is a head."""
    with naming(path), path.open("w" if epoch == 0 else "a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        if epoch == 0:
            writer.writerow(LAYERS)
        writer.writerows((epoch, step, *row) for row in rows)
        file.flush()
        os.fsync(file.fileno())


def cut(path: Path, epochs: Iterable[float]) -> None:
    """Leave the rows of these epochs alone, the first ones.

    Raises:
        LandscapeError: an epoch has none.
    """
    wanted = {int(epoch) for epoch in epochs}
    try:
        text = read_bytes(path, LARGEST_LAYERS).decode()
        rows = [row for row in parse_layers(text) if row["epoch"] in wanted]
    except ValueError:
        rows = []
    if {row["epoch"] for row in rows} != wanted:
        raise LandscapeError(
            f"{path} lacks rows of epochs that metrics.csv has; copy the run again or choose another out="
        )
    write_text(path, "".join(text.splitlines(keepends=True)[: len(rows) + 1]))
