import numpy as np
import pytest
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from landscape_cli.plots.draw import draw


def landscapes(figure):
    """Return the drawn surface of each panel: the one collection that has values."""
    panels = [axes for axes in figure.axes if axes.name == "3d"]
    return [next(each for each in axes.collections if each.get_array() is not None) for axes in panels]


def mean_of_corners(values):
    return (values[:-1, :-1] + values[1:, :-1] + values[:-1, 1:] + values[1:, 1:]) / 4


def test_each_facet_stands_where_its_points_are(plane):
    surface = plane(lambda x, y: 2 + x + 10 * y)
    figure = draw([surface], kind="surface3d", scale="linear")
    (landscape,) = landscapes(figure)
    np.testing.assert_allclose(landscape.get_array(), mean_of_corners(surface.values["train/loss"]).ravel())
    axes = figure.axes[0]
    limits = (axes.get_xlim(), axes.get_ylim(), axes.get_zlim())
    data = ((-1, 1), (0, 1), (1, 13))
    for (low, high), (start, stop) in zip(limits, data, strict=True):
        assert low <= start
        assert stop <= high
        assert high - low < 1.2 * (stop - start)


def test_logarithmic_heights_are_numbered_with_their_values(plane):
    figure = draw([plane(lambda x, y: 10 ** (2 * x))], kind="surface3d")
    (landscape,) = landscapes(figure)
    np.testing.assert_allclose(landscape.get_array()[:8], np.linspace(-1.75, 1.75, 8))
    axes = figure.axes[0]
    figure.draw_without_rendering()
    numbered = dict(
        zip(axes.get_zticks(), (label.get_text() for label in axes.get_zticklabels()), strict=True)
    )
    assert {-2: "0.01", 0: "1", 2: "100"}.items() <= numbered.items()


def test_missing_points_are_holes_over_a_grey_floor(plane):
    def holes(x, y):
        return np.where((x > 0.7) & (y > 0.7), np.inf, 2 + x)

    figure = draw([plane(holes)], kind="surface3d")
    (landscape,) = landscapes(figure)
    facets = landscape.get_array().reshape(-1)
    assert len(facets) == 8 * 4 - 1
    assert np.isfinite(facets).all()
    assert facets.max() < 3
    floors = [
        each
        for each in figure.axes[0].collections
        if isinstance(each, Poly3DCollection) and each is not landscape
    ]
    assert len(floors) == 1
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["hole: not finite"]


def test_listed_levels_cut_the_landscape(plane):
    figure = draw([plane(lambda x, y: 5 + 5 * x)], kind="surface3d", levels=[0, 5], scale="linear")
    assert figure.axes[0].get_zlim() == (0, 5)
    (landscape,) = landscapes(figure)
    assert landscape.get_array().max() <= 5
    assert landscape.get_clim() == (0, 5)


def test_panels_share_heights_and_stand_two_a_row(plane):
    surfaces = [plane(lambda x, y, k=k: 1 + k + y, name=f"p{k}") for k in range(4)]
    figure = draw(surfaces, kind="surface3d")
    panels = [axes for axes in figure.axes if axes.name == "3d"]
    assert len({axes.get_zlim() for axes in panels}) == 1
    assert [
        (axes.get_subplotspec().rowspan.start, axes.get_subplotspec().colspan.start) for axes in panels
    ] == [
        (0, 0),
        (0, 1),
        (1, 0),
        (1, 1),
    ]


def test_everything_of_each_panel_is_on_the_page_and_covers_no_number(plane):
    marks = (("a long label here", 1.0, 0.0), ("at the back corner", 1.0, 1.0), ("left", -1.0, 0.0))
    runs = {"direction": {"name": "runs", "to": ["a", "b"]}}
    for count in (1, 3, 4):
        panels = [
            plane(lambda x, y: 1e-6 * 10 ** (3 * x), name=f"p{k}", config=runs, marks=marks)
            for k in range(count)
        ]
        figure = draw(panels, kind="surface3d")
        figure.draw_without_rendering()
        renderer = figure.canvas.get_renderer()
        spaces = [axes for axes in figure.axes if axes.name == "3d"]
        assert len(spaces) == count
        numbers = [axes.zaxis.get_tightbbox(renderer) for axes in spaces]
        labels = [text.get_window_extent() for axes in spaces for text in axes.texts]
        assert len(labels) == 3 * count
        axis = [axis.get_tightbbox(renderer) for axes in spaces for axis in (axes.xaxis, axes.yaxis)]
        titles = [axes.title.get_window_extent() for axes in spaces]
        for box in (*labels, *numbers, *axis, *titles):
            assert figure.bbox.x0 - 1 <= box.x0 < box.x1 <= figure.bbox.x1 + 1
            assert figure.bbox.y0 - 1 <= box.y0 < box.y1 <= figure.bbox.y1 + 1
        assert not any(one.overlaps(other) for one in titles for other in (*axis, *numbers))
        assert not any(axes.patch.get_visible() for axes in spaces)  # would cover a neighbour's numbers


def needle(x, y):
    return np.where(np.hypot(x, y - 0.5) < 0.01, 1e-6, 10 ** (1 + x))


def test_a_bowl_whose_bottom_is_near_zero_is_round(plane):
    surface = plane(needle, x=(-1, 1, 21), y=(0, 1, 21))
    figure = draw([surface], kind="surface3d")
    bend = float(f"{np.quantile(surface.values['train/loss'], 0.05):.0e}")
    low, high = figure.axes[0].get_zlim()
    assert (low, high) == (0, pytest.approx(np.arcsinh(100 / bend) / np.log(10)))
    (mark,) = [each for each in figure.axes[0].lines if each.get_marker() == "o"]
    assert mark.get_data_3d()[2][0] == pytest.approx(0, abs=1e-5)
    label = figure.axes[-1].get_ylabel().replace("\n", " ")
    assert label.endswith(f"(logarithmic above {bend:g}, linear below)")
    assert figure.axes[-1].get_yticklabels()[0].get_text() == "0"
    whole = draw([surface], kind="surface3d", levels=[1e-6, 1, 100])
    assert whole.axes[0].get_zlim() == pytest.approx((-6, 2))
    for other in (whole, draw([surface], kind="contour")):
        assert "linear below" not in other.axes[-1].get_ylabel()


def test_solutions_stand_on_the_surface(plane):
    figure = draw(
        [plane(lambda x, y: 2 + x + 10 * y, marks=(("here", -1, 1), ("out", 9, 9)))], kind="surface3d"
    )
    axes = figure.axes[0]
    (mark,) = [each for each in axes.lines if each.get_marker() == "o"]
    np.testing.assert_allclose(np.ravel(mark.get_data_3d()), [-1, 1, 11])
    assert [text.get_text().strip() for text in axes.texts] == ["here"]


def test_a_long_title_is_on_the_page(plane):
    title = "cnn, batch normalization, digits, SGD, batch 128, weight decay 0"
    figure = draw(
        [plane(lambda x, y: 10 ** (2 * x), x=(-1, 1, 9), y=(-1, 1, 9))], kind="surface3d", title=title
    )
    figure.draw_without_rendering()
    box = figure.axes[0].title.get_window_extent()
    assert figure.bbox.x0 <= box.x0 < box.x1 <= figure.bbox.x1
