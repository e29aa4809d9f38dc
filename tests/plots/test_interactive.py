import json
import re

import numpy as np
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.plots.interactive import interactive_fragment, interactive_html


def figure_of(fragment):
    """Return the traces, the layout and the configuration that the page hands to plotly.js."""
    decoder = json.JSONDecoder()
    position = fragment.index("Plotly.newPlot(")
    found = []
    for opening in ("[", "{", "{"):
        position = fragment.index(opening, position)
        value, position = decoder.raw_decode(fragment, position)
        found.append(value)
    return found


def surfaces_of(traces):
    return [trace for trace in traces if trace["type"] == "surface"]


def test_the_page_is_whole_and_loads_nothing(plane):
    page = interactive_html([plane()])
    assert page.startswith("<!DOCTYPE html>")
    assert page.count("Plotly.newPlot(") >= 1
    assert not re.search(r"<(script|img|iframe|link)\b[^>]*\b(src|href)\s*=", page.partition("<body>")[2])
    assert re.findall(r"<script[^>]*>", page.partition("</head>")[0]) == ["<script>"]
    assert "http" not in page.partition("<body>")[2]
    assert len(page) > 1_000_000


def test_no_button_sends_the_data_away(plane):
    _, _, config = figure_of(interactive_fragment([plane()]))
    assert config["showSendToCloud"] is False
    assert config["displaylogo"] is False


def test_rows_of_z_are_y_and_columns_are_x(plane):
    surface = plane(lambda x, y: 2 + x + 10 * y)
    traces, _, _ = figure_of(interactive_fragment([surface]))
    first = surfaces_of(traces)[0]
    assert (len(first["y"]), len(first["x"])) == (5, 9)
    for row, y in zip(first["z"], first["y"], strict=True):
        np.testing.assert_allclose(row, 2 + np.array(first["x"]) + 10 * y)


def test_each_button_shows_its_values_alone(plane):
    surface = plane(lambda x, y: 2 + x + 10 * y)
    traces, layout, _ = figure_of(interactive_fragment([surface, surface]))
    buttons = layout["updatemenus"][0]["buttons"]
    assert [button["label"] for button in buttons] == [
        "training loss",
        "training loss, log",
        "test loss",
        "test loss, log",
        "training accuracy",
        "test accuracy",
    ]
    keys = ["train/loss", "train/loss", "test/loss", "test/loss", "train/accuracy", "test/accuracy"]
    for button, key in zip(buttons, keys, strict=True):
        visible, change = button["args"]
        shown = [trace for trace, on in zip(traces, visible["visible"], strict=True) if on]
        expected = surface.values[key] * (100 if "accuracy" in key else 1)
        assert [trace["scene"] for trace in surfaces_of(shown)] == ["scene", "scene2"]
        for trace in surfaces_of(shown):
            np.testing.assert_allclose(trace["z"], expected, rtol=1e-5)
        kind = "log" if button["label"].endswith("log") else "linear"
        assert change["scene.zaxis.type"] == change["scene2.zaxis.type"] == kind
        low, high = change["scene.zaxis.range"]
        ends = [expected.min(), expected.max()]
        ends = np.log10(ends) if kind == "log" else ends
        assert low < ends[0] < ends[1] < high
        assert not any(name.endswith("camera") for name in change)


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({}, "training loss"),
        ({"scale": "log"}, "training loss, log"),
        ({"split": "test"}, "test loss"),
        ({"value": "accuracy"}, "training accuracy"),
    ],
)
def test_what_was_asked_for_shows_first(plane, options, shown):
    traces, layout, _ = figure_of(interactive_fragment([plane()], **options))
    menu = layout["updatemenus"][0]
    button = menu["buttons"][menu["active"]]
    assert button["label"] == shown
    assert [trace["visible"] for trace in traces] == button["args"][0]["visible"]


def test_a_wide_range_shows_its_logarithm_first(plane):
    surface = plane(lambda x, y: 10 ** (2 * x))
    traces, layout, _ = figure_of(interactive_fragment([surface]))
    assert layout["scene"]["zaxis"]["type"] == "log"
    shown = next(trace for trace in surfaces_of(traces) if trace["visible"])
    np.testing.assert_allclose(shown["z"], surface.values["train/loss"], rtol=1e-5)
    np.testing.assert_allclose(shown["surfacecolor"], np.log10(surface.values["train/loss"]), atol=1e-5)


def test_missing_points_are_holes_and_counted(plane):
    surface = plane(lambda x, y: np.where(x > 0.9, np.inf, np.where(x < -0.9, np.nan, 2 + y)))
    traces, layout, _ = figure_of(interactive_fragment([surface]))
    z = surfaces_of(traces)[0]["z"]
    assert [row[0] for row in z] == [row[-1] for row in z] == [None] * 5
    assert all(value is not None for row in z for value in row[1:-1])
    assert "holes: 5 points not finite, 5 points not evaluated" in layout["annotations"][0]["text"]


def test_files_share_colours_and_one_colour_bar(plane):
    traces, _, _ = figure_of(
        interactive_fragment([plane(lambda x, y: 1 + y, name="a"), plane(lambda x, y: 6 + y, name="b")])
    )
    shown = [trace for trace in surfaces_of(traces) if trace["visible"]]
    assert [(trace["cmin"], trace["cmax"]) for trace in shown] == [(1, 7), (1, 7)]
    assert [trace["showscale"] for trace in shown] == [False, True]


def test_solutions_stand_on_the_surface(plane):
    surface = plane(lambda x, y: 2 + x + 10 * y, marks=(("here", -1.0, 1.0), ("out", 9.0, 9.0)))
    traces, _, _ = figure_of(interactive_fragment([surface]))
    mark = next(trace for trace in traces if trace["type"] == "scatter3d")
    assert (mark["x"], mark["y"], mark["z"], mark["text"]) == ([-1], [1], [11], ["here"])


def test_hovering_tells_coordinates_and_value(plane):
    traces, _, _ = figure_of(interactive_fragment([plane()]))
    template = surfaces_of(traces)[0]["hovertemplate"]
    assert template.startswith("x = %{x:.4g}<br>y = %{y:.4g}<br>training loss = %{z:.5g}")


def test_a_line_has_both_axes(line):
    traces, layout, _ = figure_of(interactive_fragment([line(), line(name="other")]))
    looks = {(t["name"], t["yaxis"]): (t["line"]["dash"], t["y"][0]) for t in traces}
    assert looks[("training loss", "y")] == ("solid", 1)
    assert looks[("test loss", "y3")] == ("dash", 1.5)
    assert looks[("training accuracy", "y2")] == ("solid", 75)
    assert looks[("test accuracy", "y4")] == ("dash", 50)
    assert layout["yaxis2"]["title"]["text"] == "accuracy (%)"
    assert layout["yaxis"]["range"] == layout["yaxis3"]["range"]
    assert [(shape["x0"], shape["label"]["text"]) for shape in layout["shapes"][:2]] == [
        (0, "batch 128"),
        (1, "batch 8192"),
    ]


def test_the_buttons_of_a_line_change_its_loss_axes(line):
    _, layout, _ = figure_of(interactive_fragment([line(np.geomspace(0.01, 100, 9)), line()]))
    menu = layout["updatemenus"][0]
    assert [button["label"] for button in menu["buttons"]] == ["loss: linear", "loss: log"]
    assert menu["active"] == 1
    assert layout["yaxis"]["type"] == layout["yaxis3"]["type"] == "log"
    change = menu["buttons"][1]["args"][0]
    assert set(change) == {"yaxis.type", "yaxis.range", "yaxis3.type", "yaxis3.range"}
    low, high = change["yaxis.range"]
    assert low < -2 < 2 < high
    low, high = menu["buttons"][0]["args"][0]["yaxis.range"]
    assert low <= 0 < 100.5 < high


def test_a_line_without_positive_loss_has_no_logarithm(line):
    _, layout, _ = figure_of(interactive_fragment([line([-3, -2, -1])]))
    assert [button["label"] for button in layout["updatemenus"][0]["buttons"]] == ["loss: linear"]


def test_equal_files_give_equal_pages_and_two_pictures_fit_in_one(plane, line):
    assert interactive_fragment([plane()]) == interactive_fragment([plane()])
    names = [re.search(r'<div id="([^"]+)"', interactive_fragment([each]))[1] for each in (plane(), line())]
    assert names[0] != names[1]


def test_names_cannot_break_the_page(plane):
    page = interactive_html([plane(marks=(("</script><b>", 0, 0.5),))], title="<b>&")
    assert "<title>&lt;b&gt;&amp;</title>" in page
    assert "</script><b>" not in page


def test_other_values_are_refused(plane):
    with pytest.raises(
        LandscapeError, match=r"no value 'losss'; choose from accuracy, loss \(nearest: loss\)"
    ):
        interactive_fragment([plane()], value="losss")


def test_nothing_evaluated_is_refused(plane, line):
    with pytest.raises(LandscapeError, match="nothing of train/loss is evaluated yet"):
        interactive_fragment([plane(lambda x, y: np.nan * x)])
    with pytest.raises(LandscapeError, match="no loss is evaluated yet"):
        interactive_fragment([line(np.full(5, np.nan))])


def test_hovering_tells_what_is_interpolated(plane):
    surface = plane(every=2, error=0.012)
    traces, layout, _ = figure_of(interactive_fragment([surface]))
    loss, *_, accuracy = surfaces_of(traces)
    assert loss["text"][0][:3] == ["", "interpolated (±1.2 %)", ""]
    assert len(loss["text"]) == 5
    assert {len(row) for row in loss["text"]} == {9}
    assert accuracy["text"][1] == ["interpolated"] * 9
    assert loss["hoverinfo"] == "x+y+z+text"
    assert "hovertemplate" not in loss  # it would override this, with x and y of the text exchanged
    words = "33 % of the points evaluated, others interpolated, estimated error of log-loss ≤ 0.012"
    assert words in layout["annotations"][0]["text"]
    changed = layout["updatemenus"][0]["buttons"][-1]["args"][1]
    assert words in changed["annotations"][0]["text"]


def test_nothing_interpolated_is_not_mentioned(plane, line):
    assert "interpolated" not in interactive_fragment([plane()])
    assert "interpolated" not in interactive_fragment([line()])


def test_a_line_tells_what_is_interpolated(line):
    traces, layout, _ = figure_of(interactive_fragment([line(every=5, error=0.012)]))
    curves = {trace["name"]: trace for trace in traces}
    loss, accuracy = curves["training loss"], curves["training accuracy"]
    assert loss["text"][:6] == ["", *["interpolated (±1.2 %)"] * 4, ""]
    assert accuracy["text"][1] == "interpolated"
    assert all("%{text}" in trace["hovertemplate"] for trace in traces)
    for trace in traces:
        assert np.flatnonzero(trace["marker"]["size"]).tolist() == [0, 5, 10, 15, 20]
    assert "23 % of the points evaluated" in layout["annotations"][0]["text"]


def test_a_loss_that_is_evaluated_everywhere_has_no_markers(line):
    traces, _, _ = figure_of(interactive_fragment([line()]))
    sizes = {trace["name"]: set(trace["marker"]["size"]) for trace in traces}
    assert sizes["training loss"] == {0}
    assert sizes["training accuracy"] == {5}


def test_a_regression_has_no_accuracy(plane, line):
    for surface in (plane(accuracy=False), line(accuracy=False)):
        traces, layout, _ = figure_of(interactive_fragment([surface]))
        assert "yaxis2" not in layout
        assert not any("accuracy" in trace.get("name", "") for trace in traces)
        with pytest.raises(LandscapeError, match=r"has no accuracy; choose value=loss"):
            interactive_fragment([surface], value="accuracy")


def test_a_page_without_a_title_is_named_by_its_file(plane):
    page = interactive_html([plane(run_config={}, config={}, accuracy=False)])
    assert "<title>plane</title>" in page
