"""How a picture looks where it is not one of a paper: sizes, fonts, colours, limits, styles."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.text import Text

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.draw import draw, save
from landscape_cli.plots.interactive import interactive_fragment
from landscape_cli.plots.options import Look

KINDS = ("contour", "heatmap", "surface3d")


def rising(x, y):
    return 10 ** (2 * x)


def mappable(figure):
    """Return what the colour bar belongs to."""
    return next(each for axes in figure.axes for each in axes.collections if each.colorbar is not None)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "8"}, "size must be width x height in inches, such as 8x4, got '8'"),
        ({"size": "0.5x4"}, "size must be from 1 to 100 inches, got '0.5x4'"),
        ({"font": 0.0}, "font must be a positive number or null, got 0.0"),
        ({"dpi": 5}, "dpi must be a whole number from 20 to 2400 or null, got 5"),
        ({"vmin": float("nan")}, "vmin must be a finite number or null, got nan"),
        ({"vmin": 3.0, "vmax": 1.0}, "vmin must be below vmax=1, got 3.0"),
    ],
)
def test_what_is_out_of_range_is_refused(options, message):
    with pytest.raises(LandscapeError) as told:
        Look(**options)
    assert str(told.value) == message


@pytest.mark.parametrize(
    ("look", "message"),
    [
        (Look(cmap="virids"), r"no colour map 'virids'; .* \(nearest: viridis\)"),
        (Look(style="dark_backgroud"), r"no style 'dark_backgroud', .* \(nearest: dark_background\)"),
        (Look(vmin=-1.0), r"vmin on a logarithmic scale must be positive, got -1; choose scale=linear"),
        (
            Look(vmin=1e5),
            r"vmin=100000.0 and vmax=None leave nothing to draw: the values go from 0.01 to 100",
        ),
    ],
)
def test_what_does_not_fit_is_refused(plane, look, message):
    with pytest.raises(LandscapeError, match=message):
        draw([plane(rising)], look=look)


def test_a_size_is_a_word_or_two_numbers():
    assert Look(size="8x4.5").inches == Look(size=(8, 4.5)).inches == Look(size=[8, 4.5]).inches == (8, 4.5)
    assert Look().inches is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_has_the_size_and_the_font_that_were_asked_for(tmp_path, plane, kind):
    look = Look(size="8x4", font=12.0, dpi=50)
    figure = draw([plane(rising, name=name) for name in "ab"], kind=kind, look=look)
    assert figure.get_size_inches().tolist() == [8, 4]
    figure.draw_without_rendering()
    shown = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
    assert {text.get_fontsize() for text in shown} <= {12.0, 10.5}
    save(figure, tmp_path / "a.png", look)
    head = (tmp_path / "a.png").read_bytes()[16:24]
    assert (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big")) == (400, 200)


def test_a_line_has_the_size_the_font_and_the_limits_too(line):
    figure = draw([line()], look=Look(size="6x3", font=16.0, vmin=0.5, vmax=3.0))
    assert figure.get_size_inches().tolist() == [6, 3]
    assert figure.axes[0].yaxis.label.get_fontsize() == 16
    assert figure.axes[0].get_ylim() == (0.5, 3)


@pytest.mark.parametrize("kind", KINDS)
def test_limits_are_those_of_the_colours(plane, kind):
    figure = draw([plane(rising)], kind=kind, look=Look(vmin=0.1, vmax=50.0))
    assert mappable(figure).get_clim() == pytest.approx((-1, np.log10(50)))
    figure = draw([plane(rising)], kind=kind, scale="linear", look=Look(vmax=50.0))
    assert mappable(figure).get_clim()[1] == pytest.approx(50)


def test_limits_cut_a_landscape_above_and_are_its_floor_below(plane):
    surface = plane(rising, marks=(("low", -1.0, 0.5),))
    figure = draw([surface], kind="surface3d", look=Look(vmin=0.1, vmax=50.0))
    space = figure.axes[0]
    assert space.get_zlim() == pytest.approx((-1, np.log10(50)))
    facets = next(each for each in space.collections if each.get_array() is not None).get_array()
    assert facets.min() == pytest.approx(-1)
    assert facets.max() <= np.log10(50)
    (mark,) = [each for each in space.lines if each.get_marker() == "o"]
    assert mark.get_data_3d()[2][0] == pytest.approx(-1)


def test_a_colour_map_is_that_of_matplotlib(plane):
    figure = draw([plane(rising)], kind="heatmap", look=Look(cmap="magma"))
    assert mappable(figure).get_cmap() == matplotlib.colormaps["magma"]
    light = mappable(draw([plane(rising)], kind="contour", look=Look(cmap="magma"))).get_cmap()
    np.testing.assert_allclose(
        light(0.3), 0.5 * np.array(matplotlib.colormaps["magma"](0.3)) + 0.5, atol=0.02
    )


def test_a_style_decides_what_the_pictures_do_not_need(tmp_path, plane):
    dark = draw([plane()], look=Look(style="dark_background"))
    assert to_hex(dark.get_facecolor()) == "#000000"
    assert to_hex(dark.axes[0].title.get_color()) == "#ffffff"
    mine = tmp_path / "mine.mplstyle"
    mine.write_text("axes.titlesize: 20\naxes.grid: True\ntext.usetex: True\n")
    figure = draw([plane()], look=Look(style=str(mine)))
    assert figure.axes[0].title.get_fontsize() == 20
    assert not figure.axes[0].title.get_usetex()
    figure = draw([plane()], look=Look(style=str(mine), font=10.0))
    assert figure.axes[0].title.get_fontsize() == 10


def test_a_page_has_the_colours_the_limits_and_the_size(plane):
    look = Look(cmap="magma", vmin=0.1, vmax=50.0, size="8x4", font=12.0)
    page = interactive_fragment([plane(rising)], scale="log", look=look)
    assert to_hex(matplotlib.colormaps["magma"](0)) in page
    assert '"cmin":-1.0' in page
    assert '"width":768' in page
    assert '"height":384' in page
    assert '"size":16' in page
    for unfit in (Look(style="ggplot"), Look(dpi=100)):
        with pytest.raises(LandscapeError, match=r"style= and dpi= are of pictures; let out= end in \.png"):
            interactive_fragment([plane()], look=unfit)
