"""Learning curves, read off the artists of the figure."""

import matplotlib
import numpy as np
import plotly.graph_objects as go
import pytest
from matplotlib.collections import PolyCollection
from plots.trainings import training

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.interactive_curves import curve_figure
from landscape_cli.plots.learning_curves import draw_learning_curves, learning_curves, write_learning_curves
from landscape_cli.plots.series import COLOURS
from landscape_cli.plots.style import LOSS, SPLIT_LINES

LABELS = ["loss (cross-entropy, nats)", "accuracy (%)", "learning rate", "weight norm", "gradient norm"]


def drawn(histories, **options):
    return draw_learning_curves(learning_curves(histories, **options))


def words(figure):
    """The legend's entries, and the note above them."""
    (legend,) = figure.legends
    entries = [text.get_text().replace("\n", " ") for text in legend.get_texts()]
    return entries, legend.get_title().get_text().replace("\n", " ")


def lines(axes):
    return [line for line in axes.lines if line.get_linestyle() != "None"]


def band(axes):
    """Lower and upper ends of the band, by x."""
    (found,) = [each for each in axes.collections if isinstance(each, PolyCollection)]
    corners = found.get_paths()[0].vertices
    xs = np.unique(corners[:, 0])
    ends = [corners[corners[:, 0] == x, 1] for x in xs]
    return xs, np.array([each.min() for each in ends]), np.array([each.max() for each in ends])


def test_a_run_has_a_panel_a_value_training_solid_and_test_dashed(run_config):
    history = training(run_config())
    figure = drawn([history])
    assert [axes.get_ylabel().replace("\n", " ") for axes in figure.axes] == LABELS
    assert figure.get_suptitle() == "resnet20, cifar10, SGD, batch 128, weight decay 5e-4"
    for axes, name, unit in ((figure.axes[0], "loss", 1), (figure.axes[1], "accuracy", 100)):
        for line, split in zip(lines(axes), ("train", "test"), strict=True):
            values = unit * history.columns[f"{split}_{name}"]
            np.testing.assert_array_equal(line.get_xydata(), np.stack([np.arange(5), values], axis=-1))
            assert line.get_color() == LOSS
            assert line._unscaled_dash_pattern == matplotlib.lines._get_dash_pattern(SPLIT_LINES[split])
    for axes, name in zip(figure.axes[2:], ("lr", "weight_norm", "gradient_norm"), strict=True):
        (line,) = lines(axes)
        np.testing.assert_array_equal(line.get_ydata(), history.columns[name])
    assert words(figure) == (["training", "test"], "")


def test_seeds_are_a_mean_and_a_band_of_a_standard_deviation(run_config):
    losses = np.array([[4.0, 2.0, 1.0], [5.0, 2.5, 1.5], [6.0, 3.0, 0.5]])
    runs = [
        training(run_config(seed=seed), range(3), name=f"s{seed}", train_loss=loss, test_loss=loss + 1)
        for seed, loss in enumerate(losses)
    ]
    figure = drawn(runs, value="loss", split="train")
    (axes,) = figure.axes
    (line,) = lines(axes)
    np.testing.assert_allclose(line.get_ydata(), losses.mean(axis=0))
    xs, low, high = band(axes)
    assert xs.tolist() == [0, 1, 2]
    np.testing.assert_allclose(high, losses.mean(axis=0) + losses.std(axis=0, ddof=1))
    np.testing.assert_allclose(low, losses.mean(axis=0) - losses.std(axis=0, ddof=1))
    assert words(figure) == (["training"], "mean ± standard deviation over n = 3 seeds")
    each = drawn(runs, value="loss", split="train", seeds="each")
    np.testing.assert_array_equal([line.get_ydata() for line in lines(each.axes[0])], losses)
    assert len({line.get_color() for line in lines(each.axes[0])}) == 1
    assert not each.axes[0].collections
    assert words(each)[1] == "thin: a curve for each of n = 3 runs"


def test_a_band_stays_above_zero_on_a_logarithmic_axis(run_config):
    runs = [
        training(run_config(seed=seed), range(3), train_loss=[1.0, 1.0, last])
        for seed, last in enumerate((1e-3, 1.0))
    ]
    axes = drawn(runs, value="loss", split="train").axes[0]
    assert axes.get_yscale() == "log"
    assert band(axes)[1][2] == pytest.approx(5e-4)


def test_configurations_differ_in_colour_and_marker_and_the_legend_says_in_what(run_config):
    runs = [training(run_config(batch_size=size), name=str(size)) for size in (8, 64, 512)]
    runs.append(training(run_config(batch_size=512, seed=1), name="again"))
    figure = drawn(runs)
    entries, note = words(figure)
    assert entries == ["batch 8 (n = 1)", "batch 64 (n = 1)", "batch 512 (n = 2)", "training", "test"]
    assert note == "mean ± standard deviation over n seeds"
    looks = [(line.get_color(), line.get_marker()) for line in lines(figure.axes[0])[::2]]
    assert [colour for colour, _ in looks] == list(COLOURS[:3])
    assert len({marker for _, marker in looks}) == 3
    legend = [(line.get_color(), line.get_marker()) for line in figure.legends[0].get_lines()]
    assert legend[:3] == looks
    assert figure.get_suptitle() == "resnet20, cifar10, SGD, weight decay 5e-4"


def test_ten_configurations_all_look_different(run_config):
    runs = [training(run_config(batch_size=size), name=str(size)) for size in range(1, 11)]
    looks = {(line.get_color(), line.get_marker()) for line in lines(drawn(runs, value="lr").axes[0])}
    assert len(looks) == 10


def test_a_mean_that_ends_early_says_so(run_config):
    runs = [training(run_config(seed=seed), range(end + 1)) for seed, end in enumerate((3, 6))]
    figure = drawn(runs)
    assert lines(figure.axes[0])[0].get_xdata().tolist() == [0, 1, 2, 3]
    assert words(figure)[1].endswith("the mean ends at epoch 3, as one of its runs does")


@pytest.mark.parametrize(
    ("column", "values", "log"),
    [
        ("train_loss", [2.0, 1.0, 0.5, 0.3], False),
        ("train_loss", [2.0, 1.0, 0.1, 0.01], True),
        ("train_loss", [2.0, 1.0, 0.01, 0.0], True),
        ("lr", [0.1, 0.1, 0.1, 0.1], False),
        ("lr", [0.1, 0.1, 0.001, 0.001], True),
        ("lr", [0.1, 0.08, 0.02, 1e-5], False),  # a cosine
        ("lr", [0.1, 0.001, 0.001, 0.0], False),
        ("lr", [0.0, 0.0, 0.0, 0.0], False),
        ("gradient_norm", [9.0, 1.0, 0.1, 0.01], True),
    ],
)
def test_axes_are_logarithmic_where_the_range_asks_for_it(run_config, column, values, log):
    history = training(run_config(), range(4), **{column: values, "test_loss": np.ones(4)})
    axes = drawn([history], value=column.removeprefix("train_")).axes[0]
    assert axes.get_yscale() == ("log" if log else "linear")
    for scale in {"linear", "log"} - ({"log"} if not any(values) else set()):
        assert (
            drawn([history], value=column.removeprefix("train_"), scale=scale).axes[0].get_yscale() == scale
        )


def test_a_loss_of_zero_is_drawn_at_the_least_positive_one_and_told(run_config):
    history = training(run_config(), range(3), train_loss=[1.0, 1e-3, 0.0], test_loss=[1.0, 1.0, 1.0])
    axes = drawn([history], value="loss").axes[0]
    assert lines(axes)[0].get_ydata().tolist() == [1.0, 1e-3, 1e-3]
    assert axes.get_ylabel().endswith("(values ≤ 0 drawn at 0.001)")


def test_a_regression_has_no_accuracy_and_a_diverged_loss_is_a_gap(run_config):
    nan = np.full(5, np.nan)
    history = training(
        run_config(loss="mse"),
        train_accuracy=nan,
        test_accuracy=nan,
        train_loss=[3.0, np.inf, 2.0, np.inf, 1.0],
    )
    figure = drawn([history])
    assert len(figure.axes) == 4
    assert figure.axes[0].get_ylabel().startswith("loss (squared error")
    assert np.isnan(lines(figure.axes[0])[0].get_ydata()).tolist() == [False, True, False, True, False]
    (dots,) = [
        line for line in figure.axes[0].lines if line.get_linestyle() == "None" and len(line.get_xdata())
    ]
    assert dots.get_xydata().tolist() == [[0, 3], [2, 2], [4, 1]]  # what no line reaches
    with pytest.raises(
        LandscapeError, match="no accuracy was measured in run out/run; choose another value="
    ):
        drawn([history], value=["loss", "accuracy"])


def test_steps_and_chosen_values_and_a_title(run_config):
    figure = drawn([training(run_config())], value=["gradient_norm", "loss"], axis="steps", title="Mine")
    assert [axes.get_ylabel().partition(" (")[0] for axes in figure.axes] == ["gradient norm", "loss"]
    assert lines(figure.axes[1])[0].get_xdata().tolist() == [0, 100, 200, 300, 400]
    assert {axes.get_xlabel() for axes in figure.axes} == {"step"}
    assert figure.get_suptitle() == "Mine"


def test_nothing_is_cut_and_nothing_overlaps(run_config):
    runs = [
        training(
            run_config(batch_size=2**n, architecture__skip=n > 2, optimizer__momentum=n / 10), name=str(n)
        )
        for n in range(6)
    ]
    for value in ("auto", "loss", ("loss", "accuracy")):
        figure = drawn(runs, value=value)
        figure.draw_without_rendering()
        boxes = [axes.get_tightbbox() for axes in figure.axes] + [figure.legends[0].get_window_extent()]
        for box in boxes:
            assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1
            assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
        assert not any(one.overlaps(other) for index, one in enumerate(boxes) for other in boxes[:index])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"value": "seconds"}, "no value 'seconds'; choose from accuracy, gradient_norm, loss, lr"),
        ({"axis": "hours"}, "no axis 'hours'; choose from epochs, steps"),
        ({"seeds": "both"}, "no seeds 'both'; choose from each, mean"),
        ({"scale": "cubic"}, "no scale 'cubic'"),
        ({"split": "dev"}, "no split 'dev'"),
    ],
    ids=str,
)
def test_mistakes_are_refused(run_config, options, message):
    with pytest.raises(LandscapeError, match=message):
        learning_curves([training(run_config())], **options)


def test_a_single_row_is_no_curve(run_config):
    with pytest.raises(LandscapeError, match=r"a curve needs two rows of metrics\.csv; run out/run has one"):
        learning_curves([training(run_config(), [0])])


def test_the_page_has_the_same_curves_and_bands(run_config):
    runs = [
        training(
            run_config(batch_size=size, seed=seed),
            name=f"{size}-{seed}",
            train_loss=np.exp(-np.arange(5)) + seed,
        )
        for size in (8, 64)
        for seed in (0, 1)
    ]
    shown = learning_curves(runs)
    content = curve_figure(shown)
    go.Figure(content)  # refuses what plotly.js does not know
    curves = [trace for trace in content["data"] if trace["mode"] == "lines+markers"]
    expected = [curve for panel in shown.panels for curve in panel.curves]
    assert len(curves) == len(expected) == 2 * (2 + 2 + 3)
    for trace, curve in zip(curves, expected, strict=True):
        np.testing.assert_allclose(trace["y"], curve.mean, rtol=1e-5)
    assert len(content["data"]) == 3 * len(curves)  # each with the two ends of its band
    listed = [trace["name"] for trace in content["data"] if trace["showlegend"]]
    assert sorted(listed) == sorted(
        f"batch {size}, {split}" for split in ("training", "test") for size in (8, 64)
    )
    assert shown.panels[0].log  # seed 0 ends at 0.018
    assert content["layout"]["yaxis"]["type"] == "log"
    assert content["layout"]["yaxis2"]["type"] == "linear"
    lone = curve_figure(learning_curves(runs, value="lr"))["data"]
    assert [trace["name"] for trace in lone if trace["showlegend"]] == [
        "batch 8, learning rate",
        "batch 64, learning rate",
    ]


def test_pictures_and_pages_are_written_by_their_ending(run_config, tmp_path):
    history = training(run_config())
    for name, begin in (("a.svg", b"<?xml"), ("a.html", b"<!DOCTYPE html>")):
        assert write_learning_curves([history], tmp_path / name).axes
        assert (tmp_path / name).read_bytes().startswith(begin)
    for name, kind, message in (
        ("b.png", "contour", "kind=contour is of files"),
        ("b.png", "interactive", r"out= with the ending \.html"),
        ("b.html", "line", "kind=line is a picture"),
    ):
        with pytest.raises(LandscapeError, match=message):
            write_learning_curves([history], tmp_path / name, kind=kind)
    assert {path.name for path in tmp_path.iterdir()} == {"a.svg", "a.html"}
