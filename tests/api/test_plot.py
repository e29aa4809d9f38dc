"""Pictures of what notebooks compute."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from api.models import EACH, NUMBERS, mlp
from matplotlib.figure import Figure

from conftest import Landscape
from landscape_cli import interpolate, line, plot, read, surface
from landscape_cli.errors import LandscapeError


def test_pictures(tmp_path: Path, landscape: Landscape) -> None:
    options: dict[str, Any] = {"x": (np.float64(-1), np.float64(1), np.int64(5))}
    plane = surface(mlp(), EACH, NUMBERS, out=tmp_path / "new" / "plane.h5", y=(-1, 1, 4), **options)
    first = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", **options)
    both = interpolate(mlp(), mlp(1), EACH, NUMBERS, out=str(tmp_path / "i.h5"), alpha=(0, 1, 5))
    assert isinstance(plot(plane), Figure)
    assert isinstance(plot([first, both], tmp_path / "lines.svg", scale="log"), Figure)
    assert isinstance(plot(plane, str(tmp_path / "plane.png"), kind="heatmap", value="accuracy"), Figure)
    assert isinstance(plot(plane, tmp_path / "plane.html"), Figure)
    assert (tmp_path / "plane.png").read_bytes().startswith(b"\x89PNG")
    assert all((tmp_path / name).stat().st_size > 1000 for name in ("lines.svg", "plane.html"))
    assert read(str(tmp_path / "new" / "plane.h5")).values["train/loss"].shape == (4, 5)
    with pytest.raises(LandscapeError, match=r"out= with the ending \.html"):
        plot(plane, kind="interactive")
    outcome = landscape("plot", f"file={tmp_path / 'i.h5'}", "out=i.png")
    assert outcome.status == 0, outcome.err


def test_notebooks_show_pictures_and_a_line_of_a_surface(tmp_path: Path) -> None:
    found = line(mlp(), EACH, NUMBERS, out=tmp_path / "line.h5", x=(-1, 1, 3))
    assert plot(found)._repr_png_().startswith(b"\x89PNG")
    assert re.fullmatch(r"<surface .*line.h5: 3, 3 of 3 points evaluated, .*train/loss.*>", repr(found))
