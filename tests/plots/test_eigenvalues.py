"""Files of `landscape hessian`: the map of their eigenvalues unless another value is asked for."""

import numpy as np
import pytest
from matplotlib.collections import QuadMesh

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.draw import draw, resolve_kind
from landscape_cli.plots.interactive import interactive_fragment
from landscape_cli.plots.values import chosen, has_eigenvalues

RATIO = "|\N{GREEK SMALL LETTER LAMDA}min / \N{GREEK SMALL LETTER LAMDA}max|"


def cells(figure):
    """Return the array that each flat panel paints."""
    return [
        each.get_array()
        for axes in figure.axes
        if axes.get_subplotspec()
        for each in axes.collections
        if isinstance(each, QuadMesh)
    ]


def test_auto_is_the_eigenvalue_ratio_where_all_files_have_it(curved, plane, line):
    assert chosen([curved()], "auto", "auto") == ("eigenvalue_ratio", "train")
    assert chosen([curved("test"), curved("test")], "auto", "auto") == ("eigenvalue_ratio", "test")
    assert chosen([curved(), plane()], "auto", "auto") == ("loss", "train")
    assert chosen([plane()], "auto", "test") == ("loss", "test")
    assert chosen([curved()], "loss", "auto") == ("loss", "train")
    assert has_eigenvalues(curved(along=True))
    assert not has_eigenvalues(line())


def test_a_map_of_eigenvalues_is_a_heat_map_unless_asked_otherwise(curved):
    surface = curved()
    (painted, *_) = cells(draw([surface]))
    np.testing.assert_allclose(painted, surface.values["train/eigenvalue_ratio"])
    assert resolve_kind([surface], "auto", "loss") == "contour"
    assert not cells(draw([surface], value="loss"))
    (painted, *_) = cells(draw([surface], kind="heatmap", value="loss"))
    np.testing.assert_allclose(painted, surface.values["train/loss"])


def test_a_line_of_eigenvalues_has_one_axis(curved):
    surface = curved("test", along=True)
    figure = draw([surface])
    (left,) = [axes for axes in figure.axes if axes.get_subplotspec()]
    curve = next(each for each in left.lines if each.get_label() == "test/eigenvalue_ratio")
    np.testing.assert_allclose(curve.get_ydata(), surface.values["test/eigenvalue_ratio"])
    assert left.get_ylabel() == f"{RATIO} (loss)"
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [f"{RATIO} (test loss)"]
    assert draw([surface], value="smallest_eigenvalue").axes[0].get_ylim()[0] < 0
    assert draw([surface], value="loss").axes[0].get_ylabel().startswith("loss")


def test_a_line_without_eigenvalues_is_refused_before_it_is_drawn(line):
    with pytest.raises(LandscapeError, match=r"out/line.h5 has no eigenvalue_ratio; choose value=accuracy"):
        draw([line()], value="eigenvalue_ratio")


@pytest.mark.parametrize("along", [False, True])
def test_a_page_begins_with_the_eigenvalues_too(curved, along):
    page = interactive_fragment([curved(along=along)])
    assert ("eigenvalue ratio: linear" if along else f'"label":"{RATIO}"') in page.encode().decode(
        "unicode_escape"
    )


def test_each_eigenvalue_of_a_page_has_a_button(curved):
    page = interactive_fragment([curved()]).encode().decode("unicode_escape")
    for name in ("training loss", "training loss, log", RATIO, "largest Hessian eigenvalue, log"):
        assert f'"label":"{name}"' in page
    assert '"label":"smallest Hessian eigenvalue, log"' not in page
