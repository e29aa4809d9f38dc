"""Mistakes with `plot` and `report`."""

import pytest
from mistakes.workshop import Told, named

MISTAKES = {
    # types and ranges
    "plot file=plane.h5 value=error": "no value 'error'; choose from accuracy, loss",
    "plot file=plane.h5 scale=cubic": "no scale 'cubic'; choose from auto, linear, log",
    "plot file=plane.h5 levels=0": "levels must be at least 2, got 0",
    "plot file=plane.h5 levels=[3,1]": "levels must be increasing got [3, 1]",
    "plot file=plane.h5 value=loss,accuracy": "value must be one value for files, got",
    "plot file=plane.h5 value=lr": "no value 'lr'; choose from accuracy, eigenvalue_ratio",
    "plot file=plane.h5 cmap=virids": "no colour map 'virids'; choose one nearest: viridis",
    "plot file=plane.h5 style=dark_backgroud": "no style 'dark_backgroud' nearest: dark_background",
    "plot file=plane.h5 size=8": "size must be width x height in inches, such as 8x4, got 8",
    "plot file=plane.h5 vmin=3 vmax=1": "vmin must be below vmax=1, got 3",
    "plot file=plane.h5 font=0": "font must be a positive number or null, got 0",
    "plot file=plane.h5 dpi=1": "dpi must be a whole number from 20 to 2400 or null, got 1",
    "plot file=plane.h5 out=a.html style=ggplot": "style= and dpi= are of pictures; let out= end in .png",
    "plot file=plane.h5 kind=merge_tree persistence=0": "persistence must be a positive number got 0",
    "plot file=plane.h5 persistence=0.1": "persistence=0.1 is of kind=merge_tree leave it out",
    "plot file=plane.h5 kind=persistence value=accuracy": "accuracies are high there; say value=loss",
    "plot file=plane.h5 out=a.gif": "which has none; a plane turns with kind=surface3d",
    # runs
    "plot run=a file=plane.h5": "file= has plane.h5 and run= has a draw them in two",
    "plot run=nowhere": "run=nowhere is no run folder",
    "plot run=unbegun": "unbegun/metrics.csv cannot be read",
    "plot run=a value=largest_eigenvalue": "no value 'largest_eigenvalue'; choose from accuracy, gra",
    "plot run=a axis=hours": "no axis 'hours'; choose from epochs, steps",
    "plot run=a seeds=some": "no seeds 'some'; choose from each, mean",
    "plot run=a kind=contour": "kind=contour is of files choose kind=line",
    "plot run=a out=a.gif": "cannot write a.gif: pictures end in .png",
    "plot run=a kind=line out=a.html": "kind=line is a picture .png, .pdf or .svg",
    "report run=[unbegun]": "unbegun",
    "report run=[bad_config]": "bad_config/config.yaml",
    # files to draw
    "plot": "nothing to draw say file= run=",
    "plot file=nowhere.h5": "no file nowhere.h5",
    "plot file=[]": "nothing to draw file=",
    "plot file=null": "file",
    "plot file=thesis": "thesis",
    "plot file=file": "file cannot be read as HDF5",
    "plot file=cut.h5": "cut.h5 cannot be read as HDF5",
    "plot file=foreign.h5": "foreign.h5 is not a surface of landscape",
    "plot file=later.h5": "later.h5 is of version 99",
    "plot file=half.h5": "half.h5",
    "plot file=line.h5 kind=contour": "kind=contour draws planes line.h5 holds a line; choose kind=line",
    "plot file=plane.h5 kind=line": "kind=line draws lines plane.h5 holds a plane; choose kind=contour",
    "plot file=[line.h5,plane.h5]": "line.h5 holds a line and plane.h5 a plane two pictures",
    "plot file=plane.h5 kind=pie": "no kind 'pie'; choose from auto, contour",
    "report": "nothing to report run= file=",
    "report run=[nowhere]": "run=nowhere is no run folder",
}


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 22


@pytest.mark.parametrize("line", MISTAKES, ids=named)
def test_a_mistake_is_told_in_words(told: Told, line: str) -> None:
    told(line, MISTAKES[line])
