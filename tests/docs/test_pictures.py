"""The pictures that are shown."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

DOCS = Path(__file__).parents[2] / "docs"
PICTURES = [*sorted((DOCS / "gallery").glob("*.png")), *sorted((DOCS / "pictures").glob("*.png"))]


@pytest.mark.parametrize("picture", PICTURES, ids=lambda path: path.stem)
def test_nothing_is_cut_off(picture: Path) -> None:
    """What goes on beyond an edge is dark in its outermost row or column."""
    pixels = imread(picture)[..., :3]
    for edge in (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]):
        assert edge.min() > 0.6


def test_there_are_pictures_and_a_cut_one_would_be_seen() -> None:
    assert len(PICTURES) > 100
    whole = imread(PICTURES[0])[..., :3]
    cut = whole[:, np.flatnonzero(whole.min(axis=(0, 2)) < 0.6)[0] :]
    assert cut[:, 0].min() < 0.6
