"""Mistakes with where a result is to go."""

from pathlib import Path

import pytest
from mistakes.workshop import TINY, Told, named

from conftest import Landscape

RUN = "run=a x=[-1,1,3] y=[-1,1,3]"
MISTAKES = {
    f"train {TINY} out=file": "file exists and is no run folder; choose another out=",
    f"train {TINY} out=thesis": "thesis exists and is no run folder; choose another out=",
    f"train {TINY} out=file/run": "file out=",
    f"train {TINY} out=file/deep/run": "file out=",
    f"train {TINY} outputs_dir=file": "file",
    f"train {TINY} optimizer.lr=0.2 out=a": "another configuration optimizer.lr: saved 0.1, asked for 0.2",
    f"surface {RUN} out=file/s.h5": "file out=",
    f"surface {RUN} out=file": "file cannot be read as HDF5",
    f"surface {RUN} out=thesis": "thesis out=",
    f"surface {RUN} out=line.h5": "line.h5 was begun with another configuration y: saved None out=",
    f"surface {RUN} out=cut.h5": "cut.h5 cannot be read as HDF5",
    "plot file=plane.h5 out=file/p.png": "file out=",
    "plot file=plane.h5 out=p.jpg": "cannot write p.jpg .png, .pdf, .svg .html",
    "plot file=plane.h5 out=p": "cannot write p .png, .pdf, .svg .html",
    "plot file=plane.h5 kind=interactive out=p.png": "kind=interactive .html",
    "plot file=plane.h5 kind=contour out=p.html": "kind=contour .png",
    "report run=[a] out=r.png": "r.png .html",
    "report run=[a] out=file/r.html": "file out=",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 18


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])


def test_a_folder_that_is_here_cannot_be_written_over(landscape: Landscape, tmp_path: Path) -> None:
    """The working directory itself, empty: nothing can be put beside it."""
    outcome = landscape("train", *TINY.split(), "out=.")
    assert outcome.status in (0, 1)
    assert (outcome.status == 0) == (tmp_path / "config.yaml").is_file()
    assert outcome.status == 0 or "out=" in outcome.err
