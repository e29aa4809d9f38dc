import dataclasses

import matplotlib
import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import Normalize, to_rgba
from matplotlib.figure import Figure

from landscape_cli.plots.draw import draw
from landscape_cli.plots.interpolated import dot_evaluated, hover_words, interpolated, note
from landscape_cli.plots.style import INK


def dots_of(axes):
    """Return the dots of a flat panel, (n, 2) in data coordinates, or None if it has no such collection."""
    found = [each for each in axes.collections if isinstance(each, PathCollection)]
    return np.asarray(found[0].get_offsets()) if found else None


def words_below(figure):
    """Return the note on top of the legend, on one line."""
    (legend,) = figure.legends
    return legend.get_title().get_text().replace("\n", " ")


def test_what_has_a_value_and_is_not_evaluated_is_interpolated(line):
    surface = line([1.0, 2.0, np.nan, np.inf, 3.0])
    for values in surface.values.values():
        values[2] = np.nan
    surface = dataclasses.replace(surface, evaluated=np.array([True, False, False, True, False]))
    np.testing.assert_array_equal(interpolated(surface), [False, True, False, False, True])


def test_the_note_tells_the_share_and_the_largest_error(plane, line):
    assert note([plane(every=2, error=0.0182)]) == (
        "33 % of the points evaluated, others interpolated, estimated error of log-loss ≤ 0.019"
    )  # 15 of 45; an error is never rounded to less
    assert note([line(every=20, error=0.02)], dots=True) == (
        "9 % of the points evaluated (dots), others interpolated, estimated error of log-loss ≤ 0.02"
    )
    surfaces = [plane(every=4, error=0.001), plane(every=2, error=0.25), plane()]
    assert note(surfaces) == (
        "13 to 100 % of the points evaluated, others interpolated, estimated error of log-loss ≤ 0.25"
    )


def test_the_note_is_empty_where_nothing_is_interpolated(plane):
    half = plane(lambda x, y: np.where(x > 0, np.nan, 2 + y), accuracy=False)
    for values in half.values.values():
        values[:, 5:] = np.nan
    half = dataclasses.replace(half, evaluated=~np.isnan(half.values["train/loss"]))
    assert note([plane(), half]) == ""


@pytest.mark.parametrize(("done", "share"), [(1, 1), (2000, 99)])
def test_a_share_is_never_rounded_to_nothing_or_to_all(line, done, share):
    surface = line(np.ones(2001))
    surface = dataclasses.replace(
        surface, evaluated=np.arange(2001) < done, interpolation_error=np.full(2001, 0.0)
    )
    assert note([surface]).startswith(f"{share} % of the points evaluated")
    assert note([surface]).endswith("≤ 0")


def test_an_error_that_is_not_stored_is_not_told(line):
    surface = line([1.0, 2.0, 3.0], every=2, error=np.nan)
    assert note([surface]) == "66 % of the points evaluated, others interpolated"
    assert hover_words(surface, "loss").tolist() == ["", "interpolated", ""]


def test_hovering_tells_the_relative_error_of_a_loss_alone(plane):
    surface = plane(every=2, error=0.1)
    told = hover_words(surface, "loss")
    assert told.shape == (5, 9)
    assert told[0, :3].tolist() == ["", "interpolated (±11 %)", ""]  # e^0.1 = 1.105
    assert set(told[1]) == {"interpolated (±11 %)"}
    assert set(hover_words(surface, "accuracy")[1]) == {"interpolated"}


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_dots_are_on_the_evaluated_points_of_a_plane(plane, kind):
    surface = plane(every=2)
    figure = draw([surface], kind=kind)
    expected = [(x, y) for y in surface.y[::2] for x in surface.x[::2]]
    np.testing.assert_allclose(dots_of(figure.axes[0]), expected)
    assert words_below(figure).startswith(note([surface], dots=True))
    assert "(dots)" in words_below(figure)


@pytest.mark.parametrize("kind", ["heatmap", "contour"])
def test_a_plane_that_is_evaluated_has_dots_only_beside_one_that_is_not(plane, kind):
    assert dots_of(draw([plane()], kind=kind).axes[0]) is None
    first, second = draw([plane(name="a"), plane(name="b", every=2)], kind=kind).axes[:2]
    assert (len(dots_of(first)), len(dots_of(second))) == (45, 15)


def test_points_without_a_finite_loss_have_no_dot(plane):
    surface = plane(lambda x, y: np.where(x > 0.9, np.inf, 2 + y), every=2)
    dots = dots_of(draw([surface], kind="heatmap").axes[0])
    assert len(dots) == 15 - 3
    assert dots[:, 0].max() == 0.5


def test_dots_stand_out_from_dark_and_light_colours(plane):
    axes = Figure().add_subplot()
    surface = plane(x=(0, 1, 2), y=(0, 1, 2))
    colours = matplotlib.colormaps["viridis"], Normalize(0, 1)
    dot_evaluated(axes, surface, colours, np.array([[0.0, 0.0], [1.0, 1.0]]))
    (dots,) = axes.collections
    light, dark = to_rgba("white", 0.8), to_rgba(INK, 0.8)
    np.testing.assert_allclose(dots.get_facecolors(), [light, light, dark, dark])


def test_dots_of_a_fine_grid_leave_it_visible(plane):
    figure = draw([plane(x=(-1, 1, 51), y=(-1, 1, 51), every=2)], kind="heatmap")
    (axes, *_) = figure.axes
    (dots,) = (each for each in axes.collections if isinstance(each, PathCollection))
    width = 72 / figure.dpi * axes.get_window_extent().width
    (area,) = dots.get_sizes()
    assert 0.5 <= np.sqrt(area) < 0.5 * width / 51


def test_a_landscape_has_a_note_and_no_dots(plane):
    surface = plane(every=2)
    figure = draw([surface], kind="surface3d")
    assert words_below(figure) == note([surface])
    assert "dots" not in words_below(figure)


@pytest.mark.parametrize("kind", ["heatmap", "contour", "surface3d", "line"])
def test_the_note_is_on_the_page_and_readable(plane, line, kind):
    figure = draw([line(every=2, stderr=0.1) if kind == "line" else plane(every=2)], kind=kind)
    figure.draw_without_rendering()
    title = figure.legends[0].get_title()
    box = title.get_window_extent()
    assert title.get_fontsize() == 7
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
    assert figure.bbox.y0 <= box.y0 < box.y1 <= figure.bbox.y1
    panels = [axes for axes in figure.axes if axes.get_subplotspec()]
    assert not any(axes.get_tightbbox().overlaps(box) for axes in panels)
