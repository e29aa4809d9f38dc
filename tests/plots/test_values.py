import numpy as np
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.levels import choose_levels
from landscape_cli.plots.values import check_value, common_scale, values_of


def test_accuracies_are_in_percent_and_losses_as_stored(plane):
    surface = plane()
    np.testing.assert_array_equal(
        values_of(surface, "train", "accuracy"), 100 * surface.values["train/accuracy"]
    )
    np.testing.assert_array_equal(values_of(surface, "test", "loss"), surface.values["test/loss"])


def test_missing_values_are_refused_with_what_there_is(plane):
    with pytest.raises(
        LandscapeError, match=r"out/plane.h5 has no train/error; choose from test/accuracy, test/loss, "
    ):
        values_of(plane(), "train", "error")


def test_nothing_evaluated_is_refused(plane):
    with pytest.raises(
        LandscapeError, match=r"out/plane.h5: nothing of train/loss is evaluated yet; run the command"
    ):
        values_of(plane(lambda x, y: np.nan * x), "train", "loss")


def test_nothing_finite_is_refused(plane):
    with pytest.raises(LandscapeError, match=r"out/plane.h5: no value of train/loss is finite"):
        values_of(plane(lambda x, y: np.where(x > 0, np.inf, np.nan)), "train", "loss")


@pytest.mark.parametrize(
    ("values", "log"),
    [
        ([1, 30], False),
        ([1, 31], True),
        ([0, 1, 31], True),
        ([-1, 1, 31], False),
        ([0, 0], False),
        ([2, 2], False),
    ],
)
def test_auto_is_logarithmic_above_a_factor_of_thirty(values, log):
    assert common_scale([np.array(values, dtype=float)], "auto").log is log


def test_auto_never_chooses_the_logarithm_of_an_accuracy():
    assert not common_scale([np.array([0.1, 100.0])], "auto", may_be_log=False).log
    assert common_scale([np.array([0.1, 100.0])], "log", may_be_log=False).log


def test_the_scale_is_that_of_all_panels_and_of_finite_values_alone():
    scale = common_scale([np.array([1.0, np.inf]), np.array([np.nan, 50.0, 2.0])], "auto")
    assert (scale.log, scale.low, scale.high, scale.floored) == (True, 1.0, 50.0, False)


def test_missing_values_have_no_height():
    scale = common_scale([np.array([1.0, 100.0, np.inf, np.nan])], "log")
    heights = scale.heights(np.array([1.0, 100.0, np.inf, np.nan]))
    np.testing.assert_array_equal(heights.mask, [False, False, True, True])
    np.testing.assert_allclose(heights.compressed(), [0, 2])


def test_zero_is_drawn_at_the_smallest_positive_value_and_the_label_says_so():
    values = np.array([0.0, 1e-3, 1.0])
    scale = common_scale([values], "log")
    np.testing.assert_allclose(scale.heights(values), [-3, -3, 0])
    assert scale.note() == "\n(values \N{LESS-THAN OR EQUAL TO} 0 drawn at 0.001)"
    assert common_scale([values], "linear").note() == ""
    assert common_scale([values[1:]], "log").note() == ""


def test_a_logarithm_of_no_positive_value_is_refused():
    with pytest.raises(
        LandscapeError, match="scale=log needs positive values, got none above 0; choose scale=linear"
    ):
        common_scale([np.array([-1.0, 0.0])], "log")


def test_an_unknown_scale_is_refused():
    with pytest.raises(
        LandscapeError, match=r"no scale 'lgo'; choose from auto, linear, log \(nearest: log\)"
    ):
        common_scale([np.array([1.0])], "lgo")


def test_a_value_that_a_file_has_of_no_split_is_refused(plane):
    check_value([plane()], "accuracy")
    check_value([plane(stderr=0.1)], "loss_stderr")
    regression = plane(name="regression", accuracy=False)
    with pytest.raises(LandscapeError, match=r"^out/regression.h5 has no accuracy; choose value=loss$"):
        check_value([plane(), regression], "accuracy")


def bowl_and_floor():
    """Losses of a bowl whose bottom is nearly zero, and what is left of them without their bottom."""
    x = np.linspace(-1, 1, 41)
    loss = 1e-4 + 60 * (x**2 + x[:, None] ** 2)
    return loss, np.maximum(loss, 2.0)


def test_a_landscape_goes_over_to_linear_heights_where_its_bottom_would_be_a_needle():
    bowl, floor = bowl_and_floor()
    plain = common_scale([bowl], "log")
    bent = plain.bent([bowl])
    assert bent.bend == pytest.approx(np.quantile(bowl, 0.05), rel=0.2)
    values = np.array([0.0, 1e-4, 0.5, bent.bend, 7.0, 100.0])
    heights = bent.heights(values)
    expected = np.log(values / bent.bend + np.sqrt((values / bent.bend) ** 2 + 1)) / np.log(10)
    np.testing.assert_allclose(heights, expected, atol=1e-12)
    np.testing.assert_allclose([bent.value(height) for height in heights], values, atol=1e-9)
    assert bent.height(1e4) - bent.height(1e3) == pytest.approx(1, abs=1e-3)
    assert bent.height(100.0) == pytest.approx(float(heights[-1]))
    # a parabola's curvature at the bottom is not that of a spike: the innermost step is the smallest
    row = bent.heights(bowl[20])
    assert row[21] - row[20] < row[22] - row[21]
    assert plain.heights(bowl[20])[21] - plain.heights(bowl[20])[20] > 1
    assert f"logarithmic above {bent.bend:g}, linear below" in bent.note()
    assert common_scale([floor], "log").bent([floor]).bend == 0
    assert common_scale([bowl], "linear").bent([bowl]).bend == 0


def test_values_of_a_bent_scale_have_round_levels_from_zero():
    bowl, _ = bowl_and_floor()
    scale = common_scale([bowl], "log").bent([bowl])
    levels = choose_levels(scale, None)
    assert levels[0] == 0
    assert levels[-1] >= bowl.max()
    assert (np.diff(scale.heights(levels)) > 0.1).all()
