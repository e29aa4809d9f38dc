import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.text import Text

from landscape_cli.plots.draw import draw
from landscape_cli.plots.levels import number


def contour_sets(axes, *, filled):
    return [each for each in axes.collections if isinstance(each, QuadContourSet) and each.filled == filled]


def level_lines(axes):
    """Return the vertices of each level's lines, (n, 2) in data coordinates, by level."""
    (lines,) = contour_sets(axes, filled=False)
    return {level: path.vertices for level, path in zip(lines.levels, lines.get_paths(), strict=True)}


def panels_of(figure):
    return [axes for axes in figure.axes if contour_sets(axes, filled=True) and axes.get_subplotspec()]


def bowl(x, y):
    return 10 ** (-2 + 5 * np.sqrt(x**2 + (y - 0.5) ** 2))


def test_level_lines_run_where_the_function_has_their_value(plane):
    (axes, *_) = draw([plane(lambda x, y: 2 + x + 10 * y)], kind="contour", scale="linear").axes
    seen = 0
    for level, vertices in level_lines(axes).items():
        np.testing.assert_allclose(2 + vertices @ [1, 10], level, atol=1e-9)
        seen += len(vertices)
    assert seen > 20
    assert axes.get_xlim() == (-1, 1)
    assert axes.get_ylim() == (0, 1)


def test_logarithmic_lines_are_interpolated_in_the_logarithm(plane):
    surface = plane(lambda x, y: 10 ** (x + 3 * y))
    (axes, *_) = draw([surface], kind="contour").axes
    lines = {level: vertices for level, vertices in level_lines(axes).items() if len(vertices)}
    assert set(lines) >= {0.0, 1.0, 2.0, 3.0}  # of 0.1 … 10,000
    for level, vertices in lines.items():
        np.testing.assert_allclose(vertices @ [1, 3], level, atol=1e-9)


def test_all_panels_have_the_same_levels_and_colours(plane):
    surfaces = [plane(bowl, name="a"), plane(lambda x, y: 30 + x, name="b", x=(-2, 2, 4))]
    axes = panels_of(draw(surfaces, kind="contour"))
    assert len(axes) == 2
    (first,), (second,) = (contour_sets(each, filled=True) for each in axes)
    np.testing.assert_array_equal(first.levels, second.levels)
    assert first.get_clim() == second.get_clim()
    assert first.get_cmap() == second.get_cmap()
    common = set(level_lines(axes[0])) & set(level_lines(axes[1]))
    assert len(common) >= 6
    assert all(set(level_lines(each)) <= set(first.levels) for each in axes)


def test_every_panel_has_lines_in_its_own_range(plane):
    narrow = plane(lambda x, y: 2.3 + 0.1 * x + 0.05 * y, name="b")
    figure = draw([plane(bowl, name="a"), narrow, plane(lambda x, y: 0 * x + 7, name="c")], kind="contour")
    wide, tight, constant = (
        {level: len(v) for level, v in level_lines(each).items()} for each in panels_of(figure)
    )
    assert sum(count > 0 for count in wide.values()) >= 4
    assert sum(count > 0 for count in tight.values()) >= 4
    assert sum(count > 0 for count in constant.values()) == 0
    added = set(tight) - set(wide)  # these would be a black band on the wide one
    assert len(added) >= 3
    bar = next(axes for axes in figure.axes if axes not in panels_of(figure))
    figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in bar.get_yticklabels() if label.get_text()]
    assert len(boxes) >= 4
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


@pytest.mark.parametrize("levels", [[3.0, 5.0, 9.0], [3, 5, 9]])
def test_levels_that_were_asked_for_are_drawn(plane, levels):
    (axes, *_) = draw([plane()], kind="contour", levels=levels).axes
    (filled,) = contour_sets(axes, filled=True)
    assert list(level_lines(axes)) == levels
    assert filled.extend == "both"


def test_every_level_line_is_solid_and_a_point_wide_or_more(plane):
    (axes, *_) = draw([plane(bowl)], kind="contour").axes
    (lines,) = contour_sets(axes, filled=False)
    assert lines.levels.min() < 0  # log10: Matplotlib would dash these
    assert all(dashes is None for _, dashes in lines.get_linestyle())
    assert min(lines.get_linewidth()) >= 1


def test_nothing_is_drawn_through_points_that_are_missing(plane):
    def holes(x, y):
        return np.where(x > 0.4, np.inf, np.where(y < 0.2, np.nan, 2 + x + 10 * y))

    figure = draw([plane(holes)], kind="contour", scale="linear")
    axes = figure.axes[0]
    vertices = np.concatenate([path.vertices for path in contour_sets(axes, filled=True)[0].get_paths()])
    assert vertices[:, 0].max() <= 0.25 + 1e-9  # the last finite column
    assert vertices[:, 1].min() >= 0.25 - 1e-9  # the first evaluated row
    assert {patch.get_label() for patch in axes.patches} >= {"not finite", "not evaluated"}
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["not finite", "not evaluated"]


def test_the_legend_of_a_whole_surface_is_a_note(plane):
    (legend,) = draw([plane()], kind="contour").legends
    assert legend.get_texts() == []


def test_level_labels_have_the_values_and_cover_nothing(plane):
    marks = (("here", 0.0, 0.5), ("and here", 0.05, 0.5), ("at the edge", 1.0, 0.0), ("outside", 3.0, 3.0))
    figure = draw([plane(bowl, x=(-1, 1, 41), y=(0, 1, 31), marks=marks)], kind="contour")
    axes = figure.axes[0]
    figure.draw_without_rendering()
    words = [text for text in axes.texts if text.get_text()]
    assert {"here", "and here", "at the edge"} <= {text.get_text() for text in words}
    assert "outside" not in {text.get_text() for text in words}
    labels = [text for text in words if text.get_text() not in {name for name, *_ in marks}]
    assert len(labels) >= 3
    assert {text.get_text() for text in labels} <= {
        number(mantissa * 10.0**power) for power in range(-2, 6) for mantissa in (1, 2, 3, 5)
    }
    boxes = [text.get_window_extent() for text in words]
    assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])
    frame = axes.get_window_extent()
    assert all(
        frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        for box in boxes
    )


def test_there_is_one_colour_bar_numbered_at_the_levels(plane):
    figure = draw([plane(bowl, name="a"), plane(bowl, name="b")], kind="contour")
    (bar,) = (axes for axes in figure.axes if axes not in panels_of(figure))
    figure.draw_without_rendering()
    assert bar.get_ylabel().replace("\n", " ") == "training loss (cross-entropy, nats)"
    assert [label.get_text() for label in bar.get_yticklabels()][:4] == ["0.01", "0.1", "1", "10"]


def test_no_number_of_the_colour_bar_is_below_the_least_value(plane):
    """A level below it is drawn at the bar's lower end, where it is not."""
    figure = draw([plane(lambda x, y: 0.07 * bowl(x, y))], kind="contour", scale="log")
    (bar,) = (axes for axes in figure.axes if axes not in panels_of(figure))
    figure.draw_without_rendering()
    told = dict(zip(bar.get_yticks(), (label.get_text() for label in bar.get_yticklabels()), strict=True))
    assert "0.001" in told.values()
    assert all(10**height == pytest.approx(float(value)) for height, value in told.items())


def test_only_the_outer_panels_are_labelled(plane):
    figure = draw([plane(name=name) for name in "abcde"], kind="contour")
    panels = panels_of(figure)
    assert [bool(axes.get_ylabel()) for axes in panels] == [True, False, False, True, False]
    assert [bool(axes.get_xlabel()) for axes in panels] == [False, False, True, True, True]
    titles = [text.get_text() for axes in panels for text in axes.findobj(Text) if text is axes.title]
    assert titles == list("abcde")
