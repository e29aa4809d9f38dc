import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection
from matplotlib.colors import to_rgb

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.draw import draw
from landscape_cli.plots.lines import lone


def drawn(figure):
    """Return the curves of each panel by their labels, as the pair of axes holds them."""
    curves = {}
    for axes in figure.axes:
        panel = axes.get_subplotspec().num1
        curves.setdefault(panel, {}).update(
            {each.get_label(): each for each in axes.lines if "/" in str(each.get_label())}
        )
    return [curves[panel] for panel in sorted(curves)]


def test_training_is_solid_and_test_dashed_and_loss_and_accuracy_differ_in_grey(line):
    (curves,) = drawn(draw([line()]))
    assert list(curves) == ["train/loss", "test/loss", "train/accuracy", "test/accuracy"]
    for name, curve in curves.items():
        assert curve.is_dashed() == name.startswith("test")
        assert curve.get_linewidth() >= 1
        assert (curve.get_marker() == "o") == name.endswith("accuracy")
    colours = {name.partition("/")[2]: to_rgb(curve.get_color()) for name, curve in curves.items()}
    assert len(set(colours.values())) == 2
    assert curves["train/loss"].get_linewidth() > 1.5 * curves["train/accuracy"].get_linewidth()


def test_loss_stands_left_and_accuracy_right_in_percent(line):
    figure = draw([line()])
    left, right = figure.axes
    (curves,) = drawn(figure)
    assert curves["train/loss"].axes is left
    np.testing.assert_allclose(curves["train/loss"].get_ydata(), np.linspace(1, 2, 21))
    assert left.get_ylabel() == "loss (cross-entropy, nats)"
    assert curves["train/accuracy"].axes is right
    np.testing.assert_allclose(curves["train/accuracy"].get_ydata(), 75)
    assert right.get_ylabel() == "accuracy (%)"
    assert right.get_ylim() == (-2, 102)
    assert right.yaxis.get_label_position() == "right"


def test_the_legend_names_the_curves(line):
    (legend,) = draw([line()]).legends
    assert [text.get_text() for text in legend.get_texts()] == [
        "training loss",
        "test loss",
        "training accuracy",
        "test accuracy",
    ]


def test_solutions_are_marked_where_they_are(line):
    figure = draw([line(marks=(("one", 0, 0), ("two", 1, 0), ("beyond", 5, 0)))])
    left = figure.axes[0]
    assert [each.get_xdata()[0] for each in left.lines if each.get_linestyle() == ":"] == [0, 1]
    (names,) = left.child_axes
    assert [
        (x, label.get_text()) for x, label in zip(names.get_xticks(), names.get_xticklabels(), strict=True)
    ] == [
        (0, "one"),
        (1, "two"),
    ]


def test_names_of_solutions_never_touch(line):
    long = ("optimizer weight decay 0.0005", "optimizer weight decay 0.05")
    figure = draw([line(marks=((long[0], 0, 0), (long[1], 1, 0)))])
    figure.draw_without_rendering()
    first, second = figure.axes[0].child_axes[0].get_xticklabels()
    assert (first.get_text(), second.get_text().strip()) == long
    renderer = figure.canvas.get_renderer()
    upper = second.get_window_extent(renderer)
    assert upper.y0 + upper.height / 2 >= first.get_window_extent(renderer).y1 - 1


def test_panels_share_the_axes_of_loss_and_accuracy(line):
    figure = draw([line([1, 5], name="a"), line([0.1, 2], name="b")], scale="linear")
    lefts, rights = figure.axes[:2], figure.axes[2:]
    assert len({axes.get_ylim() for axes in lefts}) == 1
    assert lefts[0].get_ylim()[1] > 5.5
    assert -0.5 < lefts[0].get_ylim()[0] < 0
    assert {axes.get_ylim() for axes in rights} == {(-2, 102)}
    assert [bool(axes.get_ylabel()) for axes in (*lefts, *rights)] == [True, False, False, True]


def test_settings_that_differ_stand_above_their_panels(line, run_config):
    surfaces = [line(run_config=run_config(optimizer__weight_decay=decay)) for decay in (0.0, 5e-4)]
    figure = draw(surfaces)
    assert [axes.get_title() for axes in figure.axes[:2]] == ["weight decay 0", "weight decay 5e-4"]
    assert figure.get_suptitle() == "resnet20, cifar10, SGD, batch 128"


@pytest.mark.parametrize(("top", "scale"), [(20, "linear"), (2000, "log")])
def test_the_loss_axis_follows_the_range(line, top, scale):
    figure = draw([line(np.geomspace(1, top, 21))])
    assert figure.axes[0].get_yscale() == scale
    assert figure.axes[1].get_yscale() == "linear"


def test_zero_loss_on_a_logarithmic_axis_is_told_in_the_label(line):
    figure = draw([line([0, 0.1, 1, 10, 100])])
    (curves,) = drawn(figure)
    np.testing.assert_allclose(curves["train/loss"].get_ydata(), [0.1, 0.1, 1, 10, 100])
    assert "0 drawn at 0.1" in figure.axes[0].get_ylabel()


def test_missing_points_are_gaps_and_hatched(line):
    figure = draw([line([1, np.inf, 1, 2, np.nan])])
    (curves,) = drawn(figure)
    np.testing.assert_array_equal(
        np.isnan(curves["train/loss"].get_ydata()), [False, True, False, False, True]
    )
    assert {patch.get_label() for patch in figure.axes[0].patches} == {"not finite", "not evaluated"}
    assert [text.get_text() for text in figure.legends[0].get_texts()][-2:] == ["not finite", "not evaluated"]


def test_points_that_no_line_reaches_are_dots(line):
    values = np.array([1, np.nan, 2, np.inf, 3, 4])
    np.testing.assert_array_equal(lone(values), [True, False, True, False, False, False])
    dots = [
        each
        for each in draw([line(values)]).axes[0].lines
        if each.get_marker() == "." and len(each.get_xdata())
    ]
    np.testing.assert_allclose(dots[0].get_ydata(), [1, 2])


def test_a_line_without_accuracies_has_one_axis(line):
    figure = draw([line(accuracy=False)])
    assert len(figure.axes) == 1
    assert list(drawn(figure)[0]) == ["train/loss", "test/loss"]


def test_a_line_without_any_loss_is_refused(line):
    with pytest.raises(LandscapeError, match=r"out/line.h5: no loss is evaluated yet; run the command"):
        draw([line(np.full(5, np.nan))])


def test_the_x_axis_ends_with_the_line(line):
    assert draw([line()]).axes[0].get_xlim() == (-0.5, 1.5)


def test_evaluated_points_have_dots_only_where_others_are_interpolated(line):
    def dots(figure):
        return [each for each in figure.axes[0].lines if each.get_marker() == "." and len(each.get_xdata())]

    assert dots(draw([line()])) == []
    train, test = dots(draw([line(every=5)]))
    np.testing.assert_allclose(train.get_xdata(), [-0.5, 0, 0.5, 1, 1.5])
    np.testing.assert_allclose(train.get_ydata(), [1, 1.25, 1.5, 1.75, 2])
    np.testing.assert_allclose(test.get_ydata(), np.add(train.get_ydata(), 0.5))


def test_the_line_runs_through_what_is_interpolated(line):
    (curves,) = drawn(draw([line(every=5)]))
    np.testing.assert_allclose(curves["train/loss"].get_ydata(), np.linspace(1, 2, 21))


@pytest.mark.parametrize(("every", "markers"), [(1, 21), (3, 7), (20, 2)])
def test_accuracies_have_their_markers_at_evaluated_points(line, every, markers):
    surface = line(every=every)
    (curves,) = drawn(draw([surface]))
    places = curves["train/accuracy"].get_markevery()
    assert len(places) == markers
    assert surface.evaluated[places].all()


def test_markers_stay_about_twelve(line):
    (curves,) = drawn(draw([line(np.ones(241), every=2)]))
    assert 12 <= len(curves["test/accuracy"].get_markevery()) <= 13


def bands(axes):
    return [each for each in axes.collections if isinstance(each, FillBetweenPolyCollection)]


def test_standard_errors_are_bands_around_the_losses(line):
    figure = draw([line(stderr=0.1)], scale="linear")
    train, test = (each.get_paths()[0].get_extents() for each in bands(figure.axes[0]))
    np.testing.assert_allclose([train.y0, train.y1], [0.9, 2.2])
    np.testing.assert_allclose([test.y0, test.y1], [1.35, 2.75])
    assert figure.axes[0].get_ylim()[1] > 2.75
    assert figure.legends[0].get_texts()[-1].get_text() == "± standard error of the loss"


def test_a_band_that_reaches_zero_does_not_take_the_logarithmic_axis(line):
    figure = draw([line(np.geomspace(0.1, 100, 21), stderr=1.0)], scale="log")
    assert bands(figure.axes[0])[0].get_paths()[0].get_extents().y0 == 0.05
    assert 0.02 < figure.axes[0].get_ylim()[0] < 0.05


def test_a_band_has_gaps_where_the_loss_has(line):
    surface = line([1, np.inf, 1, 2, np.nan, 3, 3], stderr=0.1)
    train = bands(draw([surface], scale="linear").axes[0])[0]
    assert [sorted({*path.vertices[:, 0].round(2)}) for path in train.get_paths()][-1] == [1.17, 1.5]


def test_losses_of_all_samples_have_no_band(line):
    assert bands(draw([line()]).axes[0]) == []
