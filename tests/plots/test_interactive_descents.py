import dataclasses
import json
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pytest

from landscape_cli.errors import LandscapeError
from landscape_cli.plots import interactive_descents
from landscape_cli.plots.descent_words import looks
from landscape_cli.plots.descents import draw_descents, over_steps
from landscape_cli.plots.descents_on_planes import MOST_PATHS
from landscape_cli.plots.descents_written import write_descents
from landscape_cli.plots.interactive_descents import LIFT, descent_figure
from landscape_cli.plots.options import Look
from landscape_cli.store.descent import Descent, OptimizerPath


def plane(x, y):
    return 2 + x + 10 * y


def walk(points, function=plane, steps=None):
    """Return the paths through points (n, k, d), with the function's values there."""
    points = np.asarray(points, dtype=float)
    loss = np.where(np.isfinite(points).all(axis=2), function(points[..., 0], points[..., 1]), np.inf)
    steps = np.arange(points.shape[1], dtype=float) if steps is None else np.asarray(steps, dtype=float)
    return OptimizerPath(steps, points, loss, np.ones(loss.shape))


def descents(paths, function=plane, *, minima=((0.5, 0.0),), name="descent", lowest=None):
    x, y = np.linspace(-1, 1, 9), np.linspace(0, 1, 5)
    return Descent(
        path=Path(f"{name}.h5"),
        paths=paths,
        x=x,
        y=y,
        values=np.asarray(function(*np.meshgrid(x, y)), dtype=float),
        minima=np.reshape(minima, (-1, 2)),
        lowest=lowest,
        grid=None,
        formula="",
        config={"function": {"name": name}},
        attributes={},
    )


def flat(descent):
    """Return the same paths as those of a function that has no picture."""
    return dataclasses.replace(descent, x=None, y=None, values=None)


TWO = {
    "gd": walk([[[-1, 1], [-0.5, 0.5], [0.13, 0.31]]]),
    "adam": walk([[[-1, 1], [-0.75, 0.25], [0.5, 0]]], steps=[0, 5, 10]),
}


def lines_of(figure):
    return [trace for trace in figure["data"] if trace.get("mode") == "lines"]


def dots_of(figure):
    return [trace for trace in figure["data"] if "customdata" in trace]


def labels(figure):
    return [button["label"] for button in figure["layout"]["updatemenus"][0]["buttons"]]


def test_paths_lie_on_the_function_and_dots_tell_step_place_and_exact_value():
    figure = descent_figure([descents(TWO)], scale="linear")
    surface = figure["data"][0]
    for row, y in zip(surface["z"], surface["y"], strict=True):
        np.testing.assert_allclose(row, plane(np.array(surface["x"]), y))
    lift = LIFT * (13 - 1)  # of the range of the heights
    for trace in [*lines_of(figure), *dots_of(figure)]:
        x, y, z = (np.array(trace[key], dtype=float) for key in "xyz")
        np.testing.assert_allclose(z, plane(x, y) + lift, rtol=1e-4)
    for trace, path, name in zip(dots_of(figure), TWO.values(), ("gradient descent", "Adam"), strict=True):
        assert trace["name"] == name
        np.testing.assert_allclose(np.transpose([trace["x"], trace["y"]]), path.points[0])
        np.testing.assert_allclose(trace["customdata"], np.transpose([path.steps, path.loss[0]]), rtol=1e-5)
        for told in ("%{fullData.name}", "step %{customdata[0]", "x = ", "y = ", "f = %{customdata[1]"):
            assert told in trace["hovertemplate"]


def test_starts_and_minima_are_marked_and_the_legend_has_each_once():
    figure = descent_figure([descents(TWO), descents(TWO, minima=((0.5, 0.0), (9, 9)), name="other")])
    marks = {(t["scene"], t["name"]): (t["x"], t["y"]) for t in figure["data"] if "legendrank" in t}
    for scene in ("scene", "scene2"):
        assert marks[scene, "start"] == ([-1], [1])
        assert marks[scene, "minimum"] == ([0.5], [0])  # the other one lies beside the picture
    shown = [trace["name"] for trace in figure["data"] if trace.get("showlegend")]
    assert sorted(shown) == ["Adam", "gradient descent", "minimum", "start"]


def test_optimizers_have_the_colours_of_pictures():
    many = {f"o{number}": TWO["gd"] for number in range(12)}
    figure = descent_figure([descents(many)])
    drawn = [(trace["line"]["color"], trace["line"]["dash"]) for trace in lines_of(figure)]
    assert [colour for colour, _ in drawn] == [look["color"] for look in looks([descents(many)]).values()]
    assert len(set(drawn)) == 12


def steep(x, y):
    return 10 ** (2 * x) + 0 * y


def test_the_buttons_change_the_heights_alone():
    descent = descents({"gd": walk([[[0.75, 1], [0.5, 1], [-0.25, 1]]], steep)}, steep, minima=())
    figure = descent_figure([descent])
    menu = figure["layout"]["updatemenus"][0]
    assert (labels(figure), menu["active"]) == (["f, linear", "f, log"], 1)
    assert descent_figure([descent], scale="linear")["layout"]["updatemenus"][0]["active"] == 0
    x, z = {}, {}
    for button, kind in zip(menu["buttons"], ("linear", "log"), strict=True):
        changed, layout = button["args"]
        assert set(changed) == {"z", "surfacecolor", "cmin", "cmax"}  # what the legend hides stays hidden
        assert layout["scene.zaxis.type"] == kind
        assert not any("camera" in key for key in layout)
        dots = figure["data"].index(dots_of(figure)[0])
        x[kind], z[kind] = np.array(figure["data"][dots]["x"]), np.array(changed["z"][dots])
        np.testing.assert_allclose(changed["z"][0][0], steep(np.linspace(-1, 1, 9), 0), rtol=1e-5)
    np.testing.assert_allclose(z["linear"], steep(x["linear"], 0) + LIFT * (100 - 0.01), rtol=1e-4)
    np.testing.assert_allclose(np.log10(z["log"]), 2 * x["log"] + LIFT * 4, atol=1e-3)
    assert figure["data"][0]["z"] == menu["buttons"][1]["args"][0]["z"][0]
    go.Figure(figure)  # plotly knows all of it


def test_a_function_with_negative_values_has_a_logarithm_only_where_it_is_asked_for():
    descent = descents(TWO, lambda x, y: x + y)
    assert labels(descent_figure([descent])) == ["f, linear"]
    asked = descent_figure([descent], scale="log")
    assert (labels(asked), asked["layout"]["updatemenus"][0]["active"]) == (["f, linear", "f, log"], 1)
    assert "is drawn at that" in asked["layout"]["annotations"][0]["text"]
    with pytest.raises(LandscapeError, match="scale=log needs positive values"):
        descent_figure([descents(TWO, lambda x, y: -1 - x**2)], scale="log")
    with pytest.raises(LandscapeError, match="no scale 'lgo'"):
        descent_figure([descent], scale="lgo")


def test_a_long_step_follows_the_surface():
    x = np.linspace(-1, 1, 9)
    figure = descent_figure(
        [descents({"gd": walk([[[-1, 0.5], [1, 0.5]]])}, lambda x, y: x**2 + 0 * y)], scale="linear"
    )
    (line,) = lines_of(figure)
    places, heights = np.array(line["x"][:-1]), np.array(line["z"][:-1])
    assert len(places) == 5  # two cells apart
    np.testing.assert_allclose(heights, np.interp(places, x, x**2) + LIFT, atol=1e-5)
    assert heights.min() < 0.1 < 0.9 < heights.max()


def test_what_left_the_picture_or_for_infinity_is_no_part_of_it():
    nan = np.nan
    gone = walk([[[0, 0.5], [0.5, 0.5], [1e200, 0.5], [-1e308, 0.5], [nan, nan]], [[-1, 0]] * 5])
    figure = descent_figure([descents({"gd": gone})])
    (dots,), (line,) = dots_of(figure), lines_of(figure)
    assert dots["x"] == [0, 0.5, *[-1] * 5]
    assert [step for step, _ in dots["customdata"]] == [0, 1, 0, 1, 2, 3, 4]
    assert None in line["z"][:-1]
    json.dumps(figure, allow_nan=False)


def test_many_starts_and_steps_are_thinned_and_told(monkeypatch):
    points = np.random.RandomState(0).uniform(0, 1, (200, 101, 2))
    descent = descents({"gd": walk(points)})
    monkeypatch.setattr(interactive_descents, "POINTS", 500)
    figure = descent_figure([descent])
    (dots,) = dots_of(figure)
    steps = [step for step, _ in dots["customdata"]]
    assert steps.count(0) == steps.count(100) == 50 <= MOST_PATHS
    assert len(steps) <= 500
    words = figure["layout"]["annotations"][0]["text"]
    assert "paths of 50 of 200 starts; 10 of 101 points of each" in words
    told = descent_figure([descents(TWO)])["layout"]["annotations"][0]["text"]
    assert "starts" not in told
    assert "points" not in told


def test_holes_are_told_and_a_function_of_holes_is_refused():
    figure = descent_figure([descents(TWO, lambda x, y: np.where(x > 0.9, np.inf, 1 + y))])
    assert [row[-1] for row in figure["data"][0]["z"]] == [None] * 5
    assert "holes: 5 points not finite" in figure["layout"]["annotations"][0]["text"]
    with pytest.raises(LandscapeError, match="no value of the function is finite; choose kind=line"):
        descent_figure([descents(TWO, lambda x, y: np.nan * x)])


def test_limits_are_those_of_the_look():
    figure = descent_figure([descents(TWO)], scale="linear", look=Look(vmin=0, vmax=10))
    assert (figure["data"][0]["cmin"], figure["data"][0]["cmax"]) == (0, 10)
    assert figure["layout"]["scene"]["zaxis"]["range"] == [-0.2, 10.2]


def test_functions_of_other_dimensions_are_lines_over_steps_as_in_print():
    descent = flat(descents(TWO, lowest=2.5))
    figure = descent_figure([descent], scale="log")
    drawn = draw_descents([descent], scale="log").axes[0]
    menu = figure["layout"]["updatemenus"][0]
    assert (labels(figure), menu["active"]) == (["linear", "log"], 1)
    assert figure["layout"]["yaxis"]["type"] == "log"
    assert figure["layout"]["yaxis"]["title"]["text"] == drawn.get_ylabel() == "f above its minimum"
    for number, (trace, line, path) in enumerate(zip(figure["data"], drawn.lines, TWO.values(), strict=True)):
        np.testing.assert_allclose(trace["y"], np.asarray(line.get_ydata(), dtype=float), rtol=1e-5)
        np.testing.assert_allclose(trace["x"], path.steps)
        np.testing.assert_allclose(trace["customdata"], path.loss[0] - 2.5, rtol=1e-5, atol=1e-12)
        np.testing.assert_allclose(menu["buttons"][0]["args"][0]["y"][number], trace["customdata"])
        assert trace["line"]["color"] == line.get_color()
    assert figure["data"][1]["y"][-1] > 0  # the floor
    assert figure["data"][1]["customdata"][-1] == 0  # what it is
    go.Figure(figure)


def test_values_without_a_positive_one_have_no_logarithm():
    descent = flat(descents({"gd": walk([[[-1, -1], [-1, -2]]])}))
    assert labels(descent_figure([descent])) == ["linear"]
    with pytest.raises(LandscapeError, match="scale=log needs positive values"):
        descent_figure([descent], scale="log")


def test_a_median_counts_those_that_left_for_infinity():
    nan = [np.nan, np.nan]
    points = [[[0, 0], [0, 0.1], nan, nan], [[0, 0], [0, 0.2], [0, 0.3], nan], [[0, 0]] * 4]
    ((curve,),) = (panel.series for panel in over_steps([descents({"gd": walk(points)})], "linear"))
    np.testing.assert_allclose(curve.values, [2, 3, 5, np.nan])


def test_pages_are_whole_and_names_cannot_break_them(tmp_path):
    out = tmp_path / "d.html"
    write_descents([descents({"</script><b>": TWO["gd"]}, name="<i>")], out)
    page = out.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "<title>&lt;i&gt;</title>" in page
    assert "</script><b>" not in page
    assert "http" not in page.partition("<body>")[2]
    with pytest.raises(LandscapeError, match="kind=surface3d is a picture"):
        write_descents([descents(TWO)], out, kind="surface3d")
    with pytest.raises(LandscapeError, match="kind=interactive is an HTML page"):
        write_descents([descents(TWO)], tmp_path / "d.png", kind="interactive")
