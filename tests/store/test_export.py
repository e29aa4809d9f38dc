"""Exported tables read back to the stored numbers, to the bit."""

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest
from store.made import create

from landscape_cli import store
from landscape_cli.schemas import files
from landscape_cli.store.export import FORMATS, as_csv

AWKWARD = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, math.inf, -0.0]


@pytest.mark.parametrize("line", [False, True])
def test_every_number_of_every_point(tmp_path: Path, line: bool) -> None:
    path = create(tmp_path / "s.h5", y=None) if line else create(tmp_path / "s.h5")
    empty = store.read(path)
    points = list(np.ndindex(empty.evaluated.shape))[:-2]  # the last two are not evaluated yet
    with store.writing(path) as writer:
        for number, index in enumerate(points):
            values = {name: AWKWARD[(number + k) % 6] for k, name in enumerate(empty.values)}
            writer.write_point(index, values)
    surface = store.read(path)
    rows = list(csv.DictReader(io.StringIO(as_csv(surface))))
    axes = ["x"] if line else ["x", "y"]
    assert list(rows[0]) == [*axes, "evaluated", *surface.values]
    assert len(rows) == surface.evaluated.size
    for row, index in zip(rows, np.ndindex(surface.evaluated.shape), strict=True):
        assert float(row["x"]) == surface.x[index[-1]]
        assert line or float(row["y"]) == surface.y[index[0]]  # type: ignore[index]
        assert row["evaluated"] == str(int(surface.evaluated[index]))
        for name, values in surface.values.items():
            if math.isnan(values[index]):
                assert row[name] == ""
            else:
                assert np.float64(row[name]).tobytes() == values[index].tobytes()
    assert sum(row["train/loss"] == "" for row in rows) == 2


def test_the_command_offers_every_format() -> None:
    assert tuple(FORMATS) == files.FORMATS
