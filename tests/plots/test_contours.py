import numpy as np
import pytest
from matplotlib.contour import QuadContourSet
from matplotlib.text import Text

from landscape_cli.plots.draw import draw


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
    surfaces = [plane(bowl, name="a"), plane(lambda x, y: 3 * bowl(x, y), name="b", x=(-1, 1, 4))]
    axes = panels_of(draw(surfaces, kind="contour"))
    assert len(axes) == 2
    first, second = ((*contour_sets(each, filled=True), *contour_sets(each, filled=False)) for each in axes)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one.levels, other.levels)
        assert one.get_clim() == other.get_clim()


def test_a_panel_that_the_shared_levels_hardly_cross_has_lines_between_them(plane):
    surfaces = [plane(bowl, name="a"), plane(lambda x, y: 30 + x, name="b")]
    first, second = panels_of(draw(surfaces, kind="contour"))
    shared, own = set(level_lines(first)), set(level_lines(second))
    assert shared < own
    crossing = [len(vertices) for level, vertices in level_lines(second).items() if level not in shared]
    assert sum(count > 0 for count in crossing) >= 4
    (one,), (other,) = (contour_sets(each, filled=True) for each in (first, second))
    assert one.get_clim() == other.get_clim()
    for loss in 10 ** np.array(sorted(own - shared)):
        assert loss == pytest.approx(float(f"{loss:.4g}"))  # round


def test_solutions_of_one_name_are_named_once(plane):
    marks = (("epoch 9", 0.0, 0.5),)
    for kind in ("contour", "heatmap", "surface3d"):
        figure = draw([plane(name=name, marks=marks) for name in "ab"], kind=kind)
        figure.draw_without_rendering()
        texts = [text.get_text().strip() for text in figure.findobj(Text)]
        assert texts.count("epoch 9") == 1
        assert "epoch 9" in {text.get_text() for text in figure.legends[0].get_texts()}
        (alone,) = (
            text for text in draw([plane(marks=marks)], kind=kind).findobj(Text) if "epoch" in text.get_text()
        )
        assert alone.axes is not None


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


def test_a_whole_surface_has_no_legend(plane):
    assert draw([plane(x=(-1, 1, 101), y=(0, 1, 101))], kind="contour").legends == []


def test_what_curves_are_drawn_through_is_said(plane):
    (legend,) = draw([plane(x=(-1, 1, 9), y=(0, 1, 5))], kind="contour").legends
    expected = "level lines are smooth curves through 9\N{MULTIPLICATION SIGN}5 points"
    assert legend.get_title().get_text() == expected


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
    assert {text.get_text() for text in labels} <= {f"{10.0**power:g}" for power in range(-2, 6)}
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


def test_only_the_outer_panels_are_labelled(plane):
    figure = draw([plane(name=name) for name in "abcde"], kind="contour")
    panels = panels_of(figure)
    assert [bool(axes.get_ylabel()) for axes in panels] == [True, False, False, True, False]
    assert [bool(axes.get_xlabel()) for axes in panels] == [False, False, True, True, True]
    titles = [text.get_text() for axes in panels for text in axes.findobj(Text) if text is axes.title]
    assert titles == list("abcde")
