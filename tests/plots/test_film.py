"""Planes one after the other: on the same levels and limits, as many frames as files."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.film import animate, frames, save_film
from landscape_cli.plots.options import Look
from landscape_cli.store import Surface
from made_lab import made_surface

PLACES = np.linspace(-1, 1, 7)


def plane(height: float) -> Surface:
    return made_surface({"train/loss": lambda x, y: height * (0.1 + x**2 + y**2)}, PLACES, PLACES)


def limits(figure: Figure) -> tuple[float, float]:
    (bar,) = (axes for axes in figure.axes if axes.get_label() == "<colorbar>")
    return bar.get_ylim()


@pytest.mark.parametrize("kind", ["contour", "heatmap"])
def test_every_frame_has_the_levels_of_all(kind: str) -> None:
    found = frames([plane(1.0), plane(300.0)], kind=kind, titles=["step 0", "step 9"])
    assert [figure.axes[0].get_title() for figure in found] == ["step 0", "step 9"]
    assert limits(found[0]) == limits(found[1])
    assert limits(found[0]) != limits(frames([plane(1.0)], kind=kind)[0])


def test_the_animation_has_a_frame_a_picture_and_holds_the_last(tmp_path: Path) -> None:
    pictures = frames([plane(1.0), plane(4.0), plane(16.0)], kind="contour")
    save_film(pictures, tmp_path / "film.gif", Look(dpi=40))
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
        width, height = pictures[0].get_size_inches()
        assert film.size == (int(40 * width), int(40 * height))
        shown, lasts = [], []
        for number in range(3):
            film.seek(number)
            shown.append(np.asarray(film.convert("RGB")).astype(int))
            lasts.append(film.info["duration"])
    assert np.abs(shown[0] - shown[2]).max() > 50
    assert lasts[0] == lasts[1] < lasts[2]


def test_several_planes_are_a_film_and_one_of_them_turns(tmp_path: Path) -> None:
    look = Look(dpi=30)
    animate([plane(1.0), plane(4.0)], tmp_path / "film.gif", look=look)
    with Image.open(tmp_path / "film.gif") as film:
        assert film.n_frames == 2  # type: ignore[attr-defined]
    with pytest.raises(LandscapeError, match="which has none; a plane turns with kind=surface3d"):
        animate([plane(1.0)], tmp_path / "one.gif", look=look)


def test_lines_are_no_film() -> None:
    line = made_surface({"train/loss": lambda x: x**2}, PLACES)
    with pytest.raises(LandscapeError, match="kind=line is no film; planes follow each other with contour"):
        frames([line, line])
